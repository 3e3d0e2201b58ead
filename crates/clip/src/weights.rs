//! Lists every weight of a CLIP, with its name, shape, tower and random initialisation.

use crate::config::{ClipConfig, TransformerConfig, VisionPooling};
use crate::names;
use crate::ops::Bias;

/// The description of one weight.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightSpec {
    /// The name in `model.safetensors`.
    pub name: String,
    /// The shape, which is empty for a scalar.
    pub shape: Vec<usize>,
    /// The part of the model that the weight belongs to.
    pub part: Part,
    /// The kind of weight, which decides whether weight decay applies.
    pub role: Role,
    /// The number of layers between the weight and the output of its tower: 0 for the final norm, the projection and
    /// the temperature, 1 for the last block, and the number of blocks plus one for the embeddings.
    pub depth: usize,
    /// The distribution before training.
    pub init: Init,
}

impl WeightSpec {
    /// Returns the number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Checks whether the weight has no elements, which is never true for a valid configuration.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The part of the model a weight belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The vision tower without its projection.
    Vision,
    /// The vision tower's projection or, in a SigLIP, its pooling head.
    VisualProjection,
    /// The text tower without its projection.
    Text,
    /// The text tower's projection.
    TextProjection,
    /// The temperature and the bias of the logits: logit_scale and logit_bias.
    LogitScale,
}

impl Part {
    /// Returns the tower that the part belongs to, if it belongs to one.
    pub fn tower(self) -> Option<Tower> {
        match self {
            Self::Vision | Self::VisualProjection => Some(Tower::Vision),
            Self::Text | Self::TextProjection => Some(Tower::Text),
            Self::LogitScale => None,
        }
    }
}

/// One of the two towers, with its projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tower {
    /// The vision tower, which turns images into embeddings.
    Vision,
    /// The text tower, which turns texts into embeddings.
    Text,
}

/// The kind of a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A matrix that multiplies activations.
    Matrix,
    /// A table that is looked up or added: token embeddings, position embeddings or the class token.
    Embedding,
    /// A bias, or the gain of a norm.
    Vector,
    /// The weight logit_scale or logit_bias.
    Scale,
}

impl Role {
    /// Checks whether weight decay applies. Only matrices decay: shrinking a gain, a bias, an embedding or the
    /// temperature towards zero is a prior that nobody wants (the same rule as in open_clip's `optim.py`).
    pub fn decays(self) -> bool {
        self == Self::Matrix
    }
}

/// The distribution of a weight before training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// A normal distribution with mean 0 and this standard deviation.
    Normal(f64),
    /// The same value for all elements.
    Constant(f64),
}

/// Returns the tower whose inputs all pass through this weight, either by multiplication or by lookup. If such a weight
/// is zero everywhere, no information about an image or a text reaches its embedding.
pub(crate) fn passage(weight: &str) -> Option<Tower> {
    let module = weight.strip_suffix(".weight")?;
    match module {
        names::TOKEN_EMBEDDING | names::TEXT_FINAL_NORM | names::TEXT_PROJECTION | names::TEXT_HEAD => {
            Some(Tower::Text)
        }
        names::PATCH_EMBEDDING
        | names::VISION_PRE_NORM
        | names::VISION_POST_NORM
        | names::VISUAL_PROJECTION
        | names::POOLING_ATTENTION_OUT => Some(Tower::Vision),
        _ => None,
    }
}

/// Lists all weights, in the order in which they are written.
///
/// The initial distributions are those of OpenAI's `CLIP.initialize_parameters` for both towers. The standard deviation
/// is width^-½ for attention inputs, width^-½·(2·layers)^-½ for outputs into the residual stream, and (2·width)^-½ for
/// the first layer of the MLP.
pub fn weights(config: &ClipConfig) -> Vec<WeightSpec> {
    let mut list = List { weights: Vec::new(), depth: 0 };
    temperature(&mut list, config);
    text(&mut list, config);
    vision(&mut list, config);
    list.weights
}

