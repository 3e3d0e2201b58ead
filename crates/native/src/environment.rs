//! Where an installed cliptune has its libraries, seen from the folder of its programs.
//!
//! A wheel puts the programs into `bin/` of a Python environment, DuckDB into [`OWN_LIBRARIES`], and leaves ONNX Runtime and
//! libtorch to the packages of that environment. A tarball has the same folders, without an environment around them.

use std::env;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// The folder, below the one above `bin/`, with the libraries that come with cliptune.
pub(crate) const OWN_LIBRARIES: &str = "lib/cliptune";

/// The minor versions of Python 3 that the pinned libtorch and ONNX Runtime have wheels for.
const PYTHONS: RangeInclusive<u32> = 11..=14;

/// The folders of Python packages. The second is that of Debian's own Python, into which `pip` installs as root.
const PACKAGES: [&str; 2] = ["site-packages", "dist-packages"];

/// Returns the folders, below the one above `bin/`, in which Python packages may lie.
pub(crate) fn package_folders() -> impl Iterator<Item = String> {
    PYTHONS.flat_map(|minor| PACKAGES.map(|packages| format!("lib/python3.{minor}/{packages}")))
}

/// Returns the folder above the one that this program lies in.
pub(crate) fn above_programs() -> Option<PathBuf> {
    Some(env::current_exe().ok()?.parent()?.parent()?.to_path_buf())
}
