//! The sizes of a CLIP and its `config.json`, as Hugging Face lays it out.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The file name in a model folder.
pub const CONFIG_FILE: &str = "config.json";

/// Sizes and constants of one CLIP: everything but the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "raw::Config", into = "raw::Config")]
pub struct ClipConfig {
    /// The vision tower.
    pub vision: VisionConfig,
    /// The text tower.
    pub text: TextConfig,
    /// Size of the shared embedding.
    pub projection_dim: usize,
    /// Initial value of logit_scale (a logarithm).
    pub logit_scale_init: f64,
}

/// The vision tower: a vision transformer with a class token and a layer norm before the blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct VisionConfig {
    /// Side of the square image in pixels.
    pub image_size: usize,
    /// Side of a patch in pixels.
    pub patch_size: usize,
    /// Its blocks.
    pub transformer: TransformerConfig,
}

impl VisionConfig {
    /// Patches of an image.
    pub fn patches(&self) -> usize {
        (self.image_size / self.patch_size).pow(2)
    }

    /// Rows of the sequence: the class token and the patches.
    pub fn positions(&self) -> usize {
        self.patches() + 1
    }
}

/// The text tower: a causal transformer whose row at the end-of-text token is pooled.
#[derive(Clone, Debug, PartialEq)]
pub struct TextConfig {
    /// Rows of the token embedding.
    pub vocab_size: usize,
    /// Longest text in tokens, both ends included.
    pub context_length: usize,
    /// Which row is pooled.
    pub end_of_text: EndOfText,
    /// Its blocks.
    pub transformer: TransformerConfig,
}

/// Sizes of one transformer.
#[derive(Clone, Debug, PartialEq)]
pub struct TransformerConfig {
    /// Width of the residual stream.
    pub width: usize,
    /// Number of blocks.
    pub layers: usize,
    /// Attention heads; divides `width`.
    pub heads: usize,
    /// Width inside the MLP.
    pub mlp_width: usize,
    /// The MLP's activation.
    pub activation: Activation,
    /// Epsilon of the layer norms.
    pub layer_norm_eps: f64,
}

/// The activation inside the MLPs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// x·σ(1.702x): OpenAI's checkpoints.
    QuickGelu,
    /// The exact Gaussian error linear unit: LAION's checkpoints.
    Gelu,
}

impl Activation {
    /// The name in `config.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QuickGelu => "quick_gelu",
            Self::Gelu => "gelu",
        }
    }
}

/// Which row of the text sequence is pooled.
///
/// transformers' `CLIPTextModel` takes the highest id when the configured `eos_token_id` is 2 (a value that old
/// configurations carry although their tokenizer's end is 49407), and the first row with that id otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndOfText {
    /// The row with the highest id (OpenAI, open_clip, legacy transformers).
    HighestId,
    /// The first row with this id.
    First(i64),
}

/// The `eos_token_id` that stands for [`EndOfText::HighestId`].
const LEGACY_EOS: i64 = 2;

impl EndOfText {
    fn from_eos_token_id(id: i64) -> Self {
        if id == LEGACY_EOS { Self::HighestId } else { Self::First(id) }
    }

    fn eos_token_id(self) -> i64 {
        match self {
            Self::HighestId => LEGACY_EOS,
            Self::First(id) => id,
        }
    }

    /// The rule's name in metadata: `highest_id` or `first:<id>`.
    pub fn name(self) -> String {
        match self {
            Self::HighestId => "highest_id".to_owned(),
            Self::First(id) => format!("first:{id}"),
        }
    }

    /// The row of one text that is pooled. `ids` is not empty. Without an end-of-text id the first row is
    /// pooled, as an arg-max over an all-false comparison does in the references.
    pub fn row(self, ids: &[i64]) -> usize {
        match self {
            // The first of the highest, as torch.argmax and ONNX ArgMax have it.
            Self::HighestId => (0..ids.len()).rev().max_by_key(|&row| ids[row]).unwrap_or(0),
            Self::First(end) => ids.iter().position(|&id| id == end).unwrap_or(0),
        }
    }
}

/// Why a `config.json` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the model's configuration")]
    Read(#[source] std::io::Error),
    /// It is not JSON, a key is missing or a value is impossible.
    #[error("{path} is not the configuration of a CLIP model")]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl ClipConfig {
    /// Reads `config.json` of a model folder.
    pub fn from_folder(folder: &Path) -> Result<Self, ConfigError> {
        let path = folder.join(CONFIG_FILE);
        let text = fs_err::read(&path).map_err(ConfigError::Read)?;
        serde_json::from_slice(&text).map_err(|source| ConfigError::Parse { path, source })
    }

    /// `config.json` as text.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }
}

