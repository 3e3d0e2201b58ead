//! Writes the graphs of a model folder beside its `model.safetensors`: what `scripts/bench-onnx` times.

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).ok_or("usage: export-folder FOLDER")?;
    Ok(cliptune_onnx::export(&folder, &folder)?)
}
