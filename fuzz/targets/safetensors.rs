//! Headers of safetensors files: what is accepted lies within the file.

#![no_main]

use std::sync::OnceLock;

use cliptune_clip::ClipConfig;
use cliptune_clip::checkpoint::Checkpoint;
use cliptune_fuzz::{folder, write};
use libfuzzer_sys::fuzz_target;

const CONFIG: &[u8] = include_bytes!("../../crates/onnx/tests/references/legacy/config.json");

fuzz_target!(|data: &[u8]| {
    static READ: OnceLock<ClipConfig> = OnceLock::new();
    let config = READ.get_or_init(|| {
        write("config.json", CONFIG);
        ClipConfig::from_folder(folder()).expect("the configuration of a reference")
    });
    let path = write("model.safetensors", data);
    if let Ok(checkpoint) = Checkpoint::open_file(&path, config) {
        let elements: usize = checkpoint.weights().iter().map(|weight| weight.elements()).sum();
        assert!(elements <= data.len());
        let _ = checkpoint.check_values();
    }
});
