//! How libraries name and shape the weights of one model.

use crate::config::{ClipConfig, TransformerConfig};
use crate::names;
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

/// How a tensor of a file holds weights.
#[derive(Clone, Debug, PartialEq)]
pub enum Fills {
    /// It is the weight.
    Whole(String),
    /// It is the weight with its two axes exchanged.
    Transposed(String),
    /// Its rows are these weights, one after the other, each with as many.
    Stacked([String; 3]),
}

impl Layout {
    /// Recognises a layout by the names it has.
    pub(super) fn of(has: impl Fn(&str) -> bool) -> Option<Self> {
        // Neither tower has to be complete: what is missing is a better message than an unknown layout.
        let of_hugging_face = has("text_model.embeddings.token_embedding.weight")
            || has("vision_model.embeddings.patch_embedding.weight");
        if of_hugging_face {
            Some(Self::HuggingFace)
        } else if has("text.token_embedding.weight") {
            Some(Self::OpenClipCustomText)
        } else if has("token_embedding.weight") || has("visual.conv1.weight") {
            Some(Self::OpenClip)
        } else {
            None
        }
    }

    /// Every tensor that a file of this layout has for a configuration.
    pub fn tensors(self, config: &ClipConfig) -> Vec<Tensor> {
        match self {
            Self::HuggingFace => weights(config).into_iter().map(whole).collect(),
            Self::OpenClip => open_clip(config, ""),
            Self::OpenClipCustomText => open_clip(config, "text."),
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

fn open_clip(config: &ClipConfig, text: &str) -> Vec<Tensor> {
    let (text_blocks, vision_blocks) = (&config.text.transformer, &config.vision.transformer);
    let (text_width, vision_width) = (text_blocks.width, vision_blocks.width);
    let mut list = List(Vec::new());
    list.whole("logit_scale", names::LOGIT_SCALE.to_owned(), &[]);
    let of_text = |name: &str| format!("{text}{name}");
    let context = [config.text.context_length, text_width];
    list.whole(&of_text("positional_embedding"), names::weight(names::TEXT_POSITIONS), &context);
    list.projection(&of_text("text_projection"), names::TEXT_PROJECTION, [text_width, config.projection_dim]);
    let tokens = [config.text.vocab_size, text_width];
    list.whole(&of_text("token_embedding.weight"), names::weight(names::TOKEN_EMBEDDING), &tokens);
    list.blocks(&of_text("transformer"), names::TEXT_TOWER, text_blocks);
    list.norm(&of_text("ln_final"), names::TEXT_FINAL_NORM, text_width);

    list.whole("visual.class_embedding", names::CLASS_EMBEDDING.to_owned(), &[vision_width]);
    let positions = [config.vision.positions(), vision_width];
    list.whole("visual.positional_embedding", names::weight(names::VISION_POSITIONS), &positions);
    list.projection("visual.proj", names::VISUAL_PROJECTION, [vision_width, config.projection_dim]);
    let patch = [vision_width, 3, config.vision.patch_size, config.vision.patch_size];
    list.whole("visual.conv1.weight", names::weight(names::PATCH_EMBEDDING), &patch);
    list.norm("visual.ln_pre", names::VISION_PRE_NORM, vision_width);
    list.blocks("visual.transformer", names::VISION_TOWER, vision_blocks);
    list.norm("visual.ln_post", names::VISION_POST_NORM, vision_width);
    list.0
}

struct List(Vec<Tensor>);

impl List {
    fn whole(&mut self, name: &str, weight: String, shape: &[usize]) {
        self.0.push(Tensor { name: name.to_owned(), shape: shape.to_vec(), fills: Fills::Whole(weight) });
    }

    /// open_clip multiplies from the right: `[inputs, outputs]`.
    fn projection(&mut self, name: &str, module: &str, shape: [usize; 2]) {
        let fills = Fills::Transposed(names::weight(module));
        self.0.push(Tensor { name: name.to_owned(), shape: shape.to_vec(), fills });
    }

    fn linear(&mut self, name: &str, module: &str, outputs: usize, inputs: usize) {
        self.whole(&format!("{name}.weight"), names::weight(module), &[outputs, inputs]);
        self.whole(&format!("{name}.bias"), names::bias(module), &[outputs]);
    }

    fn norm(&mut self, name: &str, module: &str, width: usize) {
        self.whole(&format!("{name}.weight"), names::weight(module), &[width]);
        self.whole(&format!("{name}.bias"), names::bias(module), &[width]);
    }

    fn blocks(&mut self, name: &str, tower: &str, config: &TransformerConfig) {
        let width = config.width;
        for index in 0..config.layers {
            let (block, layer) = (format!("{name}.resblocks.{index}"), names::layer(tower, index));
            let module = |part: &str| names::below(&layer, part);
            let [weights, biases] =
                [names::weight, names::bias].map(|kind| names::QKV.map(|part| kind(&module(part))));
            self.stacked(&format!("{block}.attn.in_proj_weight"), weights, &[3 * width, width]);
            self.stacked(&format!("{block}.attn.in_proj_bias"), biases, &[3 * width]);
            self.linear(&format!("{block}.attn.out_proj"), &module(names::ATTENTION_OUT), width, width);
            self.norm(&format!("{block}.ln_1"), &module(names::NORM_1), width);
            self.norm(&format!("{block}.ln_2"), &module(names::NORM_2), width);
            self.linear(&format!("{block}.mlp.c_fc"), &module(names::MLP_IN), config.mlp_width, width);
            self.linear(&format!("{block}.mlp.c_proj"), &module(names::MLP_OUT), width, config.mlp_width);
        }
    }

    fn stacked(&mut self, name: &str, weights: [String; 3], shape: &[usize]) {
        let fills = Fills::Stacked(weights);
        self.0.push(Tensor { name: name.to_owned(), shape: shape.to_vec(), fills });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn filled(layout: Layout) -> (BTreeSet<String>, usize) {
        let config: ClipConfig = serde_json::from_str(r#"{"model_type": "clip"}"#).unwrap();
        let tensors = layout.tensors(&config);
        let elements = tensors.iter().map(|tensor| tensor.shape.iter().product::<usize>()).sum();
        let names = tensors.into_iter().flat_map(|tensor| match tensor.fills {
            Fills::Whole(name) | Fills::Transposed(name) => vec![name],
            Fills::Stacked(names) => names.to_vec(),
        });
        (names.collect(), elements)
    }

    #[test]
    fn every_layout_fills_every_weight_with_the_same_number_of_elements() {
        let expected = filled(Layout::HuggingFace);
        assert_eq!(expected.1, 151_277_313);
        assert_eq!(filled(Layout::OpenClip), expected);
        assert_eq!(filled(Layout::OpenClipCustomText), expected);
    }
}
