//! Writes adapters in PEFT's format: `adapter_config.json` and `adapter_model.safetensors`.

use std::path::Path;

use cliptune_clip::names;
use serde_json::{Value, json};

use super::Tuned;
use super::adapters::{Adapters, targeted};
use crate::error::TrainError;
use crate::model;

/// The prefix that PEFT puts before the names of the model it wraps.
const PREFIX: &str = "base_model.model.";

/// Writes the kept values of the adapters so that `peft.PeftModel.from_pretrained(model, folder)` finds them.
///
/// `base` names the model that they belong to. `strength` is a factor of alpha, below 1 for a model between the
/// starting one and the tuned one. Nothing is written when there are no adapters.
pub fn save_adapter(folder: &Path, tuned: &Tuned<'_>, base: &str, strength: f64) -> Result<(), TrainError> {
    let Some(adapters) = tuned.adapters() else { return Ok(()) };
    fs_err::create_dir_all(folder)?;
    let tensors = tuned.kept().into_iter().map(|(name, tensor)| (format!("{PREFIX}{name}"), tensor));
    model::save(&folder.join("adapter_model.safetensors"), tensors, None)?;
    Ok(cliptune_store::write_json(&folder.join("adapter_config.json"), &config(adapters, base, strength))?)
}

fn config(adapters: &Adapters, base: &str, strength: f64) -> Value {
    let lora = adapters.lora();
    let modules: Vec<String> = targeted(lora).map(|module| module.replace('.', r"\.")).collect();
    json!({
        "peft_type": "LORA",
        "task_type": null,
        "base_model_name_or_path": base,
        "revision": null,
        "inference_mode": true,
        "r": lora.rank,
        "lora_alpha": lora.alpha * strength,
        "lora_dropout": lora.dropout,
        // A list of names would also match the layers of SigLIP's pooling head.
        "target_modules": format!(r".*{}\d+\.({})", names::LAYERS.replace('.', r"\."), modules.join("|")),
        "bias": "none",
        "fan_in_fan_out": false,
        "modules_to_save": null,
        "init_lora_weights": true,
        "use_rslora": false,
        "use_dora": false,
    })
}
