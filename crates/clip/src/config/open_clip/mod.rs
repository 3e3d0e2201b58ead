//! Reads and writes `open_clip_config.json`, which open_clip writes beside its weights.

mod file;
mod timm;
mod write;

use std::path::Path;

use serde_json::{Map, Value};

use super::limits::{self, Keys, ensure};
use super::{
    Activation, ClipConfig, ConfigError, Family, TextConfig, TextPooling, TransformerConfig, VisionConfig,
    VisionPooling,
};
use cliptune_durable::read_regular;

use crate::files::LONGEST_CONFIGURATION;
use file::{ActivationSettings, FOREIGN, File, Model, NormSettings, Text, Vision};
use timm::Tower;
pub(crate) use write::{clip as clip_config, siglip as siglip_config};

/// The name of open_clip's configuration file in a model folder.
pub const OPEN_CLIP_CONFIG_FILE: &str = "open_clip_config.json";

/// The logit_scale that open_clip starts from by default, ln(1/0.07).
const LOGIT_SCALE: f64 = 2.659_260_036_932_778;
const LAYER_NORM_EPS: f64 = 1e-5;

const TEXT_KEYS: Keys = Keys {
    section: "text_cfg",
    width: "width",
    heads: "heads",
    layers: "layers",
    mlp_width: "mlp_ratio times width",
    layer_norm_eps: "norm_kwargs.eps",
};
const VISION_KEYS: Keys = Keys { section: "vision_cfg", heads: "width / head_width", ..TEXT_KEYS };

impl ClipConfig {
    /// Returns the `model_cfg` of `open_clip_config.json`, without the keys that concern the tokenizer.
    ///
    /// # Errors
    /// Fails when open_clip has no model that computes the same.
    pub fn to_open_clip(&self) -> Result<Value, ConfigError> {
        (self.family.traits().open_clip_config)(self).map_err(|reason| ConfigError::OpenClip { reason })
    }
}

/// Reads a configuration.
///
/// # Errors
/// Fails when the file cannot be read, or when it describes an architecture that is neither CLIP nor SigLIP: a ResNet
/// or another image tower of timm, a Hugging Face text tower, or CoCa.
pub(super) fn read(path: &Path) -> Result<ClipConfig, ConfigError> {
    let text = read_regular(path, LONGEST_CONFIGURATION).map_err(ConfigError::Read)?;
    let wrong = |reason| ConfigError::Parse { path: path.to_owned(), reason };
    let file: File = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    match foreign_tower(&file.model_cfg) {
        Some(what) => Err(ConfigError::Foreign { path: path.to_owned(), what }),
        None => config(&file.model_cfg).map_err(wrong),
    }
}

/// Describes the tower that makes a model neither a CLIP nor a SigLIP, whatever else the file says.
fn foreign_tower(model: &Model) -> Option<String> {
    if let Some(name) = &model.vision_cfg.timm_model_name {
        return Tower::named(name)
            .is_err()
            .then(|| format!("a model with timm's image tower {name:?}; of timm's, only SigLIP's are read"));
    }
    if matches!(model.vision_cfg.layers, Some(Value::Array(_))) {
        return Some(
            "a model with a ResNet for an image tower; only vision transformers are read".to_owned(),
        );
    }
    let text = model.text_cfg.hf_model_name.as_ref()?;
    Some(format!("a model with the text tower {text:?}; only CLIP's and SigLIP's are read"))
}

fn config(model: &Model) -> Result<ClipConfig, String> {
    ensure(model.multimodal_cfg.is_none(), || "multimodal_cfg: CoCa is not supported".to_owned())?;
    limits::projection("embed_dim", model.embed_dim)?;
    limits::logit_scale("init_logit_scale", model.init_logit_scale.unwrap_or(LOGIT_SCALE))?;
    foreign("vision_cfg", &model.vision_cfg.others)?;
    foreign("text_cfg", &model.text_cfg.others)?;
    match &model.vision_cfg.timm_model_name {
        Some(name) => siglip(model, Tower::named(name)?),
        None => clip(model),
    }
}