/// The keys of `config.json`. Unknown keys are ignored: transformers writes dozens that mean nothing here.
mod raw {
    use serde::{Deserialize, Serialize};

    use super::{Activation, ClipConfig, EndOfText, TextConfig, TransformerConfig, VisionConfig};

    #[derive(Clone, Serialize, Deserialize)]
    pub(super) struct Config {
        #[serde(default = "architectures")]
        architectures: Vec<String>,
        model_type: String,
        projection_dim: usize,
        #[serde(default = "logit_scale_init")]
        logit_scale_init_value: f64,
        text_config: Text,
        vision_config: Vision,
    }

    #[derive(Clone, Serialize, Deserialize)]
    struct Text {
        vocab_size: usize,
        max_position_embeddings: usize,
        eos_token_id: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bos_token_id: Option<i64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pad_token_id: Option<i64>,
        hidden_size: usize,
        num_hidden_layers: usize,
        num_attention_heads: usize,
        intermediate_size: usize,
        hidden_act: String,
        #[serde(default = "layer_norm_eps")]
        layer_norm_eps: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        projection_dim: Option<usize>,
    }

    #[derive(Clone, Serialize, Deserialize)]
    struct Vision {
        image_size: usize,
        patch_size: usize,
        hidden_size: usize,
        num_hidden_layers: usize,
        num_attention_heads: usize,
        intermediate_size: usize,
        hidden_act: String,
        #[serde(default = "layer_norm_eps")]
        layer_norm_eps: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        projection_dim: Option<usize>,
    }

    fn architectures() -> Vec<String> {
        vec!["CLIPModel".to_owned()]
    }

    fn logit_scale_init() -> f64 {
        2.6592
    }

    fn layer_norm_eps() -> f64 {
        1e-5
    }

    fn activation(name: &str) -> Result<Activation, String> {
        [Activation::QuickGelu, Activation::Gelu]
            .into_iter()
            .find(|known| known.as_str() == name)
            .ok_or_else(|| format!("hidden_act {name:?} is not supported; expected quick_gelu or gelu"))
    }

    fn check(condition: bool, problem: impl FnOnce() -> String) -> Result<(), String> {
        if condition { Ok(()) } else { Err(problem()) }
    }

    impl TryFrom<Config> for ClipConfig {
        type Error = String;

        fn try_from(raw: Config) -> Result<Self, String> {
            check(raw.model_type == "clip", || {
                format!("model_type is {:?}, expected \"clip\"", raw.model_type)
            })?;
            let config = Self {
                vision: raw.vision_config.try_into()?,
                text: raw.text_config.try_into()?,
                projection_dim: raw.projection_dim,
                logit_scale_init: raw.logit_scale_init_value,
            };
            check(config.projection_dim > 0, || "projection_dim is 0".to_owned())?;
            Ok(config)
        }
    }

    impl TryFrom<Vision> for VisionConfig {
        type Error = String;

        fn try_from(raw: Vision) -> Result<Self, String> {
            check(raw.patch_size > 0 && raw.image_size.is_multiple_of(raw.patch_size), || {
                format!("image_size {} is not a multiple of patch_size {}", raw.image_size, raw.patch_size)
            })?;
            Ok(Self {
                image_size: raw.image_size,
                patch_size: raw.patch_size,
                transformer: transformer(
                    (raw.hidden_size, raw.num_hidden_layers, raw.num_attention_heads, raw.intermediate_size),
                    &raw.hidden_act,
                    raw.layer_norm_eps,
                )?,
            })
        }
    }

    impl TryFrom<Text> for TextConfig {
        type Error = String;

        fn try_from(raw: Text) -> Result<Self, String> {
            check(raw.max_position_embeddings >= 3, || {
                format!("max_position_embeddings {} leaves no room for text", raw.max_position_embeddings)
            })?;
            Ok(Self {
                vocab_size: raw.vocab_size,
                context_length: raw.max_position_embeddings,
                end_of_text: EndOfText::from_eos_token_id(raw.eos_token_id),
                transformer: transformer(
                    (raw.hidden_size, raw.num_hidden_layers, raw.num_attention_heads, raw.intermediate_size),
                    &raw.hidden_act,
                    raw.layer_norm_eps,
                )?,
            })
        }
    }

