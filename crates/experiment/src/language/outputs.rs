//! `export` and `score`: what is written beside the model and what is evaluated.

use super::words::{Word, word};
use super::{Context, inherited_advice};
use crate::plan::{ExportPlan, Precision, ScorePlan, Split, SplitBy, SplitPlan};
use crate::problem::{Problem, Problems};
use crate::shape::{Key, Shape};
use crate::values::Fraction;
use crate::yaml::{Entry, Node};

const PRECISION: Shape = word::<Precision>();
const SPLIT: Shape = word::<Split>();

/// Where nothing is said: one item in a hundred.
const DEFAULT_MARGIN: f64 = 0.01;

/// The keys of `export`.
pub(super) const EXPORT: &[Key] = &[
    Key::with_default("onnx", Shape::set(&PRECISION, 0), "[fp32]", "precisions of the ONNX graphs"),
    Key::optional(
        "int8_margin",
        Shape::between(0.0, 1.0),
        "int8 is kept only if validation accuracy (pairs: recall@1) falls by less than this; 0.01 when absent",
    ),
];

/// The keys of `score`.
pub(super) const SCORE: &[Key] =
    &[Key::with_default("splits", Shape::set(&SPLIT, 1), "[validation, test]", "the splits to score")];

/// Reads `export`; `split` says whether there is anything to judge a reduced precision by.
pub(super) fn export(
    node: &Node,
    split: Option<&SplitPlan>,
    context: &mut Context<'_>,
) -> Option<ExportPlan> {
    let precisions = node.entry_of("onnx")?;
    let words: Vec<Word<Precision>> = node.read("onnx")?;
    let onnx: Vec<Precision> = words.into_iter().map(|word| word.0).collect();
    can_be_compared(precisions, &onnx, split, context.problems);
    Some(ExportPlan { int8_margin: margin(node, precisions, &onnx, context)?, onnx })
}

/// A reduced precision is made from the fp32 graphs and judged beside them, on the validation split.
fn can_be_compared(
    entry: &Entry,
    precisions: &[Precision],
    split: Option<&SplitPlan>,
    problems: &mut Problems,
) {
    let Some(reduced) = precisions.iter().find(|precision| **precision != Precision::Fp32) else { return };
    let span = entry.value.span;
    if !precisions.contains(&Precision::Fp32) {
        problems.add(
            Problem::at(span, format!("`export.onnx` has {reduced} without fp32")).label(
                "expected `fp32` too: the others are made from the fp32 graphs and compared with them",
            ),
        );
    }
    let nothing =
        |split: &SplitPlan| !matches!(split.by, SplitBy::Column(_)) && split.shares.validation.get() == 0.0;
    if split.is_some_and(nothing) {
        problems.add(
            Problem::at(span, format!("{reduced} cannot be judged without validation items"))
                .label("expected `[fp32]`, because `data.split.validation` is 0")
                .help("what a precision costs is measured on the validation split: give it a share"),
        );
    }
}

fn margin(
    node: &Node,
    precisions: &Entry,
    onnx: &[Precision],
    context: &mut Context<'_>,
) -> Option<Option<Fraction>> {
    let written = node.entry_of("int8_margin");
    match (onnx.contains(&Precision::Int8), written) {
        (false, None) => Some(None),
        (true, None) => Fraction::try_from(DEFAULT_MARGIN).ok().map(Some),
        (true, Some(margin)) => {
            let made = Fraction::try_from(margin.value.number()?);
            context.make(margin.value.span, "export.int8_margin", made).map(Some)
        }
        (false, Some(margin)) => context.problems.refuse(
            Problem::at(margin.key_span, "`int8_margin` has a meaning only with `int8` in `export.onnx`")
                .label("expected `int8` in `export.onnx`, or no `int8_margin`")
                .related(precisions.key_span, "the precisions are named here")
                .maybe_help(inherited_advice(margin, precisions)),
        ),
    }
}

/// Reads `score`.
pub(super) fn score(node: &Node) -> Option<ScorePlan> {
    let words: Vec<Word<Split>> = node.read("splits")?;
    Some(ScorePlan { splits: words.into_iter().map(|word| word.0).collect() })
}
