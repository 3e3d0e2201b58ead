//! The order in which an update completes the gradients of its weights.

use cliptune_clip::weights::Tower;
use tch::Tensor;

use crate::model::Parameter;

/// Returns the weights in the order in which their gradients are complete: those of the text tower from its last layer
/// down, and then those of the vision tower. The temperature comes last although its gradient is there before: it is
/// complete when the loss is, which is before anything may be sent.
pub fn in_expected_order<'a>(moving: &[&'a Parameter]) -> Vec<&'a Tensor> {
    // Within a layer, what is used last is reached first.
    let mut weights: Vec<&Parameter> = moving.iter().rev().copied().collect();
    weights.sort_by_key(|one| (place(one.spec.part.tower()), one.spec.depth));
    weights.into_iter().map(|one| &one.tensor).collect()
}

fn place(tower: Option<Tower>) -> usize {
    match tower {
        Some(Tower::Text) => 0,
        Some(Tower::Vision) => 1,
        None => 2,
    }
}
