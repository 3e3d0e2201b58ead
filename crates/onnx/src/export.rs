//! The export of a whole model.

use std::path::Path;

use cliptune_clip::ClipConfig;

use crate::error::OnnxError;
use crate::weights::WeightFile;
use crate::{models, write};

/// What may be chosen.
#[derive(Clone, Debug, Default)]
pub struct ExportOptions {
    /// Further `metadata_props` of every file, after `logit_scale`, `activation`, `eos_rule`, `context_length` and
    /// `image_size`.
    pub metadata: Vec<(String, String)>,
}

/// Writes `text_model.onnx`, `vision_model.onnx` and `model.onnx` into a folder that has `model.safetensors`, replacing
/// earlier ones. The graphs refer to the weights there, so all of them share one file.
///
/// Every weight's presence and shape is checked before anything is written, and no file gets its name before all
/// are complete.
pub fn export(folder: &Path, config: &ClipConfig, options: &ExportOptions) -> Result<(), OnnxError> {
    let weights = WeightFile::open(folder, config)?;
    let metadata = models::metadata(config, &weights, &options.metadata)?;
    let models = vec![
        models::text_model(config, &weights, &metadata)?,
        models::vision_model(config, &weights, &metadata)?,
        models::model(config, &weights, &metadata)?,
    ];
    write::write_models(folder, models, &weights)
}
