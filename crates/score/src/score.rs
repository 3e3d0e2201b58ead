//! Scores one run: first the parity gate, then each split that has no scores, then the reduced precisions.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use cliptune_encode::export::Export;
use cliptune_encode::model::Model;
use cliptune_encode::runtime::Runtime;
use cliptune_experiment::{ExportPlan, ImageFit, ScorePlan, Split, TaskKind};
use cliptune_store::{
    Claim, Dataset, ItemRef, ItemSlice, Items, Parity, Part, Run, read_parity, write_scores,
};
use cliptune_terminal::Printer;

use crate::distinct::Distinct;
use crate::error::ScoreError;
use crate::parity::{self, Unscored};
use crate::precisions::{self, Subject};
use crate::split::{self, Job};
use crate::verdict::Verdict;

/// The parts of items that scoring reads.
pub(crate) const SCORED: &[Part] = &[Part::Identity, Part::Rows, Part::Group, Part::Image, Part::Texts];

/// The work that remains to be done for a run.
#[derive(Clone, Copy, Debug)]
pub struct Missing<'a> {
    /// The splits that have no scores.
    pub splits: &'a [Split],
    /// How the splits are scored.
    pub plan: &'a ScorePlan,
    /// The plan of the export, or `None` if no reduced precision is to be judged.
    pub export: Option<&'a ExportPlan>,
    /// The claim to the work, which another host may have taken over before something is written.
    pub claim: Option<&'a Claim>,
}

/// What may be remembered of a run between calls, and where.
#[derive(Clone, Copy, Debug)]
pub struct Recall<'a> {
    /// The cache of the store.
    pub cache: &'a Path,
    /// The hashes of all files of the run's model and graphs, as [`Run::verify_export`] gives them.
    pub files: &'a BTreeMap<String, String>,
}

/// Scores splits of a finished run, writes each as soon as it is complete, and judges the run's reduced precisions. Where
/// nothing may be remembered, the run passes the gate again and everything is encoded.
pub fn score_run(
    runtime: &Runtime,
    run: &Run,
    dataset: &Dataset,
    missing: Missing<'_>,
    recall: Option<Recall<'_>>,
    printer: &Printer,
) -> Result<(), ScoreError> {
    let Missing { splits, plan: how, export: plan, claim } = missing;
    let items =
        splits.iter().map(|&split| split_items(run, dataset, split)).collect::<Result<Vec<_>, _>>()?;
    let (graphs, folder) = (run.onnx_folder(), run.model_folder());
    let verdict = recall.map(|recall| Verdict::of(&recall, runtime, run, dataset)).transpose()?;
    let passed = verdict.as_ref().and_then(Verdict::passed);
    let export = match &passed {
        Some(_) => Export::known(runtime, &graphs, &folder),
        None => Export::read(runtime, &graphs, &folder)?,
    };
    let mut model = Model::open(&export)?;
    check_fit(run, &model)?;
    let parity = match passed {
        Some(parity) => parity,
        None => {
            // What the gate encodes is part of a split, as a rule.
            model.remember_here();
            let parity = pass_gate(&export, run, dataset, &mut model)?;
            verdict.inspect(|verdict| verdict.remember(&parity));
            parity
        }
    };
    if let Some(recall) = recall {
        model.remember(recall.cache, runtime, |file| recall.files.get(&format!("onnx/{file}")).cloned());
    }
    let templates = run.record().plan.data.columns.task.templates();
    for (&split, items) in splits.iter().zip(&items) {
        let items = items.all();
        let (scale, controls) = (how.logit_scale, how.controls());
        let job = Job { dataset, split, items, templates: &templates, scale, controls };
        let (scores, predictions) = split::score(&job, &mut model, parity.clone(), printer)?;
        claim.map_or(Ok(()), Claim::require)?;
        write_scores(run, &scores, &predictions, items)?;
        tell_shared_ids(scores.task, split, items, printer);
    }
    match plan {
        Some(plan) => precisions::judge(&Subject { run, dataset, plan, claim }, runtime, &mut model, printer),
        None => Ok(()),
    }
}

/// Warns if rows share their ids, because an evaluator that reads `choices.json` looks rows up by their ids.
fn tell_shared_ids(task: TaskKind, split: Split, items: ItemSlice<'_>, printer: &Printer) {
    let rows = Distinct::new(items.iter().flat_map(cliptune_store::ItemRef::ids));
    if task == TaskKind::Choice && rows.count() < rows.row_of.len() {
        printer.warn(&format!(
            "the {} rows of the {split} split have {} different ids; choices.json lists an answer for each row of an id \
             that several have",
            rows.row_of.len(),
            rows.count()
        ));
    }
}

fn split_items(run: &Run, dataset: &Dataset, split: Split) -> Result<Items, ScoreError> {
    let items = dataset.columns(&[split], SCORED)?;
    match items.all().is_empty() {
        true => Err(ScoreError::EmptySplit { run: run.id(), split }),
        false => Ok(items),
    }
}

/// Refuses a model folder and graphs that agree with each other but not with the run's plan: both belong to another
/// run.
fn check_fit(run: &Run, model: &Model<'_>) -> Result<(), ScoreError> {
    let found = model.fit().as_str();
    match run.record().plan.model.image_fit.map(ImageFit::as_str) {
        Some(planned) if planned != found => Err(ScoreError::OtherFit { run: run.id(), planned, found }),
        _ => Ok(()),
    }
}

/// Returns items among which the named ones are, if the dataset has them. Nobody looks at the test split for them unless there is
/// no other, because train takes its sample from the first split that has items: validation, train or test.
fn sampled(dataset: &Dataset, named: &HashSet<&str>) -> Result<Items, ScoreError> {
    let of = |splits: &[Split]| dataset.columns(splits, &[Part::Identity, Part::Image]);
    for splits in [&[Split::Validation][..], &[Split::Validation, Split::Train]] {
        let items = of(splits)?;
        let found = items.all().iter().filter(|item| named.contains(item.item_id())).count();
        if found == named.len() {
            return Ok(items);
        }
    }
    Ok(of(&Split::ALL)?)
}

/// Compares ONNX Runtime's logits with those that libtorch recorded when the run was exported.
fn pass_gate<'r>(
    export: &Export<'r>,
    run: &Run,
    dataset: &Dataset,
    model: &mut Model<'r>,
) -> Result<Parity, ScoreError> {
    let sample = read_parity(run)?;
    let named: HashSet<&str> = sample.items.iter().map(|item| item.item_id.as_str()).collect();
    let all = sampled(dataset, &named)?;
    let in_sample = all.all().iter().filter(|item| named.contains(item.item_id()));
    let by_id: HashMap<&str, ItemRef<'_>> = in_sample.map(|item| (item.item_id(), item)).collect();
    let image = |item_id: &str| match by_id.get(item_id) {
        Some(item) => Ok(item.image()),
        None => Err(ScoreError::ForeignSample { run: run.id(), item: item_id.to_owned() }),
    };
    let images = sample.items.iter().map(|item| image(&item.item_id)).collect::<Result<Vec<_>, _>>()?;
    parity::check(&run.id(), model, Unscored::open(export)?, &sample, &images)
}
