//! Every weight of a CLIP: its name, shape, tower, and how it starts from random.

use crate::config::{ClipConfig, TransformerConfig};
use crate::names;

/// One weight.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightSpec {
    /// Its name in `model.safetensors`.
    pub name: String,
    /// Its shape; empty for a scalar.
    pub shape: Vec<usize>,
    /// The part of the model it belongs to.
    pub part: Part,
    /// What it is, which decides whether it decays.
    pub role: Role,
    /// Its distribution before training.
    pub init: Init,
}

impl WeightSpec {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no elements; never true for a valid configuration.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The part of the model a weight belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The vision tower without its projection.
    Vision,
    /// The vision tower's projection.
    VisualProjection,
    /// The text tower without its projection.
    Text,
    /// The text tower's projection.
    TextProjection,
    /// logit_scale.
    LogitScale,
}

/// What a weight is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A matrix that multiplies activations.
    Matrix,
    /// A table that is looked up or added: tokens, positions, the class token.
    Embedding,
    /// A bias, or the gain of a norm.
    Vector,
    /// logit_scale.
    Scale,
}

impl Role {
    /// Whether weight decay applies. Only matrices decay: shrinking a gain, a bias, an embedding or the
    /// temperature towards zero is a prior nobody wants (the rule of open_clip's `optim.py`).
    pub fn decays(self) -> bool {
        self == Self::Matrix
    }
}

/// The distribution of a weight before training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Normal with mean 0 and this standard deviation.
    Normal(f64),
    /// All elements have this value.
    Constant(f64),
}

/// All weights, in the order they are written.
///
/// Initial distributions are those of OpenAI's `CLIP.initialize_parameters` for both towers: attention inputs
/// width^-½, outputs into the residual stream width^-½·(2·layers)^-½, the MLP's first layer (2·width)^-½.
pub fn weights(config: &ClipConfig) -> Vec<WeightSpec> {
    let mut list = List(Vec::new());
    list.scalar(names::LOGIT_SCALE, config.logit_scale_init);
    text(&mut list, config);
    vision(&mut list, config);
    list.0
}

fn text(list: &mut List, config: &ClipConfig) {
    let (text, blocks) = (&config.text, &config.text.transformer);
    list.embedding(
        Part::Text,
        &names::weight(names::TOKEN_EMBEDDING),
        &[text.vocab_size, blocks.width],
        0.02,
    );
    list.embedding(
        Part::Text,
        &names::weight(names::TEXT_POSITIONS),
        &[text.context_length, blocks.width],
        0.01,
    );
    transformer(list, Part::Text, names::TEXT_TOWER, blocks);
    list.norm(Part::Text, names::TEXT_FINAL_NORM, blocks.width);
    let shape = [config.projection_dim, blocks.width];
    list.matrix(Part::TextProjection, names::TEXT_PROJECTION, &shape, inverse_root(blocks.width));
}

fn vision(list: &mut List, config: &ClipConfig) {
    let (vision, blocks) = (&config.vision, &config.vision.transformer);
    let scale = inverse_root(blocks.width);
    list.embedding(Part::Vision, names::CLASS_EMBEDDING, &[blocks.width], scale);
    let patch = [blocks.width, 3, vision.patch_size, vision.patch_size];
    list.matrix(Part::Vision, names::PATCH_EMBEDDING, &patch, inverse_root(3 * vision.patch_size.pow(2)));
    let positions = [vision.positions(), blocks.width];
    list.embedding(Part::Vision, &names::weight(names::VISION_POSITIONS), &positions, scale);
    list.norm(Part::Vision, names::VISION_PRE_NORM, blocks.width);
    transformer(list, Part::Vision, names::VISION_TOWER, blocks);
    list.norm(Part::Vision, names::VISION_POST_NORM, blocks.width);
    list.matrix(
        Part::VisualProjection,
        names::VISUAL_PROJECTION,
        &[config.projection_dim, blocks.width],
        scale,
    );
}

