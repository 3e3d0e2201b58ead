//! ONNX's official checker, through `scripts/check-onnx`.

use std::path::Path;
use std::process::Command;

use crate::support::Reference;

#[test]
fn the_official_checker_accepts_every_file() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/check-onnx");
    for name in ["legacy", "modern", "siglip"] {
        let folder = Reference::load(name).exported();
        let output = Command::new(&script).arg(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