fn clip(model: &Model) -> Result<ClipConfig, String> {
    let text = &model.text_cfg;
    refuse("text_cfg.no_causal_mask", text.no_causal_mask)?;
    refuse("text_cfg.proj_bias", text.proj_bias)?;
    let pooling = match text.pool_type.as_deref() {
        None | Some("argmax") => TextPooling::HighestId,
        Some("eos") => TextPooling::First(text.eos_id.unwrap_or(2)),
        Some(other) => return Err(format!("text_cfg.pool_type {other:?} is not supported")),
    };
    Ok(ClipConfig {
        vision: vision(&model.vision_cfg, model.quick_gelu)?,
        text: text_tower(text, model.quick_gelu, pooling)?,
        projection_dim: model.embed_dim,
        logit_scale_init: model.init_logit_scale.unwrap_or(LOGIT_SCALE),
        family: Family::Clip,
    })
}

fn siglip(model: &Model, tower: Tower) -> Result<ClipConfig, String> {
    let (raw, text) = (&model.vision_cfg, &model.text_cfg);
    let needs = |key: &str, value: &str, given: bool| {
        ensure(given, || format!("a SigLIP has {key} {value}, this model does not"))
    };
    needs("vision_cfg.timm_pool", "map", raw.timm_pool.as_deref() == Some("map"))?;
    needs("vision_cfg.timm_proj", "none", raw.timm_proj.as_deref() == Some("none"))?;
    needs("text_cfg.no_causal_mask", "true", text.no_causal_mask)?;
    needs("text_cfg.proj_bias", "true", text.proj_bias)?;
    needs("text_cfg.pool_type", "last", text.pool_type.as_deref() == Some("last"))?;
    ensure(model.init_logit_bias.is_some(), || "without init_logit_bias it is no SigLIP".to_owned())?;
    let vision = tower.config();
    let (size, own) = (raw.image_size.unwrap_or(IMAGE_SIZE), vision.image_size);
    ensure(size == own, || format!("image_size is {size}, but {} takes {own}", tower.name))?;
    let (dim, width) = (model.embed_dim, vision.transformer.width);
    ensure(dim == width, || format!("embed_dim is {dim}, but {} makes {width} numbers", tower.name))?;
    Ok(ClipConfig {
        text: text_tower(text, model.quick_gelu, TextPooling::Last)?,
        vision,
        projection_dim: dim,
        logit_scale_init: model.init_logit_scale.unwrap_or(Family::Siglip.traits().logit_scale),
        family: Family::Siglip,
    })
}

/// The default size in pixels of the images that a vision tower takes, if the file does not give one.
const IMAGE_SIZE: usize = 224;

fn vision(raw: &Vision, quick_gelu: bool) -> Result<VisionConfig, String> {
    let layers = match &raw.layers {
        None => 12,
        Some(Value::Number(layers)) => match layers.as_u64() {
            Some(layers) => layers as usize,
            None => return Err(format!("vision_cfg.layers is {layers}, it must be a whole number")),
        },
        Some(_) => return Err("vision_cfg.layers is a list: ResNets are not supported".to_owned()),
    };
    refuse("vision_cfg.pool_type", raw.pool_type.as_deref().is_some_and(|pool| pool != "tok"))?;
    let positions = raw.pos_embed_type.as_deref();
    refuse("vision_cfg.pos_embed_type", positions.is_some_and(|kind| kind != "learnable"))?;
    let (width, head_width) = (raw.width.unwrap_or(768), raw.head_width.unwrap_or(64));
    ensure(head_width > 0, || "vision_cfg.head_width is 0".to_owned())?;
    let (image_size, patch_size) = (raw.image_size.unwrap_or(IMAGE_SIZE), raw.patch_size.unwrap_or(16));
    let transformer = TransformerConfig {
        width,
        layers,
        heads: width / head_width,
        mlp_width: mlp_width(width, raw.mlp_ratio),
        activation: activation(quick_gelu, raw.act_kwargs.as_ref())?,
        layer_norm_eps: eps(raw.norm_kwargs.as_ref()),
    };
    let transformer = transformer.checked(&VISION_KEYS)?;
    VisionConfig { image_size, patch_size, pooling: VisionPooling::ClassToken, transformer }
        .checked(VISION_KEYS.section)
}

