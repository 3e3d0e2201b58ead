//! `config.json` as transformers reads and writes it.
//!
//! Unknown keys are ignored: transformers writes dozens that mean nothing here. Keys that are left out have the
//! defaults of transformers' classes (5.23), which published files rely on: SigLIP's say little but `model_type`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::limits::{self, Keys, ensure};
use super::{Activation, ClipConfig, Family, TextConfig, TextPooling, TransformerConfig, VisionConfig};
use crate::family::{BlockDefaults, EmbeddingSize};

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Config {
    #[serde(default)]
    architectures: Vec<String>,
    model_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    projection_dim: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    logit_scale_init_value: Option<f64>,
    #[serde(default)]
    text_config: Option<Text>,
    #[serde(default)]
    vision_config: Option<Vision>,
    /// The text tower in old files. If this key is given, it replaces `text_config` altogether, defaults included.
    #[serde(default, skip_serializing)]
    text_config_dict: Option<Text>,
    #[serde(default, skip_serializing)]
    vision_config_dict: Option<Vision>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Text {
    vocab_size: Option<usize>,
    max_position_embeddings: Option<usize>,
    eos_token_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bos_token_id: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pad_token_id: Option<Value>,
    #[serde(flatten)]
    blocks: Blocks,
    #[serde(skip_serializing_if = "Option::is_none")]
    projection_dim: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    projection_size: Option<usize>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Vision {
    image_size: Option<SideLength>,
    patch_size: Option<SideLength>,
    num_channels: Option<usize>,
    #[serde(flatten)]
    blocks: Blocks,
    #[serde(skip_serializing_if = "Option::is_none")]
    projection_dim: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vision_use_head: Option<bool>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Blocks {
    hidden_size: Option<usize>,
    num_hidden_layers: Option<usize>,
    num_attention_heads: Option<usize>,
    intermediate_size: Option<usize>,
    hidden_act: Option<String>,
    layer_norm_eps: Option<f64>,
}

/// A size that is given as one number, or as height and width.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum SideLength {
    One(usize),
    Both([usize; 2]),
}

impl SideLength {
    fn square(self, key: &str) -> Result<usize, String> {
        match self {
            Self::One(side) => Ok(side),
            Self::Both([height, width]) if height == width => Ok(height),
            Self::Both(both) => Err(format!("{key} {both:?} is not a square")),
        }
    }
}

const TEXT_KEYS: Keys = Keys {
    section: "text_config",
    width: "hidden_size",
    heads: "num_attention_heads",
    layers: "num_hidden_layers",
    mlp_width: "intermediate_size",
    layer_norm_eps: "layer_norm_eps",
};
const VISION_KEYS: Keys = Keys { section: "vision_config", ..TEXT_KEYS };

impl TryFrom<Config> for ClipConfig {
    type Error = String;

    fn try_from(raw: Config) -> Result<Self, String> {
        let family = family(&raw.model_type)?;
        let text = raw.text_config_dict.or(raw.text_config).unwrap_or_default();
        let vision = raw.vision_config_dict.or(raw.vision_config).unwrap_or_default();
        let projection_size = text.projection_size;
        let (text, vision) = (text_config(text, family)?, vision_config(vision, family)?);
        let traits = family.traits();
        let projection_dim = match traits.embedding {
            EmbeddingSize::Declared { default } => {
                limits::projection("projection_dim", raw.projection_dim.unwrap_or(default))?
            }
            EmbeddingSize::OfVision => {
                let (size, width) =
                    (projection_size.unwrap_or(text.transformer.width), vision.transformer.width);
                ensure(size == width, || {
                    format!("text embeddings have {size} numbers, image embeddings {width}")
                })?;
                size
            }
        };
        let scale = raw.logit_scale_init_value.filter(|_| traits.logit_bias.is_none());
        let logit_scale_init =
            limits::logit_scale("logit_scale_init_value", scale.unwrap_or(traits.logit_scale))?;
        Ok(Self { vision, text, projection_dim, logit_scale_init, family })
    }
}

/// Says what a file describes if it comes from another library or its architecture does not have two towers.
pub(super) fn foreign(text: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        model_type: Option<String>,
        architecture: Option<String>,
    }
    let named: Named = serde_json::from_slice(text).ok()?;
    match (named.model_type, named.architecture) {
        (None, Some(name)) => Some(format!("timm's image tower {name:?}, which comes without a text tower")),
        (Some(kind), _) => {
            let other = kind
                .strip_suffix("_model")
                .filter(|kind| kind.ends_with("_text") || kind.ends_with("_vision"));
            other.map(|kind| format!("one tower alone ({kind}), without the other"))
        }
        (None, None) => None,
    }
}

fn family(model_type: &str) -> Result<Family, String> {
    Family::of_model_type(model_type).ok_or_else(|| {
        let advice = match model_type {
            "siglip2" => " (the NaFlex variant; the fixed-resolution SigLIP2 models are of type \"siglip\")",
            _ => "",
        };
        format!("model_type is {model_type:?}{advice}, expected \"clip\" or \"siglip\"")
    })
}

fn text_config(raw: Text, family: Family) -> Result<TextConfig, String> {
    let traits = family.traits();
    let config = TextConfig {
        vocab_size: raw.vocab_size.unwrap_or(traits.text.vocab_size),
        context_length: raw.max_position_embeddings.unwrap_or(traits.text.context_length),
        pooling: (traits.text_pooling)(raw.eos_token_id),
        transformer: transformer(raw.blocks, &traits.text.blocks, &TEXT_KEYS)?,
    };
    config.checked(TEXT_KEYS.section, "max_position_embeddings")
}

fn vision_config(raw: Vision, family: Family) -> Result<VisionConfig, String> {
    let (defaults, pooling) = (&family.traits().vision, family.traits().vision_pooling);
    ensure(raw.num_channels.is_none_or(|channels| channels == 3), || "num_channels is not 3".to_owned())?;
    ensure(raw.vision_use_head != Some(false), || "vision_use_head is false: nothing is pooled".to_owned())?;
    let image_size = raw.image_size.unwrap_or(SideLength::One(defaults.image_size)).square("image_size")?;
    let patch_size = raw.patch_size.unwrap_or(SideLength::One(defaults.patch_size)).square("patch_size")?;
    let transformer = transformer(raw.blocks, &defaults.blocks, &VISION_KEYS)?;
    VisionConfig { image_size, patch_size, pooling, transformer }.checked(VISION_KEYS.section)
}

fn transformer(raw: Blocks, defaults: &BlockDefaults, keys: &Keys) -> Result<TransformerConfig, String> {
    let activation = match raw.hidden_act {
        Some(name) => Activation::from_name(&name)?,
        None => defaults.activation,
    };
    let blocks = TransformerConfig {
        width: raw.hidden_size.unwrap_or(defaults.width),
        layers: raw.num_hidden_layers.unwrap_or(defaults.layers),
        heads: raw.num_attention_heads.unwrap_or(defaults.heads),
        mlp_width: raw.intermediate_size.unwrap_or(defaults.mlp_width),
        activation,
        layer_norm_eps: raw.layer_norm_eps.unwrap_or(defaults.layer_norm_eps),
    };
    blocks.checked(keys)
}

impl From<ClipConfig> for Config {
    fn from(config: ClipConfig) -> Self {
        let traits = config.family.traits();
        let projection_dim = declared(&config).then_some(config.projection_dim);
        Self {
            architectures: vec![traits.class.to_owned()],
            model_type: config.family.as_str().to_owned(),
            projection_dim,
            logit_scale_init_value: traits.logit_bias.is_none().then_some(config.logit_scale_init),
            text_config: Some(raw_text(&config)),
            vision_config: Some(raw_vision(&config.vision, projection_dim)),
            text_config_dict: None,
            vision_config_dict: None,
        }
    }
}

/// Checks whether the file states the size of the shared embedding, for both towers at once.
fn declared(config: &ClipConfig) -> bool {
    config.family.traits().embedding != EmbeddingSize::OfVision
}

fn raw_text(config: &ClipConfig) -> Text {
    let text = &config.text;
    let end = match text.pooling {
        TextPooling::First(id) => Some(id),
        TextPooling::HighestId | TextPooling::Last => None,
    };
    let is_declared = declared(config);
    Text {
        vocab_size: Some(text.vocab_size),
        max_position_embeddings: Some(text.context_length),
        eos_token_id: Some(text.pooling.eos_token_id()),
        bos_token_id: end.map(|id| Value::from(id - 1)),
        pad_token_id: end.map(Value::from),
        blocks: raw_blocks(&text.transformer),
        projection_dim: is_declared.then_some(config.projection_dim),
        projection_size: (!is_declared).then_some(config.projection_dim),
    }
}

fn raw_vision(vision: &VisionConfig, projection_dim: Option<usize>) -> Vision {
    Vision {
        image_size: Some(SideLength::One(vision.image_size)),
        patch_size: Some(SideLength::One(vision.patch_size)),
        num_channels: Some(3),
        blocks: raw_blocks(&vision.transformer),
        projection_dim,
        vision_use_head: None,
    }
}

fn raw_blocks(blocks: &TransformerConfig) -> Blocks {
    Blocks {
        hidden_size: Some(blocks.width),
        num_hidden_layers: Some(blocks.layers),
        num_attention_heads: Some(blocks.heads),
        intermediate_size: Some(blocks.mlp_width),
        hidden_act: Some(blocks.activation.as_str().to_owned()),
        layer_norm_eps: Some(blocks.layer_norm_eps),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ClipConfig, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn the_openai_configuration_is_read_with_its_legacy_end_of_text() {
        let config = parse(OPENAI_B32).unwrap();
        assert_eq!(config.text.pooling, TextPooling::HighestId);
        assert_eq!((config.vision.patches(), config.vision.positions()), (49, 50));
        assert_eq!(config.vision.transformer.activation, Activation::QuickGelu);
    }

    #[test]
    fn a_configuration_survives_being_written_and_read() {
        for text in [OPENAI_B32, SIGLIP_BASE] {
            let config = parse(text).unwrap();
            assert_eq!(parse(&config.to_json().unwrap()).unwrap(), config);
        }
    }

    #[test]
    fn keys_that_are_left_out_have_the_defaults_of_transformers() {
        // transformers.CLIPConfig() and transformers.SiglipConfig(), 5.23.
        let clip = parse(r#"{"model_type": "clip"}"#).unwrap();
        let published = parse(OPENAI_B32).unwrap();
        assert_eq!(clip.vision, published.vision);
        assert_eq!(clip.text, TextConfig { pooling: TextPooling::First(49_407), ..published.text });
        let siglip = parse(SIGLIP_BASE).unwrap();
        assert_eq!((siglip.text.vocab_size, siglip.text.context_length), (32_000, 64));
        assert_eq!((siglip.vision.positions(), siglip.vision.transformer.layer_norm_eps), (196, 1e-6));
        assert_eq!(siglip.text.transformer.activation, Activation::GeluTanh);
    }

    /// `CLIPConfig(text_config={"hidden_size": 64}, text_config_dict={"hidden_size": 128})` has width 128 and, for
    /// the other keys, the defaults: transformers lays the complete `text_config_dict` over `text_config`.
    #[test]
    fn legacy_dictionaries_replace_the_configuration() {
        let text = r#"{"model_type": "clip", "text_config": {"hidden_size": 64, "num_hidden_layers": 2},
            "text_config_dict": {"hidden_size": 128}, "vision_config_dict": null}"#;
        let config = parse(text).unwrap();
        assert_eq!((config.text.transformer.width, config.text.transformer.layers), (128, 12));
    }

    /// google/siglip-so400m-patch14-384 has 27 patches of 14 pixels; 6 pixels are left over.
    #[test]
    fn an_image_need_not_be_a_multiple_of_its_patch() {
        let text = r#"{"model_type": "siglip", "vision_config": {"image_size": 384, "patch_size": 14}}"#;
        assert_eq!(parse(text).unwrap().vision.patches(), 729);
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let cases = [
            (OPENAI_B32.replace("quick_gelu", "swish"), "\"swish\" is not supported"),
            (OPENAI_B32.replace("\"clip\"", "\"bert\""), "model_type is \"bert\""),
            (OPENAI_B32.replace("\"clip\"", "\"siglip2\""), "NaFlex"),
            (OPENAI_B32.replace("\"patch_size\": 32", "\"patch_size\": 0"), "no patch of 0 pixels"),
            (OPENAI_B32.replace("\"patch_size\": 32", "\"patch_size\": [16, 32]"), "not a square"),
            (OPENAI_B32.replace("\"hidden_size\": 512", "\"hidden_size\": 513"), "not a multiple"),
            (
                OPENAI_B32.replace("\"num_hidden_layers\": 12", "\"num_hidden_layers\": 4000000"),
                "text_config.num_hidden_layers is 4000000, it must be 0 to 1000",
            ),
            (
                OPENAI_B32.replace("1e-05", "-1"),
                "text_config.layer_norm_eps is -1e0, it must be a positive number",
            ),
            (
                OPENAI_B32.replace("1e-05", "0"),
                "text_config.layer_norm_eps is 0e0, it must be a positive number",
            ),
            (OPENAI_B32.replace("1e-05", "1e-50"), "text_config.layer_norm_eps is 1e-50"),
            (OPENAI_B32.replace("1e-05", "1e300"), "text_config.layer_norm_eps is 1e300"),
            (OPENAI_B32.replace("2.6592", "1000"), "logit_scale_init_value is 1000"),
            (OPENAI_B32.replace("\"projection_dim\": 512", "\"projection_dim\": 0"), "projection_dim is 0"),
            (
                OPENAI_B32.replace("\"vocab_size\": 49408", "\"vocab_size\": 9007199254740993"),
                "text_config.vocab_size is 9007199254740993",
            ),
            (
                OPENAI_B32.replace("\"image_size\": 224", "\"image_size\": 99999999"),
                "vision_config.image_size",
            ),
        ];
        for (text, expected) in cases {
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    /// The relevant keys of openai/clip-vit-base-patch32's config.json.
    const OPENAI_B32: &str = r#"{
        "architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": 512,
        "logit_scale_init_value": 2.6592, "transformers_version": null,
        "text_config": {"vocab_size": 49408, "max_position_embeddings": 77, "eos_token_id": 2, "bos_token_id": 0,
            "pad_token_id": 1, "hidden_size": 512, "num_hidden_layers": 12, "num_attention_heads": 8,
            "intermediate_size": 2048, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-05},
        "vision_config": {"image_size": 224, "patch_size": 32, "hidden_size": 768, "num_hidden_layers": 12,
            "num_attention_heads": 12, "intermediate_size": 3072, "hidden_act": "quick_gelu"}
    }"#;

    /// The whole of google/siglip-base-patch16-224's config.json, which says no more than this.
    const SIGLIP_BASE: &str = r#"{
        "architectures": ["SiglipModel"], "initializer_factor": 1.0, "model_type": "siglip",
        "text_config": {"model_type": "siglip_text_model"}, "vision_config": {"model_type": "siglip_vision_model"}
    }"#;
}
