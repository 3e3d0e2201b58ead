//! The reduced precisions of a run, which are made from its fp32 graphs, measured beside them, and then kept or not.
//!
//! They are made here rather than when the run is trained because this is where they are judged. A graph that has not
//! been judged never has its name among the run's graphs, a precision can be added or a margin changed without training
//! again, and a precision that was not kept can come back.

mod comparison;
mod contest;
mod workshop;

use std::collections::BTreeSet;

use cliptune_encode::model::Model;
use cliptune_encode::runtime::Runtime;
use cliptune_experiment::{ExportPlan, Precision, Split};
use cliptune_store::{
    Claim, Dataset, Precisions, ReducedPrecision, Run, read_precisions, unless_damaged, write_precisions,
};
use cliptune_terminal::Printer;

use crate::encoded::Distinctions;
use crate::error::ScoreError;
use crate::score::SCORED;
use workshop::Workshop;

/// A run whose precisions are to be judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) run: &'a Run,
    pub(crate) dataset: &'a Dataset,
    pub(crate) plan: &'a ExportPlan,
    /// The claim to the work, which another host may have taken over in the meantime.
    pub(crate) claim: Option<&'a Claim>,
}

/// Makes and measures the precisions that have not been measured, decides by the plan's margin which are kept, and
/// leaves the files of those.
///
/// `model` is the run's fp32 model, which has passed the parity gate.
pub(crate) fn judge<'r>(
    subject: &Subject<'_>,
    runtime: &'r Runtime,
    model: &mut Model<'r>,
    printer: &Printer,
) -> Result<(), ScoreError> {
    let workshop = Workshop::open(subject.run)?;
    let mut precisions = match recorded(subject)? {
        Recorded::Everything(precisions) => precisions,
        Recorded::Less(which) => measure(subject, runtime, &workshop, &which, model, printer)?,
    };
    decide(&mut precisions, subject.plan);
    for reduced in precisions.reduced.iter().filter(|reduced| reduced.kept) {
        if !workshop.is_delivered(reduced.precision) {
            workshop.make(reduced.precision)?;
        }
    }
    subject.claim.map_or(Ok(()), Claim::require)?;
    Ok(write_precisions(subject.run, &precisions, workshop.folder())?)
}

/// The precisions of a plan, as far as a run's record has them.
enum Recorded {
    /// All precisions of the plan were measured.
    Everything(Precisions),
    /// These precisions are to be measured together: the plan's and those measured before, so that all are comparable.
    Less(BTreeSet<Precision>),
}

fn recorded(subject: &Subject<'_>) -> Result<Recorded, ScoreError> {
    let precisions = unless_damaged(read_precisions(subject.run))?;
    let mut wanted: BTreeSet<Precision> = subject.plan.reduced().collect();
    let Some(precisions) = precisions else { return Ok(Recorded::Less(wanted)) };
    if wanted.iter().all(|precision| precisions.of(*precision).is_some()) {
        return Ok(Recorded::Everything(precisions));
    }
    wanted.extend(precisions.reduced.iter().map(|reduced| reduced.precision));
    Ok(Recorded::Less(wanted))
}

/// Runs the validation split through fp32 and the reduced precisions.
fn measure<'r>(
    subject: &Subject<'_>,
    runtime: &'r Runtime,
    workshop: &Workshop<'_>,
    precisions: &BTreeSet<Precision>,
    model: &mut Model<'r>,
    printer: &Printer,
) -> Result<Precisions, ScoreError> {
    let Subject { run, dataset, .. } = subject;
    let items = dataset.columns(&[Split::Validation], SCORED)?;
    let items = items.all();
    if items.is_empty() {
        return Err(ScoreError::NothingToJudgeBy { run: run.id() });
    }
    precisions.iter().try_for_each(|precision| workshop.make(*precision))?;
    let towers = |precision: &Precision| (*precision, workshop.towers(runtime, *precision));
    let reduced = precisions.iter().map(towers).collect();
    let (record, templates) = (dataset.record(), run.record().plan.data.columns.task.templates());
    let distinct = Distinctions::of(items, &record.classes, &templates, model)?;
    let entrants = contest::run(items, record.task, &distinct, model, reduced, printer)?;
    comparison::compare(items, record.task, &entrants, workshop)
}

/// Applies the margin of a plan to its precisions; decisions on the precisions of other plans do not change.
fn decide(precisions: &mut Precisions, plan: &ExportPlan) {
    let planned = |reduced: &&mut ReducedPrecision| plan.onnx.contains(&reduced.precision);
    for reduced in precisions.reduced.iter_mut().filter(planned) {
        reduced.margin = plan.margin(reduced.precision);
        reduced.kept = reduced.is_within(reduced.margin);
    }
}