fn temperature(list: &mut List, config: &ClipConfig) {
    let traits = config.family.traits();
    list.scalar(names::LOGIT_SCALE, traits.scalar_shape, config.logit_scale_init);
    if let Some(bias) = traits.logit_bias {
        list.scalar(names::LOGIT_BIAS, traits.scalar_shape, bias);
    }
}

fn text(list: &mut List, config: &ClipConfig) {
    let (text, blocks) = (&config.text, &config.text.transformer);
    list.depth = blocks.layers + 1;
    let tokens = [text.vocab_size, blocks.width];
    list.embedding(Part::Text, &names::weight(names::TOKEN_EMBEDDING), &tokens, 0.02);
    let positions = [text.context_length, blocks.width];
    list.embedding(Part::Text, &names::weight(names::TEXT_POSITIONS), &positions, 0.01);
    transformer(list, Part::Text, names::TEXT_TOWER, blocks);
    list.norm(Part::Text, names::TEXT_FINAL_NORM, blocks.width);
    let (outputs, std) = (config.projection_dim, inverse_root(blocks.width));
    let projection = &config.family.traits().text_projection;
    match projection.bias {
        Bias::Without => list.matrix(Part::TextProjection, projection.module, &[outputs, blocks.width], std),
        Bias::With => list.linear(Part::TextProjection, projection.module, outputs, blocks.width, std),
    }
}

fn vision(list: &mut List, config: &ClipConfig) {
    let (vision, blocks) = (&config.vision, &config.vision.transformer);
    let scale = inverse_root(blocks.width);
    let of_clip = vision.pooling == VisionPooling::ClassToken;
    list.depth = blocks.layers + 1;
    if of_clip {
        list.embedding(Part::Vision, names::CLASS_EMBEDDING, &[blocks.width], scale);
    }
    let patch = [blocks.width, 3, vision.patch_size, vision.patch_size];
    list.matrix(Part::Vision, names::PATCH_EMBEDDING, &patch, inverse_root(3 * vision.patch_size.pow(2)));
    if !of_clip {
        list.vector(Part::Vision, names::bias(names::PATCH_EMBEDDING), blocks.width);
    }
    let positions = [vision.positions(), blocks.width];
    list.embedding(Part::Vision, &names::weight(names::VISION_POSITIONS), &positions, scale);
    if of_clip {
        list.norm(Part::Vision, names::VISION_PRE_NORM, blocks.width);
    }
    transformer(list, Part::Vision, names::VISION_TOWER, blocks);
    list.norm(Part::Vision, names::VISION_POST_NORM, blocks.width);
    match vision.pooling {
        VisionPooling::ClassToken => {
            let shape = [config.projection_dim, blocks.width];
            list.matrix(Part::VisualProjection, names::VISUAL_PROJECTION, &shape, scale);
        }
        VisionPooling::AttentionHead => attention_head(list, blocks),
    }
}

/// Lists the weights of SigLIP's pooling head. No projection follows it, so the head is what `tune: projections`
/// trains.
fn attention_head(list: &mut List, config: &TransformerConfig) {
    let (part, width, std) = (Part::VisualProjection, config.width, inverse_root(config.width));
    list.embedding(part, names::PROBE, &[1, 1, width], std);
    let packed = names::packed_weight(names::POOLING_ATTENTION);
    list.push(packed, &[3 * width, width], part, Role::Matrix, Init::Normal(std));
    list.vector(part, names::packed_bias(names::POOLING_ATTENTION), 3 * width);
    list.linear(part, names::POOLING_ATTENTION_OUT, width, width, std);
    list.norm(part, names::POOLING_NORM, width);
    let module = |name| names::below(names::POOLING_HEAD, name);
    list.linear(part, &module(names::MLP_IN), config.mlp_width, width, inverse_root(2 * width));
    list.linear(part, &module(names::MLP_OUT), width, config.mlp_width, inverse_root(config.mlp_width));
}

