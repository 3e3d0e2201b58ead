//! The export of a whole model.

use std::path::Path;

use cliptune_clip::ClipConfig;

use crate::error::OnnxError;
use crate::flavour::Flavour;
use crate::metadata::{Metadata, Preparation};
use crate::weights::WeightFile;
use crate::{models, write};

/// Writes `text_model.onnx`, `vision_model.onnx`, `vision_model_fast.onnx` and `model.onnx` into a folder that has
/// `model.safetensors`, replacing earlier ones. The graphs refer to the weights there, so all of them share one file.
/// Configuration, preprocessing and tokenizer are those of the folder `model`, which may be the same.
///
/// Every weight's presence and shape is checked before anything is written, and no file gets its name before all
/// are complete.
///
/// # Errors
/// When a file of the model is missing, damaged or does not go with the others, or a graph cannot be written.
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