fn text_tower(raw: &Text, quick_gelu: bool, pooling: TextPooling) -> Result<TextConfig, String> {
    if let Some(name) = &raw.hf_model_name {
        return Err(format!("hf_model_name {name:?}: text towers of other families are not supported"));
    }
    refuse("text_cfg.proj_type", raw.proj_type.as_deref().is_some_and(|kind| kind != "linear"))?;
    let width = raw.width.unwrap_or(512);
    let transformer = TransformerConfig {
        width,
        layers: raw.layers.unwrap_or(12),
        heads: raw.heads.unwrap_or(8),
        mlp_width: mlp_width(width, raw.mlp_ratio),
        activation: activation(quick_gelu, raw.act_kwargs.as_ref())?,
        layer_norm_eps: eps(raw.norm_kwargs.as_ref()),
    };
    let config = TextConfig {
        vocab_size: raw.vocab_size.unwrap_or(49_408),
        context_length: raw.context_length.unwrap_or(77),
        pooling,
        transformer: transformer.checked(&TEXT_KEYS)?,
    };
    config.checked(TEXT_KEYS.section, "context_length")
}

/// Refuses keys that make the architecture different from CLIP's.
fn foreign(section: &str, others: &Map<String, Value>) -> Result<(), String> {
    let found = FOREIGN.into_iter().find(|key| others.get(*key).is_some_and(is_set));
    found.map_or(Ok(()), |key| refuse(&format!("{section}.{key}"), true))
}

fn refuse(key: &str, given: bool) -> Result<(), String> {
    ensure(!given, || format!("{key} is not supported"))
}

fn is_set(value: &Value) -> bool {
    // "default" is a block_type, and it is the usual one.
    !matches!(value, Value::Null | Value::Bool(false)) && value != "default"
}

