//! The folders in which programs look for libraries when they are started.

use std::env;
use std::path::Path;

use crate::environment::{OWN_LIBRARIES, package_folders};
use crate::{DUCKDB_LIB_DIR, LIBTORCH};

/// Makes the binaries and tests of the calling package find the native libraries at run time.
///
/// This is for build scripts. The search path is a RUNPATH, so `LD_LIBRARY_PATH` still wins: a GPU host can point the
/// same binary at its own libtorch. The `$ORIGIN` entries come first so that a moved checkout keeps working, and the
/// folders that were used for linking follow. The last are those of an installed cliptune, which `scripts/package` leaves alone
/// when it takes all others away: they begin with `$ORIGIN/../lib/` or `$ORIGIN/../lib64/`.
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
    for folder in installed() {
        println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN/../{folder}");
    }
}

/// Returns the folders with libraries of an installed cliptune, below the one above `bin/`.
fn installed() -> impl Iterator<Item = String> {
    let own = std::iter::once(OWN_LIBRARIES.to_owned());
    own.chain(package_folders().map(|packages| format!("{packages}/torch/lib")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installed_program_looks_beside_itself_and_then_into_the_torch_of_its_environment() {
        let folders: Vec<String> = installed().collect();
        assert_eq!(folders[0], "lib/cliptune");
        assert!(folders.contains(&"lib/python3.12/site-packages/torch/lib".to_owned()), "{folders:?}");
        let is_kept = |folder: &String| folder.starts_with("lib/") || folder.starts_with("lib64/");
        assert!(folders.iter().all(is_kept), "scripts/package keeps these alone");
    }
}
