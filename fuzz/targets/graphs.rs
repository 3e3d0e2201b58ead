//! ONNX files with their metadata: read, measured, and reduced.

#![no_main]

use cliptune_fuzz::{folder, write};
use cliptune_onnx::{Reduction, reduce, shipped_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let path = write("graph.onnx", data);
    if shipped_bytes(&path).is_ok() {
        for reduction in [Reduction::Fp16, Reduction::Int8] {
            let _ = reduce(&path, &folder().join("reduced.onnx"), reduction);
        }
    }
});
