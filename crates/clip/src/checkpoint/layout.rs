//! How libraries name and shape the weights of one model.

use super::open_clip;
use crate::config::{ClipConfig, Family};
use crate::weights::{WeightSpec, weights};

/// The names and shapes of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// transformers' `CLIPModel` and `SiglipModel`; also what cliptune writes.
    HuggingFace,
    /// open_clip's `CLIP`, which is OpenAI's: packed attention inputs, projections that multiply from the right.
    OpenClip,
    /// open_clip's `CustomTextCLIP`: the same with `text.` before the text tower's names.
    OpenClipCustomText,
    /// open_clip's SigLIP: a `CustomTextCLIP` whose vision tower is timm's.
    OpenClipSiglip,
}

/// A tensor of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The weights it holds.
    pub fills: Fills,
}

impl Tensor {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// How a tensor of a file holds weights.
#[derive(Clone, Debug, PartialEq)]
pub enum Fills {
    /// It is the weight, in the same order; its shape may have an axis of length 1 more or less.
    Whole(String),
    /// It is the weight with its two axes exchanged.
    Transposed(String),
    /// Its rows are these weights, one after the other, each with as many.
    Stacked([String; 3]),
    /// It is some of the weight's rows; other tensors are the rest.
    Rows {
        /// The weight.
        weight: String,
        /// The first of its rows that the tensor holds.
        first: usize,
    },
}

impl Fills {
    /// The names of the weights.
    pub fn weights(&self) -> &[String] {
        match self {
            Self::Whole(weight) | Self::Transposed(weight) | Self::Rows { weight, .. } => {
                std::slice::from_ref(weight)
            }
            Self::Stacked(weights) => weights,
        }
    }
}

/// The names of a text tower's first weight, in every layout.
pub(super) const TEXT_NAMES: [&str; 3] =
    ["text_model.embeddings.token_embedding.weight", "text.token_embedding.weight", "token_embedding.weight"];
/// The names of an image tower's first weight, in every layout.
pub(super) const VISION_NAMES: [&str; 3] = [
    "vision_model.embeddings.patch_embedding.weight",
    "visual.trunk.patch_embed.proj.weight",
    "visual.conv1.weight",
];

impl Layout {
    /// Recognises a layout by the names it has.
    pub(super) fn of(has: impl Fn(&str) -> bool) -> Option<Self> {
        // Neither tower has to be complete: what is missing is a better message than an unknown layout.
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

    /// The layout in which open_clip has models of a family.
    pub fn of_open_clip(family: Family) -> Self {
        family.traits().open_clip_layout
    }

    /// Whether models of a family can have this layout.
    pub(super) fn fits(self, family: Family) -> bool {
        family.traits().layouts.contains(&self)
    }

    /// Every tensor that a file of this layout has for a configuration.
    pub fn tensors(self, config: &ClipConfig) -> Vec<Tensor> {
        match self {
            Self::HuggingFace => weights(config).into_iter().map(whole).collect(),
            Self::OpenClip => open_clip::clip(config, ""),
            Self::OpenClipCustomText => open_clip::clip(config, open_clip::CUSTOM_TEXT),
            Self::OpenClipSiglip => open_clip::siglip(config),
        }
    }
}

/// Constants that older versions saved with the weights.
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

    /// The weights that a layout's tensors hold, with the number of elements of each.
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
