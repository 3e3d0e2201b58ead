//! `open_clip_config.json`, as open_clip writes it beside its weights.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::{
    Activation, ClipConfig, ConfigError, Family, TextConfig, TextPooling, TransformerConfig, VisionConfig,
    VisionPooling, ensure,
};

/// open_clip's configuration in a model folder.
pub const OPEN_CLIP_CONFIG_FILE: &str = "open_clip_config.json";

/// open_clip's own initial logit_scale, ln(1/0.07).
const LOGIT_SCALE: f64 = 2.659_260_036_932_778;
const LAYER_NORM_EPS: f64 = 1e-5;

#[derive(Deserialize)]
struct File {
    model_cfg: Model,
}

#[derive(Deserialize)]
struct Model {
    embed_dim: usize,
    #[serde(default)]
    quick_gelu: bool,
    init_logit_scale: Option<f64>,
    vision_cfg: Vision,
    text_cfg: Text,
    /// CoCa's decoder.
    multimodal_cfg: Option<Value>,
}

#[derive(Deserialize)]
struct Vision {
    image_size: Option<usize>,
    /// Four numbers for a ResNet.
    layers: Option<Value>,
    width: Option<usize>,
    head_width: Option<usize>,
    mlp_ratio: Option<f64>,
    patch_size: Option<usize>,
    timm_model_name: Option<String>,
    attentional_pool: Option<Value>,
    final_ln_after_pool: Option<bool>,
    pool_type: Option<String>,
    no_ln_pre: Option<bool>,
    ls_init_value: Option<Value>,
    act_kwargs: Option<ActivationSettings>,
    norm_kwargs: Option<NormSettings>,
}

#[derive(Deserialize)]
struct Text {
    context_length: Option<usize>,
    vocab_size: Option<usize>,
    width: Option<usize>,
    heads: Option<usize>,
    layers: Option<usize>,
    mlp_ratio: Option<f64>,
    hf_model_name: Option<String>,
    no_causal_mask: Option<bool>,
    proj_bias: Option<bool>,
    pool_type: Option<String>,
    embed_cls: Option<bool>,
    ls_init_value: Option<Value>,
    act_kwargs: Option<ActivationSettings>,
    norm_kwargs: Option<NormSettings>,
}

#[derive(Deserialize)]
struct ActivationSettings {
    approximate: Option<String>,
}

#[derive(Deserialize)]
struct NormSettings {
    eps: Option<f64>,
}

/// Reads a configuration.
///
/// # Errors
/// When the file cannot be read or describes an architecture that is no CLIP: a ResNet or timm image tower, a Hugging
/// Face text tower, CoCa. SigLIP in open_clip has a timm tower: it is read from Hugging Face's layout.
pub(super) fn read(path: &Path) -> Result<ClipConfig, ConfigError> {
    let text = fs_err::read(path).map_err(ConfigError::Read)?;
    let wrong = |reason| ConfigError::Parse { path: path.to_owned(), reason };
    let file: File = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    config(file.model_cfg).map_err(wrong)
}

fn config(model: Model) -> Result<ClipConfig, String> {
    ensure(model.multimodal_cfg.is_none(), || "multimodal_cfg: CoCa is not supported".to_owned())?;
    ensure(model.embed_dim > 0, || "embed_dim is 0".to_owned())?;
    let quick_gelu = model.quick_gelu;
    Ok(ClipConfig {
        vision: vision(&model.vision_cfg, quick_gelu)?,
        text: text(&model.text_cfg, quick_gelu)?,
        projection_dim: model.embed_dim,
        logit_scale_init: model.init_logit_scale.unwrap_or(LOGIT_SCALE),
        family: Family::Clip,
    })
}

fn vision(raw: &Vision, quick_gelu: bool) -> Result<VisionConfig, String> {
    if let Some(name) = &raw.timm_model_name {
        return Err(format!(
            "timm_model_name {name:?}: towers from timm are read from Hugging Face's layout"
        ));
    }
    let layers = match &raw.layers {
        None => 12,
        Some(Value::Number(layers)) => layers.as_u64().unwrap_or_default() as usize,
        Some(_) => return Err("vision_cfg.layers is a list: ResNets are not supported".to_owned()),
    };
    refuse("vision_cfg.attentional_pool", raw.attentional_pool.as_ref().is_some_and(is_set))?;
    refuse("vision_cfg.final_ln_after_pool", raw.final_ln_after_pool == Some(true))?;
    refuse("vision_cfg.no_ln_pre", raw.no_ln_pre == Some(true))?;
    refuse("vision_cfg.ls_init_value", raw.ls_init_value.as_ref().is_some_and(is_set))?;
    refuse("vision_cfg.pool_type", raw.pool_type.as_deref().is_some_and(|pool| pool != "tok"))?;
    let (width, head_width) = (raw.width.unwrap_or(768), raw.head_width.unwrap_or(64));
    ensure(head_width > 0, || "vision_cfg.head_width is 0".to_owned())?;
    let (image_size, patch_size) = (raw.image_size.unwrap_or(224), raw.patch_size.unwrap_or(16));
    ensure(patch_size > 0 && patch_size <= image_size, || {
        format!("no patch of {patch_size} pixels fits into an image of {image_size}")
    })?;
    let transformer = TransformerConfig {
        width,
        layers,
        heads: width / head_width,
        mlp_width: mlp_width(width, raw.mlp_ratio),
        activation: activation(quick_gelu, raw.act_kwargs.as_ref())?,
        layer_norm_eps: eps(raw.norm_kwargs.as_ref()),
    };
    let transformer = transformer.checked()?;
    Ok(VisionConfig { image_size, patch_size, pooling: VisionPooling::ClassToken, transformer })
}

