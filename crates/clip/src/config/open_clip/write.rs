//! Writes the `model_cfg` of `open_clip_config.json` for a model.

use serde_json::{Map, Value, json};

use super::super::{Activation, ClipConfig, TextPooling, TransformerConfig};
use super::timm::Tower;
use super::{LAYER_NORM_EPS, LOGIT_SCALE, mlp_width};

/// Returns the settings from which open_clip builds a CLIP, or the reason why it has no such model.
pub(crate) fn clip(config: &ClipConfig) -> Result<Value, String> {
    let (vision, blocks) = (&config.vision, &config.vision.transformer);
    let quick = [blocks, &config.text.transformer].map(|tower| tower.activation == Activation::QuickGelu);
    if quick[0] != quick[1] {
        return Err("it has quick_gelu in both towers or in none".to_owned());
    }
    let mut tower = json!({
        "image_size": vision.image_size,
        "patch_size": vision.patch_size,
        "width": blocks.width,
        "layers": blocks.layers,
        "head_width": blocks.width / blocks.heads,
    });
    extend(&mut tower, transformer(blocks));
    let mut model = json!({ "embed_dim": config.projection_dim });
    if quick[0] {
        model["quick_gelu"] = json!(true);
    }
    if config.logit_scale_init != LOGIT_SCALE {
        model["init_logit_scale"] = json!(config.logit_scale_init);
    }
    model["vision_cfg"] = tower;
    model["text_cfg"] = text(config);
    extend(&mut model["text_cfg"], pooling(config));
    Ok(model)
}

/// Returns the settings from which open_clip builds a SigLIP, or the reason why it has no such model.
pub(crate) fn siglip(config: &ClipConfig) -> Result<Value, String> {
    let tower = Tower::of(&config.vision)?;
    let mut text = text(config);
    let pooling = json!({ "no_causal_mask": true, "proj_bias": true, "pool_type": "last" });
    extend(&mut text, pooling);
    Ok(json!({
        "embed_dim": config.projection_dim,
        "init_logit_bias": config.family.traits().logit_bias,
        "custom_text": true,
        "vision_cfg": {
            "image_size": tower.image_size,
            "timm_model_name": tower.name,
            "timm_model_pretrained": false,
            "timm_pool": "map",
            "timm_proj": "none",
        },
        "text_cfg": text,
    }))
}

fn text(config: &ClipConfig) -> Value {
    let (text, blocks) = (&config.text, &config.text.transformer);
    let mut tower = json!({
        "context_length": text.context_length,
        "vocab_size": text.vocab_size,
        "width": blocks.width,
        "heads": blocks.heads,
        "layers": blocks.layers,
    });
    extend(&mut tower, transformer(blocks));
    tower
}

/// Returns the settings that differ from open_clip's defaults. The others are left out because older versions do not
/// know the keys.
fn transformer(config: &TransformerConfig) -> Value {
    let mut keys = json!({});
    if config.mlp_width != mlp_width(config.width, None) {
        keys["mlp_ratio"] = json!(mlp_ratio(config));
    }
    if config.activation == Activation::GeluTanh {
        keys["act_kwargs"] = json!({ "approximate": "tanh" });
    }
    if config.layer_norm_eps != LAYER_NORM_EPS {
        keys["norm_kwargs"] = json!({ "eps": config.layer_norm_eps });
    }
    keys
}

/// Returns a ratio that gives the width even though open_clip rounds it down.
fn mlp_ratio(config: &TransformerConfig) -> f64 {
    let exact = config.mlp_width as f64 / config.width as f64;
    let gives = |ratio| mlp_width(config.width, Some(ratio)) == config.mlp_width;
    if gives(exact) { exact } else { (config.mlp_width as f64 + 0.5) / config.width as f64 }
}

/// Returns the pooling settings, if any are needed. An end token with the highest id of the vocabulary also has the
/// highest id of a text, so open_clip's usual rule finds the same row.
fn pooling(config: &ClipConfig) -> Value {
    match config.text.pooling {
        TextPooling::First(end) if end + 1 != config.text.vocab_size as i64 => {
            json!({ "pool_type": "eos", "eos_id": end })
        }
        _ => json!({}),
    }
}

fn extend(object: &mut Value, keys: Value) {
    let keys: Map<String, Value> = serde_json::from_value(keys).unwrap_or_default();
    if let Value::Object(object) = object {
        object.extend(keys);
    }
}
