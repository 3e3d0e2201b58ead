//! The programs under test.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder of the programs. Builds them first, once for each test process: cargo builds no binaries of other
/// packages for a test, and a test of yesterday's programs is worth nothing.
fn programs() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--workspace", "--bins", "--quiet"]).current_dir(checkout());
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        // What cargo tells this test of its own package. Build scripts of libraries (ring's) ask to be run again when it
        // changes, and with them everything above would be compiled a second time.
        let of_this_package = |name: &OsString| {
            ["CARGO_MANIFEST_", "CARGO_PKG_", "OUT_DIR"]
                .iter()
                .any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes()))
        };
        std::env::vars_os().map(|(name, _)| name).filter(of_this_package).for_each(|name| {
            cargo.env_remove(name);
        });
        let status = cargo.status().expect("cargo runs");
        assert!(status.success(), "the programs do not build");
        // target/<profile>/deps/it-<hash>
        let own = std::env::current_exe().expect("this test is a file");
        own.ancestors().nth(2).expect("it lies in the target folder").to_path_buf()
    })
}

/// A program under test.
pub(crate) fn program(name: &str) -> PathBuf {
    programs().join(name)
}

/// The root of the checkout.
pub(crate) fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the workspace")
}
