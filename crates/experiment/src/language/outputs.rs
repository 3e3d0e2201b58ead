//! `export`: the rules for its precisions.

use super::options::FromValue;
use super::{Context, inherited_advice};
use crate::plan::{ExportPlan, Precision, SplitBy, SplitPlan};
use crate::problem::{Problem, Problems};
use crate::values::Fraction;
use crate::yaml::{Entry, Node};

/// The margin when none is given: one item in a hundred.
const DEFAULT_MARGIN: f64 = 0.01;

/// Reads `export`. `split` tells whether there are validation items to judge a reduced precision by.
pub(super) fn export(
    node: &Node,
    split: Option<&SplitPlan>,
    context: &mut Context<'_>,
) -> Option<ExportPlan> {
    let precisions = node.entry_of("onnx")?;
    let mut export = ExportPlan::from_value(node, context)?;
    can_be_compared(precisions, &export.onnx, split, context.problems);
    export.int8_margin = margin(node, precisions, &export, context);
    Some(export)
}

/// Checks that a reduced precision can be judged: it is made from the fp32 graphs and compared with them on the
/// validation split.
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
    export: &ExportPlan,
    context: &mut Context<'_>,
) -> Option<Fraction> {
    match (export.onnx.contains(&Precision::Int8), node.entry_of("int8_margin")) {
        (true, None) => Fraction::try_from(DEFAULT_MARGIN).ok(),
        (true, Some(_)) => export.int8_margin,
        (false, None) => None,
        (false, Some(margin)) => {
            context.problems.add(
                Problem::at(margin.key_span, "`int8_margin` has a meaning only with `int8` in `export.onnx`")
                    .label("expected `int8` in `export.onnx`, or no `int8_margin`")
                    .related(precisions.key_span, "the precisions are named here")
                    .maybe_help(inherited_advice(margin, precisions))
                    .idle(),
            );
            None
        }
    }
}
