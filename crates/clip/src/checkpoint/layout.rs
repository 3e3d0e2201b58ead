//! Describes how the libraries name and shape the weights of a model.

use super::open_clip;
use crate::config::{ClipConfig, Family};
use crate::weights::{WeightSpec, weights};

/// The naming scheme and the tensor shapes of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// The layout of transformers' `CLIPModel` and `SiglipModel`, which cliptune also writes.
    HuggingFace,
    /// The layout of open_clip's `CLIP`, which is OpenAI's: attention inputs are packed, and projections multiply from
    /// the right.
    OpenClip,
    /// The layout of open_clip's `CustomTextCLIP`, which puts `text.` before the names of the text tower.
    OpenClipCustomText,
    /// The layout of open_clip's SigLIP: a `CustomTextCLIP` whose vision tower comes from timm.
    OpenClipSiglip,
}

/// A tensor that a file of some layout contains.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The name of the tensor.
    pub name: String,
    /// The shape of the tensor.
    pub shape: Vec<usize>,
    /// The weights that the tensor holds.
    pub fills: Fills,
}

impl Tensor {
    /// Returns the number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// How a tensor in a file holds weights.
#[derive(Clone, Debug, PartialEq)]
pub enum Fills {
    /// The tensor is one weight, in the same order; its shape may have one more or one fewer axis of length 1.
    Whole(String),
    /// The tensor is one weight with its two axes exchanged.
    Transposed(String),
    /// The rows of the tensor are these three weights, one after the other, with the same number of rows each.
    Stacked([String; 3]),
    /// The tensor is some of the rows of a weight; other tensors hold the remaining rows.
    Rows {
        /// The name of the weight.
        weight: String,
        /// The index of the first row of the weight that the tensor holds.
        first: usize,
    },
}

impl Fills {
    /// Returns the names of the weights that the tensor holds.
    pub fn weights(&self) -> &[String] {
        match self {
            Self::Whole(weight) | Self::Transposed(weight) | Self::Rows { weight, .. } => {
                std::slice::from_ref(weight)
            }
            Self::Stacked(weights) => weights,
        }
    }
}

/// The name of the text tower's first weight in each layout.
pub(super) const TEXT_NAMES: [&str; 3] =
    ["text_model.embeddings.token_embedding.weight", "text.token_embedding.weight", "token_embedding.weight"];
/// The name of the vision tower's first weight in each layout.
pub(super) const VISION_NAMES: [&str; 3] = [
    "vision_model.embeddings.patch_embedding.weight",
    "visual.trunk.patch_embed.proj.weight",
    "visual.conv1.weight",
];

impl Layout {
    /// Recognises a layout by the tensor names that are present.
    pub(super) fn of(has: impl Fn(&str) -> bool) -> Option<Self> {
        // A tower need not be complete: an error about the missing weight is more helpful than one about an unknown
        // layout.
        let [text, custom_text, open_clip_text] = TEXT_NAMES.map(&has);
        let [vision, timm, open_clip_vision] = VISION_NAMES.map(&has);
        if text || vision {
            Some(Self::HuggingFace)
        } else if timm {
            Some(Self::OpenClipSiglip)
        } else if custom_text {
            Some(Self::OpenClipCustomText)
        } else if open_clip_text || open_clip_vision {
            Some(Self::OpenClip)
        } else {
            None
        }
    }

    /// Returns the layout in which open_clip stores models of a family.
    pub fn of_open_clip(family: Family) -> Self {
        family.traits().open_clip_layout
    }

    /// Checks whether models of a family can have this layout.
    pub(super) fn fits(self, family: Family) -> bool {
        family.traits().layouts.contains(&self)
    }

    /// Lists every tensor that a file of this layout has for a configuration.
    pub fn tensors(self, config: &ClipConfig) -> Vec<Tensor> {
        match self {
            Self::HuggingFace => weights(config).into_iter().map(whole).collect(),
            Self::OpenClip => open_clip::clip(config, ""),
            Self::OpenClipCustomText => open_clip::clip(config, open_clip::CUSTOM_TEXT),
            Self::OpenClipSiglip => open_clip::siglip(config),
        }
    }
}

/// Checks whether a name is that of a constant that older versions saved along with the weights.
pub(super) fn is_buffer(name: &str) -> bool {
    name.ends_with(".position_ids") || name == "attn_mask" || name.ends_with(".attn_mask")
}

fn whole(spec: WeightSpec) -> Tensor {
    Tensor { name: spec.name.clone(), shape: spec.shape, fills: Fills::Whole(spec.name) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn config(family: Family) -> ClipConfig {
        serde_json::from_str(&format!(r#"{{"model_type": "{}"}}"#, family.as_str())).unwrap()
    }

    /// Returns the weights that a layout's tensors hold, with the number of elements of each.
    fn filled(layout: Layout, family: Family) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        for tensor in layout.tensors(&config(family)) {
            let weights = tensor.fills.weights();
            for weight in weights {
                *found.entry(weight.clone()).or_default() += tensor.elements() / weights.len();
            }
        }
        found
    }

    #[test]
    fn every_layout_fills_every_weight_with_all_of_its_elements() {
        let clip = filled(Layout::HuggingFace, Family::Clip);
        assert_eq!(clip.values().sum::<usize>(), 151_277_313);
        assert_eq!(filled(Layout::OpenClip, Family::Clip), clip);
        assert_eq!(filled(Layout::OpenClipCustomText, Family::Clip), clip);
        let siglip = filled(Layout::HuggingFace, Family::Siglip);
        assert_eq!(siglip.values().sum::<usize>(), 203_155_970);
        assert_eq!(filled(Layout::OpenClipSiglip, Family::Siglip), siglip);
    }
}
