//! Exports a whole model.

use std::path::Path;

use cliptune_clip::ClipConfig;

use crate::error::OnnxError;
use crate::flavour::Flavour;
use crate::metadata::{Metadata, Preparation};
use crate::weights::WeightFile;
use crate::{models, write};

/// Writes `text_model.onnx`, `vision_model.onnx`, `vision_model_fast.onnx` and `model.onnx` into a folder that contains
/// `model.safetensors`, replacing earlier ones. All graphs refer to the weights in that one file. The configuration,
/// preprocessing and tokenizer are read from the folder `model`, which may be the same one.
///
/// The presence and shape of every weight are checked before anything is written, and no file gets its final name
/// before all of them are complete.
///
/// # Errors
/// When a file of the model is missing, damaged or inconsistent with the others, or when a graph cannot be written.
pub fn export(folder: &Path, model: &Path) -> Result<(), OnnxError> {
    let config = ClipConfig::from_folder(model)?;
    let weights = WeightFile::open(folder, &config)?;
    let metadata = Metadata::new(&config, &weights, Preparation::read(model, folder)?)?;
    let models = vec![
        models::text_model(&config, &weights, &metadata)?,
        models::vision_model(&config, &weights, Flavour::Portable, &metadata)?,
        models::vision_model(&config, &weights, Flavour::Fast, &metadata)?,
        models::model(&config, &weights, &metadata)?,
    ];
    write::write_models(folder, models, &weights)
}
