//! Where the native libraries are: run-time search paths for binaries, and the ONNX Runtime to load.
//!
//! `scripts/setup` puts the pinned libraries into `native/`; a user's own `LIBTORCH`, `DUCKDB_LIB_DIR` or
//! `ORT_DYLIB_PATH` takes their place. This crate is the only one that knows that layout. Build scripts of
//! binaries call [`emit_rpath`]; `cliptune-score` calls [`silence_onnx_runtime`] and [`onnx_runtime`].

use std::env;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder with libtorch (`lib/`, `include/`), for building and for running `cliptune-train`.
pub const LIBTORCH: &str = "LIBTORCH";
/// The folder with `libduckdb.so`.
pub const DUCKDB_LIB_DIR: &str = "DUCKDB_LIB_DIR";
/// The ONNX Runtime library file itself.
pub const ORT_DYLIB_PATH: &str = "ORT_DYLIB_PATH";
/// Turns ONNX Runtime's telemetry off, where it is `1` before the library is loaded.
///
/// Since 1.29 the library sends telemetry on Linux, too. It looks up a host and writes into the user's cache as soon
/// as its environment is made, so that no function of its interface comes early enough.
pub const ORT_DISABLE_TELEMETRY: &str = "ORT_DISABLE_TELEMETRY";

/// The library file below `native/` that [`onnx_runtime`] falls back to.
const ONNX_RUNTIME_FILE: &str = "onnxruntime/lib/libonnxruntime.so";

/// Makes the binaries and tests of the calling package find the native libraries at run time.
///
/// For build scripts. The search path is a RUNPATH, so `LD_LIBRARY_PATH` still wins: a GPU host points the same
/// binary at its own libtorch. `$ORIGIN` entries come first so that a moved checkout keeps working; the folders
/// that were used to link follow.
#[expect(clippy::print_stdout, reason = "a build script speaks to cargo through its standard output")]
pub fn emit_rpath() {
    for up in ["../..", "../../.."] {
        // target/<profile>/ for binaries, target/<profile>/deps/ for tests.
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

/// Whether ONNX Runtime, loaded into this process, sends nothing.
pub fn onnx_runtime_is_silent() -> bool {
    env::var_os(ORT_DISABLE_TELEMETRY).is_some_and(|value| value == "1")
}

/// Makes sure that ONNX Runtime sends nothing from this process: the program starts itself again where its
/// environment does not say so yet.
///
/// For the first line of a program. Another thread may read the environment at any time, which is why a running
/// process cannot change its own safely; the program that takes its place gets a new one.
///
/// # Errors
/// When the program cannot be started again. On success nothing is returned if it was: another process image runs.
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

/// The ONNX Runtime library to load: `ORT_DYLIB_PATH`, else a copy beside the executable, else `native/` of the
/// checkout that the executable was built in.
///
/// Returns every place that was looked at when there is none, for the message. Whether the file is a usable
/// library is for the loader to say.
pub fn onnx_runtime() -> Result<PathBuf, Vec<PathBuf>> {
    let candidates = onnx_runtime_candidates();
    candidates.iter().find(|path| path.is_file()).cloned().ok_or(candidates)
}

fn onnx_runtime_candidates() -> Vec<PathBuf> {
    if let Some(declared) = env::var_os(ORT_DYLIB_PATH) {
        // A declared library that is missing is an error, not a reason to take another one silently.
        return vec![PathBuf::from(declared)];
    }
    let Some(folder) = env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf)) else {
        return Vec::new();
    };
    let mut candidates = vec![folder.join("libonnxruntime.so")];
    candidates.extend(folder.ancestors().map(|above| above.join("native").join(ONNX_RUNTIME_FILE)));
    candidates
}