fn transformer(list: &mut List, part: Part, tower: &str, config: &TransformerConfig) {
    let (width, inner) = (config.width, config.mlp_width);
    let into_residual = inverse_root(width) * inverse_root(2 * config.layers);
    for index in 0..config.layers {
        let layer = names::layer(tower, index);
        let module = |name| names::below(&layer, name);
        for input in names::QKV {
            list.linear(part, &module(input), width, width, inverse_root(width));
        }
        list.linear(part, &module(names::ATTENTION_OUT), width, width, into_residual);
        list.norm(part, &module(names::NORM_1), width);
        list.linear(part, &module(names::MLP_IN), inner, width, inverse_root(2 * width));
        list.linear(part, &module(names::MLP_OUT), width, inner, into_residual);
        list.norm(part, &module(names::NORM_2), width);
    }
}

fn inverse_root(n: usize) -> f64 {
    (n.max(1) as f64).sqrt().recip()
}

struct List(Vec<WeightSpec>);

impl List {
    fn push(&mut self, name: String, shape: &[usize], part: Part, role: Role, init: Init) {
        self.0.push(WeightSpec { name, shape: shape.to_vec(), part, role, init });
    }

    fn scalar(&mut self, name: &str, value: f64) {
        self.push(name.to_owned(), &[], Part::LogitScale, Role::Scale, Init::Constant(value));
    }

    fn embedding(&mut self, part: Part, name: &str, shape: &[usize], std: f64) {
        self.push(name.to_owned(), shape, part, Role::Embedding, Init::Normal(std));
    }

    fn matrix(&mut self, part: Part, module: &str, shape: &[usize], std: f64) {
        self.push(names::weight(module), shape, part, Role::Matrix, Init::Normal(std));
    }

    fn linear(&mut self, part: Part, module: &str, outputs: usize, inputs: usize, std: f64) {
        self.matrix(part, module, &[outputs, inputs], std);
        self.push(names::bias(module), &[outputs], part, Role::Vector, Init::Constant(0.0));
    }

    fn norm(&mut self, part: Part, module: &str, width: usize) {
        self.push(names::weight(module), &[width], part, Role::Vector, Init::Constant(1.0));
        self.push(names::bias(module), &[width], part, Role::Vector, Init::Constant(0.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Activation, EndOfText, TextConfig, VisionConfig};

    fn blocks(width: usize, heads: usize) -> TransformerConfig {
        TransformerConfig {
            width,
            layers: 12,
            heads,
            mlp_width: 4 * width,
            activation: Activation::QuickGelu,
            layer_norm_eps: 1e-5,
        }
    }

    #[test]
    fn vit_b32_has_the_published_number_of_parameters() {
        let config = ClipConfig {
            vision: VisionConfig { image_size: 224, patch_size: 32, transformer: blocks(768, 12) },
            text: TextConfig {
                vocab_size: 49408,
                context_length: 77,
                end_of_text: EndOfText::HighestId,
                transformer: blocks(512, 8),
            },
            projection_dim: 512,
            logit_scale_init: 2.6592,
        };
        // sum(p.numel() for p in transformers.CLIPModel(CLIPConfig()).parameters()), the default being ViT-B/32.
        assert_eq!(weights(&config).iter().map(WeightSpec::len).sum::<usize>(), 151_277_313);
    }

    #[test]
    fn names_are_unique() {
        let config = ClipConfig {
            vision: VisionConfig { image_size: 8, patch_size: 4, transformer: blocks(8, 2) },
            text: TextConfig {
                vocab_size: 514,
                context_length: 8,
                end_of_text: EndOfText::First(513),
                transformer: blocks(4, 1),
            },
            projection_dim: 4,
            logit_scale_init: 0.0,
        };
        let list = weights(&config);
        let mut names: Vec<_> = list.iter().map(|spec| &spec.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), list.len());
    }
}
