//! `export` and `score`: what is written beside the model and what is evaluated.

use super::words::{Word, word};
use crate::plan::{ExportPlan, Precision, ScorePlan, Split};
use crate::shape::{Key, Shape};
use crate::yaml::Node;

const PRECISION: Shape = word::<Precision>();
const SPLIT: Shape = word::<Split>();

/// The keys of `export`.
pub(super) const EXPORT: &[Key] =
    &[Key::with_default("onnx", Shape::set(&PRECISION, 0), "[fp32]", "precisions of the ONNX graphs")];

/// The keys of `score`.
pub(super) const SCORE: &[Key] =
    &[Key::with_default("splits", Shape::set(&SPLIT, 1), "[validation, test]", "the splits to score")];

/// Reads `export`.
pub(super) fn export(node: &Node) -> Option<ExportPlan> {
    let words: Vec<Word<Precision>> = node.read("onnx")?;
    Some(ExportPlan { onnx: words.into_iter().map(|word| word.0).collect() })
}

/// Reads `score`.
pub(super) fn score(node: &Node) -> Option<ScorePlan> {
    let words: Vec<Word<Split>> = node.read("splits")?;
    Some(ScorePlan { splits: words.into_iter().map(|word| word.0).collect() })
}
