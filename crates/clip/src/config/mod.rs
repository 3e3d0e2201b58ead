//! The sizes and constants of a CLIP or SigLIP: everything but the weights.
//!
//! `hugging_face` reads and writes `config.json`, `open_clip` does so with `open_clip_config.json`.

mod error;
mod hugging_face;
mod limits;
pub(crate) mod open_clip;
mod pooling;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use crate::family::Family;
use crate::files::{self, LONGEST_CONFIGURATION};
pub use error::ConfigError;
pub use open_clip::OPEN_CLIP_CONFIG_FILE;
pub use pooling::TextPooling;

/// Hugging Face's configuration in a model folder.
pub const CONFIG_FILE: &str = "config.json";

/// Sizes and constants of one model. As JSON it is Hugging Face's `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "hugging_face::Config", into = "hugging_face::Config")]
pub struct ClipConfig {
    /// The vision tower.
    pub vision: VisionConfig,
    /// The text tower.
    pub text: TextConfig,
    /// Size of the shared embedding.
    pub projection_dim: usize,
    /// Initial value of logit_scale (a logarithm).
    pub logit_scale_init: f64,
    /// CLIP or SigLIP.
    pub family: Family,
}

/// The vision tower: a vision transformer.
#[derive(Clone, Debug, PartialEq)]
pub struct VisionConfig {
    /// Side of the square image in pixels.
    pub image_size: usize,
    /// Side of a patch in pixels. Pixels that do not fill a patch are left out.
    pub patch_size: usize,
    /// How the sequence becomes one row.
    pub pooling: VisionPooling,
    /// Its blocks.
    pub transformer: TransformerConfig,
}

/// How the sequence of patches becomes one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VisionPooling {
    /// CLIP: a learned row before the patches, which passes through the blocks with them; patches without bias, a
    /// norm before the blocks, a projection without bias after them.
    ClassToken,
    /// SigLIP: a learned query attends to all rows, followed by an MLP; patches with bias, no norm before the blocks,
    /// no projection.
    AttentionHead,
}

impl VisionConfig {
    /// Patches of an image.
    pub fn patches(&self) -> usize {
        (self.image_size / self.patch_size).pow(2)
    }

    /// Rows of the sequence.
    pub fn positions(&self) -> usize {
        match self.pooling {
            VisionPooling::ClassToken => self.patches() + 1,
            VisionPooling::AttentionHead => self.patches(),
        }
    }
}

/// The text tower.
#[derive(Clone, Debug, PartialEq)]
pub struct TextConfig {
    /// Rows of the token embedding.
    pub vocab_size: usize,
    /// Longest text in tokens, both ends included.
    pub context_length: usize,
    /// Which row is pooled, and with that what a row may look at.
    pub pooling: TextPooling,
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
    /// Its approximation ½x(1 + tanh(√(2/π)(x + 0.044715x³))): SigLIP's checkpoints.
    GeluTanh,
}

impl Activation {
    const ALL: [Self; 3] = [Self::QuickGelu, Self::Gelu, Self::GeluTanh];

    /// The name in `config.json`.
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
    /// Reads the configuration of a model folder: `config.json`, or `open_clip_config.json` where there is no other.
    ///
    /// # Errors
    /// When there is neither, one is damaged or asks for what is not supported, or both are there and disagree.
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
        let text = files::read(path, LONGEST_CONFIGURATION).map_err(ConfigError::Read)?;
        if let Some(what) = hugging_face::foreign(&text) {
            return Err(ConfigError::Foreign { path: path.to_owned(), what });
        }
        serde_json::from_slice(&text)
            .map_err(|source| ConfigError::Parse { path: path.to_owned(), reason: source.to_string() })
    }

    /// `config.json` as text.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }
}

/// A folder with both configurations is one model. The activation is where such files are known to disagree, and the
/// weights fit either (open_clip #771): nothing else would notice.
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

    /// A folder with both configurations of one model, whose activations are these.
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

    /// open_clip #771: such weights were published with a configuration that was another's, and fit either.
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
