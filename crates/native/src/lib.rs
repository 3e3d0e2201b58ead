//! Locates the native libraries: run-time search paths for binaries, and the ONNX Runtime to load.
//!
//! `scripts/setup` puts the pinned libraries into `native/`; a user's own `LIBTORCH`, `DUCKDB_LIB_DIR` or
//! `ORT_DYLIB_PATH` takes precedence. Only this crate knows that layout. Build scripts of binaries call [`emit_rpath`];
//! `cliptune-score` calls [`silence_onnx_runtime`] and [`onnx_runtime`].

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The variable for the folder with libtorch (`lib/`, `include/`), which is needed to build and run `cliptune-train`.
pub const LIBTORCH: &str = "LIBTORCH";
/// The variable for the folder with `libduckdb.so`.
pub const DUCKDB_LIB_DIR: &str = "DUCKDB_LIB_DIR";
/// The variable for the ONNX Runtime library file itself.
pub const ORT_DYLIB_PATH: &str = "ORT_DYLIB_PATH";
/// The variable that turns ONNX Runtime's telemetry off if it is `1` before the library is loaded.
///
/// Since 1.29 the library sends telemetry on Linux, too. It looks up a host and writes into the user's cache as soon as
/// its environment is created, so no function of its interface could be called early enough.
pub const ORT_DISABLE_TELEMETRY: &str = "ORT_DISABLE_TELEMETRY";

/// The variable with the folders that the loader searches before those that a program names.
const LIBRARY_PATH: &str = "LD_LIBRARY_PATH";

/// The variable with options for the allocator in DuckDB's library, which reads them when it is loaded.
pub const DUCKDB_ALLOCATOR: &str = "DUCKDB_JE_MALLOC_CONF";

/// The library file below `native/` that [`onnx_runtime`] falls back to.
const ONNX_RUNTIME_FILE: &str = "onnxruntime/lib/libonnxruntime.so";

/// Makes the binaries and tests of the calling package find the native libraries at run time.
///
/// This is for build scripts. The search path is a RUNPATH, so `LD_LIBRARY_PATH` still wins: a GPU host can point the
/// same binary at its own libtorch. The `$ORIGIN` entries come first so that a moved checkout keeps working, and the
/// folders that were used for linking follow.
#[expect(clippy::print_stdout, reason = "a build script speaks to cargo through its standard output")]
pub fn emit_rpath() {
    for up in ["../..", "../../.."] {
        // The first starts from target/<profile>/, for binaries, and the second from target/<profile>/deps/, for tests.
        println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN/{up}/native/libtorch/lib");
        println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN/{up}/native/duckdb");
    }
    for (variable, below) in [(LIBTORCH, "lib"), (DUCKDB_LIB_DIR, "")] {
        println!("cargo:rerun-if-env-changed={variable}");
        if let Some(folder) = env::var_os(variable) {
            println!("cargo:rustc-link-arg=-Wl,-rpath,{}", Path::new(&folder).join(below).display());
        }
    }
}

/// Returns the variable, and its value, with which a program has to be started for its loader to take the libtorch that
/// [`LIBTORCH`] names; nothing where none is named, or where this process has been started like that.
///
/// Whoever starts itself again needs an end of its own: the loader removes the variable from a program that has capabilities or
/// the rights of another user, and the answer stays the same.
///
/// # Errors
/// Returns the folder that [`LIBTORCH`] names when there is no libtorch in it: the loader would pass over it without a word and
/// take the libraries that cliptune was built with.
pub fn path_to_named_libtorch() -> Result<Option<(&'static str, OsString)>, PathBuf> {
    let Some(libraries) = named_libtorch()? else { return Ok(None) };
    let path = env::var_os(LIBRARY_PATH).unwrap_or_default();
    Ok(searched_first(&libraries, path).map(|path| (LIBRARY_PATH, path)))
}

/// Returns a search path that begins with a folder, unless the path does already.
fn searched_first(folder: &Path, path: OsString) -> Option<OsString> {
    // Bytes are compared, and no folders, because what the path was given once has to be found in it even if it holds a colon.
    if let Some(rest) = path.as_bytes().strip_prefix(folder.as_os_str().as_bytes())
        && matches!(rest.first(), None | Some(b':'))
    {
        return None;
    }
    let mut first = folder.as_os_str().to_owned();
    if !path.is_empty() {
        first.push(":");
        first.push(path);
    }
    Some(first)
}

