//! Writes the graphs of a model folder beside its `model.safetensors`, in every precision: what
//! `scripts/bench-precisions` measures.

use std::error::Error;
use std::path::PathBuf;

use cliptune_onnx::{Reduction, TEXT_MODEL_FILE, VISION_MODEL_FILE, export, reduce};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).ok_or("usage: reduce-folder FOLDER")?;
    export(&folder, &folder)?;
    for tower in [TEXT_MODEL_FILE, VISION_MODEL_FILE] {
        for reduction in [Reduction::Fp16, Reduction::Int8] {
            let name = tower.replace(".onnx", &format!("_{}.onnx", reduction.as_str()));
            reduce(&folder.join(tower), &folder.join(name), reduction)?;
        }
    }
    Ok(())
}