    fn transformer(
        (width, layers, heads, mlp_width): (usize, usize, usize, usize),
        hidden_act: &str,
        layer_norm_eps: f64,
    ) -> Result<TransformerConfig, String> {
        check(width > 0 && heads > 0 && width.is_multiple_of(heads), || {
            format!("hidden_size {width} is not a multiple of num_attention_heads {heads}")
        })?;
        check(mlp_width > 0, || "intermediate_size is 0".to_owned())?;
        Ok(TransformerConfig {
            width,
            layers,
            heads,
            mlp_width,
            activation: activation(hidden_act)?,
            layer_norm_eps,
        })
    }

    impl From<ClipConfig> for Config {
        fn from(config: ClipConfig) -> Self {
            let (text, vision) = (config.text, config.vision);
            let end = match text.end_of_text {
                EndOfText::First(id) => Some(id),
                EndOfText::HighestId => None,
            };
            Self {
                architectures: architectures(),
                model_type: "clip".to_owned(),
                projection_dim: config.projection_dim,
                logit_scale_init_value: config.logit_scale_init,
                text_config: Text {
                    vocab_size: text.vocab_size,
                    max_position_embeddings: text.context_length,
                    eos_token_id: text.end_of_text.eos_token_id(),
                    bos_token_id: end.map(|id| id - 1),
                    pad_token_id: end,
                    hidden_size: text.transformer.width,
                    num_hidden_layers: text.transformer.layers,
                    num_attention_heads: text.transformer.heads,
                    intermediate_size: text.transformer.mlp_width,
                    hidden_act: text.transformer.activation.as_str().to_owned(),
                    layer_norm_eps: text.transformer.layer_norm_eps,
                    projection_dim: Some(config.projection_dim),
                },
                vision_config: Vision {
                    image_size: vision.image_size,
                    patch_size: vision.patch_size,
                    hidden_size: vision.transformer.width,
                    num_hidden_layers: vision.transformer.layers,
                    num_attention_heads: vision.transformer.heads,
                    intermediate_size: vision.transformer.mlp_width,
                    hidden_act: vision.transformer.activation.as_str().to_owned(),
                    layer_norm_eps: vision.transformer.layer_norm_eps,
                    projection_dim: Some(config.projection_dim),
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_highest_ids_is_pooled() {
        assert_eq!(EndOfText::HighestId.row(&[8, 3, 9, 9, 0]), 2);
    }

    #[test]
    fn the_first_end_is_pooled_even_when_padding_repeats_it() {
        assert_eq!(EndOfText::First(7).row(&[6, 9, 7, 7]), 2);
    }

    #[test]
    fn the_openai_configuration_is_read_with_its_legacy_end_of_text() {
        let config: ClipConfig = serde_json::from_str(OPENAI_B32).unwrap();
        assert_eq!(config.text.end_of_text, EndOfText::HighestId);
        assert_eq!((config.vision.patches(), config.vision.positions()), (49, 50));
        assert_eq!(config.vision.transformer.activation, Activation::QuickGelu);
    }

    #[test]
    fn a_configuration_survives_being_written_and_read() {
        let config: ClipConfig = serde_json::from_str(OPENAI_B32).unwrap();
        let again: ClipConfig = serde_json::from_str(&config.to_json().unwrap()).unwrap();
        assert_eq!(config, again);
    }

    #[test]
    fn an_unknown_activation_is_an_error_that_names_it() {
        let error =
            serde_json::from_str::<ClipConfig>(&OPENAI_B32.replace("quick_gelu", "swish")).unwrap_err();
        assert!(error.to_string().contains("\"swish\" is not supported"), "{error}");
    }

    /// The keys that matter of openai/clip-vit-base-patch32's config.json.
    const OPENAI_B32: &str = r#"{
        "architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": 512,
        "logit_scale_init_value": 2.6592, "transformers_version": null,
        "text_config": {"vocab_size": 49408, "max_position_embeddings": 77, "eos_token_id": 2, "bos_token_id": 0,
            "pad_token_id": 1, "hidden_size": 512, "num_hidden_layers": 12, "num_attention_heads": 8,
            "intermediate_size": 2048, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-05},
        "vision_config": {"image_size": 224, "patch_size": 32, "hidden_size": 768, "num_hidden_layers": 12,
            "num_attention_heads": 12, "intermediate_size": 3072, "hidden_act": "quick_gelu"}
    }"#;
}
