//! Where an installed cliptune has its libraries, seen from the folder of its programs.
//!
//! A wheel puts the programs into `bin/` of a Python environment, DuckDB into [`OWN_LIBRARIES`], and leaves ONNX Runtime and
//! libtorch to the packages of that environment. A tarball has the same folders, without an environment around them.

use std::env;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// The folder, below the one above `bin/`, with the libraries that come with cliptune.
pub(crate) const OWN_LIBRARIES: &str = "lib/cliptune";

/// The minor versions of Python 3 that the pinned libtorch and ONNX Runtime have wheels for.
const PYTHONS: RangeInclusive<u32> = 11..=14;

/// The folder with libraries, and the second one of Fedora and its kin, whose Python puts packages with compiled code there. In a
/// virtual environment the second is a link to the first.
const LIBRARIES: [&str; 2] = ["lib", LIB64];
const LIB64: &str = "lib64";

/// The folders of Python packages. The second is that of Debian's own Python, into which `pip` installs as root.
const PACKAGES: [&str; 2] = ["site-packages", "dist-packages"];

/// Returns the folders, below the one above `bin/`, in which Python packages may lie.
pub(crate) fn package_folders() -> impl Iterator<Item = String> {
    LIBRARIES.into_iter().flat_map(|libraries| {
        let folders =
            move |minor: u32| PACKAGES.map(|packages| format!("{libraries}/python3.{minor}/{packages}"));
        PYTHONS.flat_map(folders)
    })
}

/// Returns those of these folders that are there, each by one name.
pub(crate) fn packages_below(above: &Path) -> impl Iterator<Item = PathBuf> {
    let is_link = above.join(LIB64).is_symlink();
    let folders = package_folders().filter(move |folder| !is_link || !folder.starts_with(LIB64));
    folders.map(move |folder| above.join(folder)).filter(|folder| folder.is_dir())
}

/// Checks whether a path, seen from the folder above `bin/`, is like `lib/python3.12/…`.
pub(crate) fn is_of_python(path: &Path) -> bool {
    let mut parts = path.iter().map(|part| part.to_string_lossy());
    let is_of_libraries = parts.next().is_some_and(|part| LIBRARIES.contains(&&*part));
    is_of_libraries && parts.next().is_some_and(|part| part.starts_with("python"))
}

/// Returns the folder above the one that this program lies in.
pub(crate) fn above_programs() -> Option<PathBuf> {
    Some(env::current_exe().ok()?.parent()?.parent()?.to_path_buf())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn packages_of_both_folders_are_found_once() {
        let above = crate::scratch::Scratch::new();
        let found = || packages_below(above.path()).collect::<Vec<_>>();
        let [first, second] =
            ["lib", "lib64"].map(|below| above.path().join(below).join("python3.13/site-packages"));
        fs::create_dir_all(&first).unwrap();
        symlink("lib", above.path().join("lib64")).unwrap();
        assert_eq!(found(), std::slice::from_ref(&first));
        fs::remove_file(above.path().join("lib64")).unwrap();
        fs::create_dir_all(&second).unwrap();
        assert_eq!(found(), [first, second]);
    }
}