/// Returns the folder with the libraries of the libtorch that [`LIBTORCH`] names, if it names one, or the folder that it names
/// when there is no libtorch in it.
fn named_libtorch() -> Result<Option<PathBuf>, PathBuf> {
    match env::var_os(LIBTORCH).filter(|folder| !folder.is_empty()) {
        Some(folder) => libraries(PathBuf::from(folder)).map(Some),
        None => Ok(None),
    }
}

/// Returns the folder with the libraries of a libtorch, or the libtorch's own folder when they are not there.
fn libraries(libtorch: PathBuf) -> Result<PathBuf, PathBuf> {
    let libraries = libtorch.join("lib");
    let is_there =
        ["libtorch_cpu.so", "libtorch_cpu.dylib"].iter().any(|name| libraries.join(name).is_file());
    if is_there { Ok(libraries) } else { Err(libtorch) }
}

/// Returns options for the allocator in DuckDB's library, for a process whose memory one thread after another uses.
///
/// DuckDB gives each processor an arena, and a thread touches new memory beside what another one has freed. Here two processors
/// share one. What has been free for 0.2 seconds goes back to the system and no longer counts as used.
pub fn duckdb_allocator() -> String {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    format!("narenas:{},dirty_decay_ms:200,muzzy_decay_ms:0", processors.div_ceil(2))
}

/// Checks whether ONNX Runtime would send nothing if it were loaded into this process.
pub fn onnx_runtime_is_silent() -> bool {
    env::var_os(ORT_DISABLE_TELEMETRY).is_some_and(|value| value == "1")
}

/// Makes sure that ONNX Runtime sends nothing from this process: the program starts itself again if its environment
/// does not turn telemetry off yet.
///
/// Call this in the first line of a program. Another thread may read the environment at any time, which is why a
/// running process cannot change its own environment safely; the program that replaces it gets a new one.
///
/// # Errors
/// When the program cannot be started again. If it is started again, this function does not return, because a new
/// process image runs.
pub fn silence_onnx_runtime() -> io::Result<()> {
    if onnx_runtime_is_silent() {
        return Ok(());
    }
    let mut arguments = env::args_os();
    let mut program = Command::new(env::current_exe()?);
    if let Some(name) = arguments.next() {
        program.arg0(name);
    }
    Err(program.args(arguments).env(ORT_DISABLE_TELEMETRY, "1").exec())
}

/// Finds the ONNX Runtime library to load: `ORT_DYLIB_PATH`, else a copy beside the executable, else `native/` of the
/// checkout that the executable was built in.
///
/// If there is none, returns every place that was searched, for the message. Whether the file is a usable library is
/// left to the loader.
pub fn onnx_runtime() -> Result<PathBuf, Vec<PathBuf>> {
    let candidates = onnx_runtime_candidates();
    candidates.iter().find(|path| path.is_file()).cloned().ok_or(candidates)
}

fn onnx_runtime_candidates() -> Vec<PathBuf> {
    if let Some(declared) = env::var_os(ORT_DYLIB_PATH) {
        // A declared library that is missing is an error, not a reason to silently take another one.
        return vec![PathBuf::from(declared)];
    }
    let Some(folder) = env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf)) else {
        return Vec::new();
    };
    let mut candidates = vec![folder.join("libonnxruntime.so")];
    candidates.extend(folder.ancestors().map(|above| above.join("native").join(ONNX_RUNTIME_FILE)));
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_put_in_front_of_a_search_path_once() {
        let first = |folder: &str, path: &str| {
            searched_first(Path::new(folder), OsString::from(path))
                .map(|path| path.into_string().expect("UTF-8"))
        };
        assert_eq!(first("/gpu/lib", "").as_deref(), Some("/gpu/lib"));
        assert_eq!(first("/gpu/lib", "/other:/gpu/lib").as_deref(), Some("/gpu/lib:/other:/gpu/lib"));
        assert_eq!(first("/gpu/lib", "/gpu/lib64").as_deref(), Some("/gpu/lib:/gpu/lib64"));
        for folder in ["/gpu/lib", "/a:b/lib"] {
            let path = first(folder, "/other").expect("it is not there yet");
            assert_eq!(first(folder, &path), None, "a program that starts itself again would never end");
            assert_eq!(first(folder, folder), None);
        }
    }
}
