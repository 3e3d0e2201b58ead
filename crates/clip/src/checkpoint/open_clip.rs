//! Lists the tensors of open_clip's models.

use super::layout::{Fills, Tensor};
use crate::config::{ClipConfig, TransformerConfig};
use crate::names;

/// The prefix of the text tower's names in a `CustomTextCLIP`.
pub(super) const CUSTOM_TEXT: &str = "text.";

/// The names of the modules of a block.
struct Block {
    /// The name of the list of blocks, below the tower.
    list: &'static str,
    /// The names of the weight and the bias that combine query, key and value.
    packed: [&'static str; 2],
    attention_out: &'static str,
    norms: [&'static str; 2],
    mlp: [&'static str; 2],
}

/// The names in OpenAI's blocks.
const OWN: Block = Block {
    list: "resblocks",
    packed: ["attn.in_proj_weight", "attn.in_proj_bias"],
    attention_out: "attn.out_proj",
    norms: ["ln_1", "ln_2"],
    mlp: ["mlp.c_fc", "mlp.c_proj"],
};

/// The names in timm's blocks.
const TIMM: Block = Block {
    list: "blocks",
    packed: ["attn.qkv.weight", "attn.qkv.bias"],
    attention_out: "attn.proj",
    norms: ["norm1", "norm2"],
    mlp: ["mlp.fc1", "mlp.fc2"],
};

/// Lists the tensors of a `CLIP` or, if the text tower has a prefix, of a `CustomTextCLIP`.
pub(super) fn clip(config: &ClipConfig, prefix: &str) -> Vec<Tensor> {
    let mut list = List(Vec::new());
    list.number(names::LOGIT_SCALE);
    list.text(config, prefix);
    let shape = [config.text.transformer.width, config.projection_dim];
    list.projection(&format!("{prefix}text_projection"), names::TEXT_PROJECTION, shape);

    let (vision, width) = (&config.vision, config.vision.transformer.width);
    list.whole("visual.class_embedding", names::CLASS_EMBEDDING.to_owned(), &[width]);
    let positions = [vision.positions(), width];
    list.whole("visual.positional_embedding", names::weight(names::VISION_POSITIONS), &positions);
    list.projection("visual.proj", names::VISUAL_PROJECTION, [width, config.projection_dim]);
    let patch = [width, 3, vision.patch_size, vision.patch_size];
    list.whole("visual.conv1.weight", names::weight(names::PATCH_EMBEDDING), &patch);
    list.norm("visual.ln_pre", names::VISION_PRE_NORM, width);
    list.blocks(&OWN, "visual.transformer", names::VISION_TOWER, &vision.transformer);
    list.norm("visual.ln_post", names::VISION_POST_NORM, width);
    list.0
}

/// Lists the tensors of a `CustomTextCLIP` whose text projection has a bias and whose vision tower is timm's
/// `VisionTransformer` with attention pooling.
pub(super) fn siglip(config: &ClipConfig) -> Vec<Tensor> {
    let mut list = List(Vec::new());
    list.number(names::LOGIT_SCALE);
    list.number(names::LOGIT_BIAS);
    list.text(config, CUSTOM_TEXT);
    let (outputs, inputs) = (config.projection_dim, config.text.transformer.width);
    list.linear("text.text_projection", names::TEXT_HEAD, outputs, inputs);

    let (vision, width) = (&config.vision, config.vision.transformer.width);
    let positions = [1, vision.positions(), width];
    list.whole("visual.trunk.pos_embed", names::weight(names::VISION_POSITIONS), &positions);
    let patch = [width, 3, vision.patch_size, vision.patch_size];
    let patches = "visual.trunk.patch_embed.proj";
    list.whole(&names::weight(patches), names::weight(names::PATCH_EMBEDDING), &patch);
    list.whole(&names::bias(patches), names::bias(names::PATCH_EMBEDDING), &[width]);
    list.blocks(&TIMM, "visual.trunk", names::VISION_TOWER, &vision.transformer);
    list.norm("visual.trunk.norm", names::VISION_POST_NORM, width);
    list.pooling("visual.trunk.attn_pool", &vision.transformer);
    list.0
}

struct List(Vec<Tensor>);

impl List {
    fn push(&mut self, name: &str, shape: &[usize], fills: Fills) {
        self.0.push(Tensor { name: name.to_owned(), shape: shape.to_vec(), fills });
    }

    fn whole(&mut self, name: &str, weight: String, shape: &[usize]) {
        self.push(name, shape, Fills::Whole(weight));
    }

    /// Adds a scalar, which has the same name in every layout.
    fn number(&mut self, name: &str) {
        self.whole(name, name.to_owned(), &[]);
    }

    /// Adds a projection as `[inputs, outputs]`, because open_clip multiplies from the right.
    fn projection(&mut self, name: &str, module: &str, shape: [usize; 2]) {
        self.push(name, &shape, Fills::Transposed(names::weight(module)));
    }

    fn linear(&mut self, name: &str, module: &str, outputs: usize, inputs: usize) {
        self.whole(&names::weight(name), names::weight(module), &[outputs, inputs]);
        self.whole(&names::bias(name), names::bias(module), &[outputs]);
    }

    fn norm(&mut self, name: &str, module: &str, width: usize) {
        self.whole(&names::weight(name), names::weight(module), &[width]);
        self.whole(&names::bias(name), names::bias(module), &[width]);
    }

    /// Adds the text tower up to its last norm.
    fn text(&mut self, config: &ClipConfig, prefix: &str) {
        let (text, width) = (&config.text, config.text.transformer.width);
        let of_text = |name: &str| format!("{prefix}{name}");
        let context = [text.context_length, width];
        self.whole(&of_text("positional_embedding"), names::weight(names::TEXT_POSITIONS), &context);
        let tokens = [text.vocab_size, width];
        self.whole(&of_text("token_embedding.weight"), names::weight(names::TOKEN_EMBEDDING), &tokens);
        self.blocks(&OWN, &of_text("transformer"), names::TEXT_TOWER, &text.transformer);
        self.norm(&of_text("ln_final"), names::TEXT_FINAL_NORM, width);
    }

    fn blocks(&mut self, of: &Block, name: &str, tower: &str, config: &TransformerConfig) {
        let (width, inner) = (config.width, config.mlp_width);
        for index in 0..config.layers {
            let (block, layer) = (format!("{name}.{}.{index}", of.list), names::layer(tower, index));
            let own = |part: &str| names::below(&block, part);
            let module = |part: &str| names::below(&layer, part);
            let [weights, biases] =
                [names::weight, names::bias].map(|kind| names::QKV.map(|part| kind(&module(part))));
            self.push(&own(of.packed[0]), &[3 * width, width], Fills::Stacked(weights));
            self.push(&own(of.packed[1]), &[3 * width], Fills::Stacked(biases));
            self.linear(&own(of.attention_out), &module(names::ATTENTION_OUT), width, width);
            self.norm(&own(of.norms[0]), &module(names::NORM_1), width);
            self.norm(&own(of.norms[1]), &module(names::NORM_2), width);
            self.linear(&own(of.mlp[0]), &module(names::MLP_IN), inner, width);
            self.linear(&own(of.mlp[1]), &module(names::MLP_OUT), width, inner);
        }
    }

    /// Adds the pooling head. timm keeps the query, which is computed from one learned row, apart from the keys and
    /// values.
    fn pooling(&mut self, name: &str, config: &TransformerConfig) {
        let (width, inner) = (config.width, config.mlp_width);
        let own = |part: &str| names::below(name, part);
        let module = |part: &str| names::below(names::POOLING_HEAD, part);
        self.whole(&own("latent"), names::PROBE.to_owned(), &[1, 1, width]);
        for (part, first, rows) in [("q", 0, width), ("kv", width, 2 * width)] {
            let fills = |weight: String| Fills::Rows { weight, first };
            let (weight, bias) = (
                names::packed_weight(names::POOLING_ATTENTION),
                names::packed_bias(names::POOLING_ATTENTION),
            );
            self.push(&names::weight(&own(part)), &[rows, width], fills(weight));
            self.push(&names::bias(&own(part)), &[rows], fills(bias));
        }
        self.linear(&own("proj"), names::POOLING_ATTENTION_OUT, width, width);
        self.norm(&own("norm"), names::POOLING_NORM, width);
        self.linear(&own("mlp.fc1"), &module(names::MLP_IN), inner, width);
        self.linear(&own("mlp.fc2"), &module(names::MLP_OUT), width, inner);
    }
}
