//! Holds the sizes and constants of a CLIP or SigLIP: everything but the weights.
//!
//! `hugging_face` reads and writes `config.json`, and `open_clip` reads and writes `open_clip_config.json`.

mod error;
mod hugging_face;
mod limits;
pub(crate) mod open_clip;
mod pooling;

use std::path::Path;

use cliptune_durable::read_regular;
use serde::{Deserialize, Serialize};

pub use crate::family::Family;
use crate::files::LONGEST_CONFIGURATION;
pub use error::ConfigError;
pub use open_clip::OPEN_CLIP_CONFIG_FILE;
pub use pooling::TextPooling;

/// The name of Hugging Face's configuration file in a model folder.
pub const CONFIG_FILE: &str = "config.json";

/// The sizes and constants of one model. Serialised as JSON, this is Hugging Face's `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "hugging_face::Config", into = "hugging_face::Config")]
pub struct ClipConfig {
    /// The configuration of the vision tower.
    pub vision: VisionConfig,
    /// The configuration of the text tower.
    pub text: TextConfig,
    /// The size of the shared embedding.
    pub projection_dim: usize,
    /// The initial value of logit_scale, which is a logarithm.
    pub logit_scale_init: f64,
    /// Whether the model is a CLIP or a SigLIP.
    pub family: Family,
}

/// The configuration of the vision tower, which is a vision transformer.
#[derive(Clone, Debug, PartialEq)]
pub struct VisionConfig {
    /// The side of the square image in pixels.
    pub image_size: usize,
    /// The side of a patch in pixels. Pixels at the edge that do not fill a patch are left out.
    pub patch_size: usize,
    /// How the sequence of patches becomes one row.
    pub pooling: VisionPooling,
    /// The sizes of the blocks.
    pub transformer: TransformerConfig,
}

/// How the sequence of patches becomes one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VisionPooling {
    /// CLIP's way: a learned row is put before the patches and passes through the blocks with them. The patch embedding
    /// has no bias, a norm comes before the blocks, and a projection without bias comes after them.
    ClassToken,
    /// SigLIP's way: a learned query attends to all rows, and an MLP follows. The patch embedding has a bias, and there
    /// is neither a norm before the blocks nor a projection.
    AttentionHead,
}

impl VisionConfig {
    /// Returns the number of patches in an image.
    pub fn patches(&self) -> usize {
        (self.image_size / self.patch_size).pow(2)
    }

    /// Returns the number of rows in the sequence.
    pub fn positions(&self) -> usize {
        match self.pooling {
            VisionPooling::ClassToken => self.patches() + 1,
            VisionPooling::AttentionHead => self.patches(),
        }
    }
}

/// The configuration of the text tower.
#[derive(Clone, Debug, PartialEq)]
pub struct TextConfig {
    /// The number of rows in the token embedding.
    pub vocab_size: usize,
    /// The length of the longest text in tokens, including the start and end tokens.
    pub context_length: usize,
    /// Which row is pooled, which also decides what each row may attend to.
    pub pooling: TextPooling,
    /// The sizes of the blocks.
    pub transformer: TransformerConfig,
}

/// The sizes of one transformer.
#[derive(Clone, Debug, PartialEq)]
pub struct TransformerConfig {
    /// The width of the residual stream.
    pub width: usize,
    /// The number of blocks.
    pub layers: usize,
    /// The number of attention heads, which divides `width`.
    pub heads: usize,
    /// The width inside the MLP.
    pub mlp_width: usize,
    /// The activation inside the MLP.
    pub activation: Activation,
    /// The epsilon of the layer norms.
    pub layer_norm_eps: f64,
}

/// The activation inside the MLPs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// x·σ(1.702x), which OpenAI's checkpoints use.
    QuickGelu,
    /// The exact Gaussian error linear unit, which LAION's checkpoints use.
    Gelu,
    /// The approximation ½x(1 + tanh(√(2/π)(x + 0.044715x³))) of the Gaussian error linear unit, which SigLIP's
    /// checkpoints use.
    GeluTanh,
}