fn text(raw: &Text, quick_gelu: bool) -> Result<TextConfig, String> {
    if let Some(name) = &raw.hf_model_name {
        return Err(format!("hf_model_name {name:?}: text towers of other families are not supported"));
    }
    refuse("text_cfg.no_causal_mask", raw.no_causal_mask == Some(true))?;
    refuse("text_cfg.proj_bias", raw.proj_bias == Some(true))?;
    refuse("text_cfg.embed_cls", raw.embed_cls == Some(true))?;
    refuse("text_cfg.ls_init_value", raw.ls_init_value.as_ref().is_some_and(is_set))?;
    refuse("text_cfg.pool_type", raw.pool_type.as_deref().is_some_and(|pool| pool != "argmax"))?;
    let context_length = raw.context_length.unwrap_or(77);
    ensure(context_length >= 3, || format!("context_length {context_length} leaves no room for text"))?;
    let width = raw.width.unwrap_or(512);
    let transformer = TransformerConfig {
        width,
        layers: raw.layers.unwrap_or(12),
        heads: raw.heads.unwrap_or(8),
        mlp_width: mlp_width(width, raw.mlp_ratio),
        activation: activation(quick_gelu, raw.act_kwargs.as_ref())?,
        layer_norm_eps: eps(raw.norm_kwargs.as_ref()),
    };
    Ok(TextConfig {
        vocab_size: raw.vocab_size.unwrap_or(49_408),
        context_length,
        pooling: TextPooling::HighestId,
        transformer: transformer.checked()?,
    })
}

/// A key that changes the architecture into one that is not CLIP's.
fn refuse(key: &str, given: bool) -> Result<(), String> {
    ensure(!given, || format!("{key} is not supported"))
}

fn is_set(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

/// As open_clip counts: `int(width * mlp_ratio)`.
fn mlp_width(width: usize, ratio: Option<f64>) -> usize {
    (width as f64 * ratio.unwrap_or(4.0)) as usize
}

fn activation(quick_gelu: bool, settings: Option<&ActivationSettings>) -> Result<Activation, String> {
    match settings.and_then(|settings| settings.approximate.as_deref()) {
        _ if quick_gelu => Ok(Activation::QuickGelu),
        None | Some("none") => Ok(Activation::Gelu),
        Some("tanh") => Ok(Activation::GeluTanh),
        Some(other) => Err(format!("act_kwargs.approximate {other:?} is not supported")),
    }
}

fn eps(settings: Option<&NormSettings>) -> f64 {
    settings.and_then(|settings| settings.eps).unwrap_or(LAYER_NORM_EPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ClipConfig, String> {
        config(serde_json::from_str::<File>(text).unwrap().model_cfg)
    }

    /// open_clip's model_configs/ViT-bigG-14.json.
    #[test]
    fn big_g_has_its_own_head_width_and_mlp_ratio() {
        let config = parse(
            r#"{"model_cfg": {"embed_dim": 1280,
                "vision_cfg": {"image_size": 224, "layers": 48, "width": 1664, "head_width": 104, "mlp_ratio": 4.9231,
                    "patch_size": 14},
                "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 1280, "heads": 20, "layers": 32}},
              "preprocess_cfg": {"mean": [0, 0, 0], "std": [1, 1, 1]}}"#,
        )
        .unwrap();
        let vision = &config.vision.transformer;
        assert_eq!((vision.heads, vision.mlp_width, vision.activation), (16, 8192, Activation::Gelu));
        assert_eq!((config.text.transformer.mlp_width, config.text.pooling), (5120, TextPooling::HighestId));
    }

    #[test]
    fn quick_gelu_is_off_unless_it_is_said() {
        let with = |model: &str| {
            let text = format!(
                r#"{{"model_cfg": {{"embed_dim": 8, "vision_cfg": {{}}, "text_cfg": {{}}{model}}}}}"#
            );
            parse(&text).map(|config| config.text.transformer.activation)
        };
        assert_eq!(with(""), Ok(Activation::Gelu));
        assert_eq!(with(r#", "quick_gelu": true"#), Ok(Activation::QuickGelu));
    }

    #[test]
    fn what_is_no_clip_is_named() {
        let cases = [
            (r#"{"layers": [3, 4, 6, 3]}"#, "{}", "ResNets"),
            (r#"{"timm_model_name": "vit_base_patch16_siglip_224"}"#, "{}", "timm"),
            (r#"{"attentional_pool": true}"#, "{}", "vision_cfg.attentional_pool"),
            ("{}", r#"{"hf_model_name": "roberta-base"}"#, "roberta-base"),
            ("{}", r#"{"pool_type": "last"}"#, "text_cfg.pool_type"),
        ];
        for (vision, text, expected) in cases {
            let file =
                format!(r#"{{"model_cfg": {{"embed_dim": 8, "vision_cfg": {vision}, "text_cfg": {text}}}}}"#);
            let error = parse(&file).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