/// Computes the width as open_clip does: `int(width * mlp_ratio)`.
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
        config(&serde_json::from_str::<File>(text).unwrap().model_cfg)
    }

    /// The sizes are from open_clip's model_configs/ViT-bigG-14.json.
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
            (r#"{"timm_model_name": "convnext_base"}"#, "{}", "timm_model_name \"convnext_base\""),
            (r#"{"qk_norm": true}"#, "{}", "vision_cfg.qk_norm"),
            (r#"{"pos_embed_type": "sin_cos_2d"}"#, "{}", "vision_cfg.pos_embed_type"),
            ("{}", r#"{"proj_type": "none"}"#, "text_cfg.proj_type"),
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

    /// open_clip's model_configs/ViT-B-16-SigLIP2.json, whose vision tower has the exact GELU and whose text tower has
    /// the approximation.
    const SIGLIP2: &str = r#"{"model_cfg": {"embed_dim": 768, "init_logit_bias": -10, "custom_text": true,
        "vision_cfg": {"image_size": 224, "timm_model_name": "vit_base_patch16_siglip_224",
            "timm_model_pretrained": false, "timm_pool": "map", "timm_proj": "none"},
        "text_cfg": {"context_length": 64, "vocab_size": 256000, "hf_tokenizer_name": "timm/ViT-B-16-SigLIP2",
            "tokenizer_kwargs": {"clean": "canonicalize"}, "width": 768, "heads": 12, "layers": 12,
            "no_causal_mask": true, "proj_bias": true, "pool_type": "last", "norm_kwargs": {"eps": 1e-6},
            "act_kwargs": {"approximate": "tanh"}}}}"#;

    #[test]
    fn siglip_has_the_sizes_and_activation_of_its_tower_in_timm() {
        let config = parse(SIGLIP2).unwrap();
        assert_eq!(config.family, Family::Siglip);
        assert_eq!((config.vision.patches(), config.vision.transformer.activation), (196, Activation::Gelu));
        let text = &config.text;
        assert_eq!((text.pooling, text.transformer.activation), (TextPooling::Last, Activation::GeluTanh));
        assert_eq!([text.transformer.layer_norm_eps, config.vision.transformer.layer_norm_eps], [1e-6; 2]);
    }

    #[test]
    fn a_tower_of_timm_in_another_model_is_refused_with_the_difference() {
        let cases = [
            ("\"map\"", "\"avg\"", "a SigLIP has vision_cfg.timm_pool map"),
            ("\"none\"", "\"linear\"", "a SigLIP has vision_cfg.timm_proj none"),
            ("\"last\"", "\"argmax\"", "a SigLIP has text_cfg.pool_type last"),
            ("\"init_logit_bias\": -10", "\"init_logit_bias\": null", "without init_logit_bias"),
            ("\"image_size\": 224", "\"image_size\": 256", "image_size is 256"),
            ("\"embed_dim\": 768", "\"embed_dim\": 512", "embed_dim is 512"),
            ("siglip_224", "siglip_gap_224", "timm_model_name \"vit_base_patch16_siglip_gap_224\""),
        ];
        for (from, to, expected) in cases {
            let error = parse(&SIGLIP2.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    fn written(config: &ClipConfig) -> ClipConfig {
        let text = serde_json::json!({ "model_cfg": config.to_open_clip().unwrap() }).to_string();
        parse(&text).unwrap()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let clip = parse(r#"{"model_cfg": {"embed_dim": 8, "vision_cfg": {}, "text_cfg": {}}}"#).unwrap();
        let mut odd = clip.clone();
        odd.vision.transformer.mlp_width = 1_000;
        odd.vision.transformer.heads = 6;
        odd.text.transformer.mlp_width = 2_047;
        odd.text.transformer.activation = Activation::GeluTanh;
        odd.text.transformer.layer_norm_eps = 1e-6;
        odd.text.pooling = TextPooling::First(5);
        odd.logit_scale_init = 3.0;
        let mut quick = clip.clone();
        for blocks in [&mut quick.text.transformer, &mut quick.vision.transformer] {
            blocks.activation = Activation::QuickGelu;
        }
        for config in [clip, odd, quick, parse(SIGLIP2).unwrap()] {
            assert_eq!(written(&config), config);
        }
    }

    #[test]
    fn every_mlp_width_survives_the_rounding() {
        let clip = parse(r#"{"model_cfg": {"embed_dim": 8, "vision_cfg": {}, "text_cfg": {}}}"#).unwrap();
        for width in 1..4_000 {
            let mut config = clip.clone();
            config.text.transformer.mlp_width = width;
            assert_eq!(written(&config).text.transformer.mlp_width, width);
        }
    }

    /// The end token of every published CLIP has the highest id, which open_clip's usual rule looks for.
    #[test]
    fn the_end_token_needs_no_rule_of_its_own_where_it_has_the_highest_id() {
        let mut config =
            parse(r#"{"model_cfg": {"embed_dim": 8, "vision_cfg": {}, "text_cfg": {}}}"#).unwrap();
        config.text.pooling = TextPooling::First(49_407);
        assert_eq!(written(&config).text.pooling, TextPooling::HighestId);
        config.text.pooling = TextPooling::First(49_406);
        assert_eq!(config.to_open_clip().unwrap()["text_cfg"]["pool_type"], "eos");
        assert_eq!(written(&config).text.pooling, TextPooling::First(49_406));
    }

    #[test]
    fn what_open_clip_does_not_have_is_not_written() {
        let mut clip = parse(r#"{"model_cfg": {"embed_dim": 8, "vision_cfg": {}, "text_cfg": {}}}"#).unwrap();
        clip.vision.transformer.activation = Activation::QuickGelu;
        let mut siglip = parse(SIGLIP2).unwrap();
        siglip.vision.transformer.activation = Activation::GeluTanh;
        let mut small = siglip.clone();
        small.vision.transformer.layers = 3;
        let cases = [
            (
                clip,
                "open_clip has no model that computes the same: it has quick_gelu in both towers or in none",
            ),
            (
                siglip,
                "open_clip has no model that computes the same: its SigLIP of these sizes, \
                 vit_base_patch16_siglip_224, computes gelu with layer_norm_eps 1e-6 where this model has \
                 gelu_pytorch_tanh with 1e-6, so that every embedding would be a little off",
            ),
            (
                small,
                "open_clip has no model that computes the same: none of its SigLIPs takes images of 224 in patches \
                 of 16 and has 3 blocks of width 768 with 12 heads and an MLP of 3072",
            ),
        ];
        for (config, expected) in cases {
            assert_eq!(config.to_open_clip().unwrap_err().to_string(), expected);
        }
    }
}