impl Activation {
    const ALL: [Self; 3] = [Self::QuickGelu, Self::Gelu, Self::GeluTanh];

    /// Returns the name in `config.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QuickGelu => "quick_gelu",
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu_pytorch_tanh",
        }
    }

    fn from_name(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|known| known.as_str() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            format!("hidden_act {name:?} is not supported; known are {known}")
        })
    }
}

impl ClipConfig {
    /// Reads the configuration of a model folder from `config.json` or, if there is none, from `open_clip_config.json`.
    ///
    /// # Errors
    /// Fails when neither file is there, when one is damaged or asks for something unsupported, or when both are there
    /// and disagree.
    pub fn from_folder(folder: &Path) -> Result<Self, ConfigError> {
        let (own, other) = (folder.join(CONFIG_FILE), folder.join(OPEN_CLIP_CONFIG_FILE));
        let other = if other.is_file() { Some((open_clip::read(&other), other)) } else { None };
        match (own.is_file(), other) {
            (false, Some((config, _))) => config,
            (true, Some((Ok(theirs), path))) => agreed(Self::read(&own)?, &own, &theirs, &path),
            _ => Self::read(&own),
        }
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = read_regular(path, LONGEST_CONFIGURATION).map_err(ConfigError::Read)?;
        if let Some(what) = hugging_face::foreign(&text) {
            return Err(ConfigError::Foreign { path: path.to_owned(), what });
        }
        serde_json::from_slice(&text)
            .map_err(|source| ConfigError::Parse { path: path.to_owned(), reason: source.to_string() })
    }

    /// Returns the contents of `config.json`.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }
}

/// Checks that both configurations of a folder describe one model. The activation is where such files are known to
/// disagree, and because the weights fit either one (open_clip #771), nothing else would notice.
fn agreed(
    config: ClipConfig,
    path: &Path,
    theirs: &ClipConfig,
    their_path: &Path,
) -> Result<ClipConfig, ConfigError> {
    let activations = |config: &ClipConfig| {
        [config.text.transformer.activation, config.vision.transformer.activation].map(Activation::as_str)
    };
    if activations(&config) == activations(theirs) {
        return Ok(config);
    }
    Err(ConfigError::Disagree {
        path: path.to_owned(),
        own: activations(&config).join(" and "),
        other: their_path.to_owned(),
        theirs: activations(theirs).join(" and "),
    })
}
#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a folder with both configurations of one model, which have these activations.
    fn both(hidden_act: &str, quick_gelu: bool) -> Result<ClipConfig, String> {
        let folder = tempfile::tempdir().unwrap();
        let tower = format!(r#"{{"hidden_act": "{hidden_act}"}}"#);
        let own = format!(r#"{{"model_type": "clip", "text_config": {tower}, "vision_config": {tower}}}"#);
        let theirs = format!(
            r#"{{"model_cfg": {{"embed_dim": 512, "quick_gelu": {quick_gelu}, "vision_cfg": {{"patch_size": 32}},
                "text_cfg": {{}}}}}}"#
        );
        fs_err::write(folder.path().join(CONFIG_FILE), own).unwrap();
        fs_err::write(folder.path().join(OPEN_CLIP_CONFIG_FILE), theirs).unwrap();
        let found = ClipConfig::from_folder(folder.path());
        found.map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "FOLDER"))
    }

    /// In open_clip #771, weights were published with another model's configuration, and they fit either one.
    #[test]
    fn two_configurations_that_disagree_on_the_activation_are_refused() {
        assert_eq!(both("gelu", false).unwrap().vision.transformer.activation, Activation::Gelu);
        assert_eq!(both("quick_gelu", true).unwrap().vision.transformer.activation, Activation::QuickGelu);
        assert_eq!(
            both("gelu", true).unwrap_err(),
            "FOLDER/config.json says that the activation is gelu and gelu, FOLDER/open_clip_config.json says \
             quick_gelu and quick_gelu"
        );
        assert!(both("quick_gelu", false).is_err());
    }
}
