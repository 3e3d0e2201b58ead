//! ONNX Runtime: which library is loaded, and that it stays silent.

use std::env;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environment::{above_programs, packages_below};
use crate::pinned::Pinned;
use crate::{ORT_DISABLE_TELEMETRY, ORT_DYLIB_PATH};

/// The library file below `native/` that [`onnx_runtime`] falls back to.
const IN_CHECKOUT: &str = "onnxruntime/lib/libonnxruntime.so";
/// The folder with the library in the folder of a Python environment's packages.
const IN_PACKAGES: &str = "onnxruntime/capi";
/// The name of the library. In a Python package, the version follows it.
const NAME: &str = "libonnxruntime.so";

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

/// Finds the ONNX Runtime library to load: `ORT_DYLIB_PATH`, else a copy beside the executable, else that of the Python
/// environment that the executable is installed in, else `native/` of the checkout that the executable was built in.
///
/// If there is none, returns every place that was searched, for the message. Whether the file is a usable library is
/// left to the loader.
pub fn onnx_runtime() -> Result<PathBuf, Vec<PathBuf>> {
    let candidates = candidates();
    candidates.iter().find(|path| path.is_file()).cloned().ok_or(candidates)
}

/// Returns the version of an ONNX Runtime, which its file's name ends with, or which the list says of what lies in a checkout.
pub fn onnx_runtime_version(library: &Path) -> Option<String> {
    let versioned = |name: &str| name.strip_prefix(NAME)?.strip_prefix('.').map(str::to_owned);
    let real = fs::canonicalize(library).ok()?;
    versioned(real.file_name()?.to_str()?).or_else(|| Pinned::OnnxRuntime.version_beside(&real))
}

fn candidates() -> Vec<PathBuf> {
    if let Some(declared) = env::var_os(ORT_DYLIB_PATH) {
        // A declared library that is missing is an error, not a reason to silently take another one.
        return vec![PathBuf::from(declared)];
    }
    let Some(folder) = env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf)) else {
        return Vec::new();
    };
    let mut candidates = vec![folder.join(NAME)];
    candidates.extend(above_programs().iter().flat_map(|above| in_environment(above)));
    candidates.extend(folder.ancestors().map(|above| above.join("native").join(IN_CHECKOUT)));
    candidates
}

/// Returns the libraries of the environment around a program's folder, and where one would be if there were any.
fn in_environment(above: &Path) -> Vec<PathBuf> {
    packages_below(above)
        .flat_map(|packages| {
            let folder = packages.join(IN_PACKAGES);
            let mut libraries = libraries(&folder);
            if libraries.is_empty() {
                libraries.push(folder.join(NAME));
            }
            libraries
        })
        .collect()
}

/// Returns the libraries in a folder, in the order of their names. A name without a version is a link that older packages had.
fn libraries(folder: &Path) -> Vec<PathBuf> {
    let is_library = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| {
            name.strip_prefix(NAME).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<PathBuf> = entries.filter(is_library).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_of_the_environment_is_found_by_its_versioned_name() {
        let above = crate::scratch::Scratch::new();
        assert!(in_environment(above.path()).is_empty(), "without packages there is nowhere to look");
        let folder = above.path().join("lib/python3.12/site-packages/onnxruntime/capi");
        fs::create_dir_all(above.path().join("lib/python3.12/site-packages")).unwrap();
        assert_eq!(in_environment(above.path()), [folder.join("libonnxruntime.so")], "named in the error");
        fs::create_dir_all(&folder).unwrap();
        for name in ["libonnxruntime.so.1.32.0", "libonnxruntime_providers_shared.so", "_ld_preload.py"] {
            fs::write(folder.join(name), "").unwrap();
        }
        let library = folder.join("libonnxruntime.so.1.32.0");
        assert_eq!(in_environment(above.path()), std::slice::from_ref(&library));
        assert_eq!(onnx_runtime_version(&library).as_deref(), Some("1.32.0"));
    }

    #[test]
    fn the_version_of_a_library_in_a_checkout_is_that_of_the_list() {
        let native = crate::scratch::Scratch::new();
        let library = native.path().join("onnxruntime/lib/libonnxruntime.so");
        fs::create_dir_all(library.parent().unwrap()).unwrap();
        fs::write(&library, "").unwrap();
        assert_eq!(onnx_runtime_version(&library), None);
        fs::write(native.path().join(".complete"), "pypi onnxruntime 1.2.3 00\n").unwrap();
        assert_eq!(onnx_runtime_version(&library).as_deref(), Some("1.2.3"));
    }
}