fn transformer(list: &mut List, part: Part, tower: &str, config: &TransformerConfig) {
    let (width, inner) = (config.width, config.mlp_width);
    let into_residual = inverse_root(width) * inverse_root(2 * config.layers);
    for index in 0..config.layers {
        list.depth = config.layers - index;
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
    list.depth = 0;
}

fn inverse_root(n: usize) -> f64 {
    (n.max(1) as f64).sqrt().recip()
}

/// A list of weights that is being collected.
struct List {
    weights: Vec<WeightSpec>,
    /// The depth of the weights that are added next.
    depth: usize,
}

impl List {
    fn push(&mut self, name: String, shape: &[usize], part: Part, role: Role, init: Init) {
        self.weights.push(WeightSpec { name, shape: shape.to_vec(), part, role, depth: self.depth, init });
    }

    fn scalar(&mut self, name: &str, shape: &[usize], value: f64) {
        self.push(name.to_owned(), shape, Part::LogitScale, Role::Scale, Init::Constant(value));
    }

    fn vector(&mut self, part: Part, name: String, length: usize) {
        self.push(name, &[length], part, Role::Vector, Init::Constant(0.0));
    }

    fn embedding(&mut self, part: Part, name: &str, shape: &[usize], std: f64) {
        self.push(name.to_owned(), shape, part, Role::Embedding, Init::Normal(std));
    }

    fn matrix(&mut self, part: Part, module: &str, shape: &[usize], std: f64) {
        self.push(names::weight(module), shape, part, Role::Matrix, Init::Normal(std));
    }

    fn linear(&mut self, part: Part, module: &str, outputs: usize, inputs: usize, std: f64) {
        self.matrix(part, module, &[outputs, inputs], std);
        self.vector(part, names::bias(module), outputs);
    }

    fn norm(&mut self, part: Part, module: &str, width: usize) {
        self.push(names::weight(module), &[width], part, Role::Vector, Init::Constant(1.0));
        self.vector(part, names::bias(module), width);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> ClipConfig {
        serde_json::from_str(text).unwrap()
    }

    fn elements(text: &str) -> usize {
        weights(&config(text)).iter().map(WeightSpec::len).sum()
    }

    /// ```python
    /// sum(p.numel() for p in transformers.CLIPModel(transformers.CLIPConfig()).parameters())  # ViT-B/32
    /// sum(p.numel() for p in transformers.SiglipModel(transformers.SiglipConfig()).parameters())  # B/16
    /// ```
    #[test]
    fn models_have_the_published_number_of_parameters() {
        assert_eq!(elements(r#"{"model_type": "clip"}"#), 151_277_313);
        assert_eq!(elements(r#"{"model_type": "siglip"}"#), 203_155_970);
    }

    #[test]
    fn depth_counts_the_layers_from_the_output() {
        for family in ["clip", "siglip"] {
            let list = weights(&config(&format!(r#"{{"model_type": "{family}"}}"#)));
            let depth = |end: &str| list.iter().find(|spec| spec.name.ends_with(end)).unwrap().depth;
            assert_eq!(depth("text_model.final_layer_norm.bias"), 0);
            assert_eq!(depth("text_model.encoder.layers.11.layer_norm2.bias"), 1);
            assert_eq!(depth("vision_model.encoder.layers.0.mlp.fc1.weight"), 12);
            assert_eq!(depth("vision_model.embeddings.patch_embedding.weight"), 13);
            assert_eq!(depth("logit_scale"), 0);
            assert!(list.iter().all(|spec| (spec.part == Part::LogitScale) <= (spec.depth == 0)));
        }
    }

    #[test]
    fn names_are_unique() {
        for family in ["clip", "siglip"] {
            let list = weights(&config(&format!(r#"{{"model_type": "{family}"}}"#)));
            let mut names: Vec<_> = list.iter().map(|spec| &spec.name).collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), list.len());
        }
    }
}
