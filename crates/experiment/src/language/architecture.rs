//! `model.architecture`: the rules for its sizes.

use super::Context;
use super::options::FromValue;
use crate::plan::{Architecture, Configuration};
use crate::problem::{Problem, Problems};
use crate::yaml::{FromNode, Node};

/// Reads `model.architecture`: the name of a configuration, or sizes.
pub(super) fn decode(node: &Node, context: &mut Context<'_>) -> Option<Architecture> {
    if let Some(named) = Configuration::from_node(node) {
        return Some(named.sizes());
    }
    divides(node, "patch_size", "image_size", "model.architecture", context.problems);
    for tower in ["vision", "text"] {
        let path = format!("model.architecture.{tower}");
        let sizes = node.get(tower).into_iter();
        sizes.for_each(|sizes| divides(sizes, "heads", "width", &path, context.problems));
    }
    Architecture::from_value(node, context)
}

/// Checks that one size is a multiple of another. Sizes that are missing or zero have been reported before.
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
