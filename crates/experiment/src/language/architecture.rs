//! `model.architecture`: the sizes of a CLIP trained from random weights.

use super::words::word;
use crate::plan::{Activation, Architecture, Transformer};
use crate::problem::{Problem, Problems};
use crate::shape::{Key, Shape};
use crate::yaml::Node;

/// Every byte, every byte at the end of a word, start and end of text: no BPE vocabulary is smaller.
const SMALLEST_VOCABULARY: i64 = 2 * 256 + 2;
const SIDE: Shape = Shape::Whole { min: 1, max: 4096 };
const WIDTH: Shape = Shape::Whole { min: 1, max: 16_384 };

/// The keys of `model.architecture`.
pub(super) const KEYS: &[Key] = &[
    Key::required("image_size", SIDE, "side of the square image in pixels"),
    Key::required("patch_size", SIDE, "side of a patch in pixels; divides `image_size`"),
    Key::required("vision", Shape::Map(TRANSFORMER), "the vision transformer"),
    Key::required("text", Shape::Map(TRANSFORMER), "the text transformer"),
    Key::required(
        "context_length",
        Shape::Whole { min: 3, max: 4096 },
        "longest text in tokens, both ends included",
    ),
    Key::required(
        "vocab_size",
        Shape::Whole { min: SMALLEST_VOCABULARY, max: 1_000_000 },
        "size of the BPE vocabulary trained on the train split's texts",
    ),
    Key::required("projection_dim", WIDTH, "size of the shared embedding"),
    Key::with_default(
        "activation",
        word::<Activation>(),
        "quick_gelu",
        "the activation of both transformers",
    ),
    Key::with_default(
        "logit_scale",
        Shape::between(-10.0, 10.0),
        "2.6592",
        "the initial value of logit_scale (a logarithm; 2.6592 is a temperature of 0.07)",
    ),
];

const TRANSFORMER: &[Key] = &[
    Key::required("width", WIDTH, "width of the residual stream; a multiple of `heads`"),
    Key::required("layers", Shape::Whole { min: 1, max: 256 }, "number of blocks"),
    Key::required("heads", Shape::Whole { min: 1, max: 1024 }, "number of attention heads"),
];

/// Reads `model.architecture`.
pub(super) fn decode(node: &Node, problems: &mut Problems) -> Option<Architecture> {
    divides(node, "patch_size", "image_size", "model.architecture", problems);
    let vision = transformer(node, "vision", problems);
    let text = transformer(node, "text", problems);
    Some(Architecture {
        image_size: node.read("image_size")?,
        patch_size: node.read("patch_size")?,
        vision: vision?,
        text: text?,
        context_length: node.read("context_length")?,
        vocab_size: node.read("vocab_size")?,
        projection_dim: node.read("projection_dim")?,
        activation: node.read("activation")?,
        logit_scale: node.read("logit_scale")?,
    })
}

fn transformer(node: &Node, key: &str, problems: &mut Problems) -> Option<Transformer> {
    let node = node.get(key)?;
    divides(node, "heads", "width", &format!("model.architecture.{key}"), problems);
    Some(Transformer { width: node.read("width")?, layers: node.read("layers")?, heads: node.read("heads")? })
}

/// Demands that one size is a multiple of another. Sizes that are missing or zero have been reported before.
fn divides(node: &Node, part: &str, whole: &str, path: &str, problems: &mut Problems) {
    let (Some(part_node), Some(whole_node)) = (node.get(part), node.get(whole)) else { return };
    let (Some(part_size), Some(whole_size)) = (node.read::<usize>(part), node.read::<usize>(whole)) else {
        return;
    };
    if part_size != 0 && !whole_size.is_multiple_of(part_size) {
        problems.add(
            Problem::at(whole_node.span, format!("`{path}.{whole}` is not a multiple of `{part}`"))
                .label(format!("expected a multiple of {part_size}"))
                .related(part_node.span, format!("`{part}` is {part_size} here")),
        );
    }
}
