//! Reads what a report shows from the runs on disk.

mod boards;
mod confidence;
mod curve;
mod foreign;
mod gallery;
mod inputs;
mod lineage;
mod others;
mod pairs;
mod thumbnail;

use cliptune_documents::both_ends;
use cliptune_experiment::{Plan, spelled};
use cliptune_store::{
    DatasetRecord, Events, Precisions, Run, Standing, read_events, read_precisions, read_scores, read_system,
    unless_damaged,
};
use cliptune_terminal::did_you_mean;
use rayon::prelude::*;

use crate::data::{Entry, ReportData, Role, RunSummary};
use crate::error::ReportError;
use crate::request::Request;

pub(crate) use gallery::{SHOWN, answer, candidates};
pub(crate) use inputs::hash as inputs_hash;
pub(crate) use thumbnail::{preprocessor, seen};

/// The most letters of a value of a matrix in the name of an entry.
const NAMED: usize = 60;

/// Reads everything that a report on these plans shows, including plans that have no run yet.
pub fn read(standings: &[Standing], request: &Request) -> Result<ReportData, ReportError> {
    let grouped = group(standings);
    let entries = grouped.par_iter().map(|plans| entry(plans)).collect::<Result<Vec<_>, _>>()?;
    let asked_baseline = request.baseline.as_deref().map(|name| named(&entries, name)).transpose()?;
    let scored = boards::scored(&entries, &grouped)?;
    let imported = foreign::beside(standings)?;
    let mut boards = boards::boards(&entries, &scored, &grouped, asked_baseline, &imported)?;
    let mut foreign = foreign::entries(&imported, &boards, &scored)?;
    foreign::correct_all(&mut boards, &mut foreign);
    let data = ReportData {
        name: request.name.clone(),
        arguments: request.arguments.clone(),
        options: request.options(),
        subject: request.subject.clone(),
        home: request.home.clone(),
        asked_baseline,
        inputs: inputs::hash(standings, request)?,
        datasets: datasets(standings),
        entries,
        boards,
        foreign,
        gallery: None,
        pairs: None,
    };
    let data = others::with_others(data.with_roles(), &scored)?;
    let gallery = gallery::gallery(&data, &scored, &grouped)?;
    let pairs = pairs::gallery(&data, &scored, &grouped)?;
    Ok(ReportData { gallery, pairs, ..data })
}

/// Returns the entry of a name: that of its experiment, or with its point of the matrix where there are several.
fn named(entries: &[Entry], name: &str) -> Result<usize, ReportError> {
    let is_whole = |entry: &Entry| entry.name == name;
    let is_experiment = |entry: &Entry| entry.plan.experiment.as_str() == name;
    let of: Vec<usize> = (0..entries.len()).filter(|&index| is_experiment(&entries[index])).collect();
    match (entries.iter().position(is_whole), of.as_slice()) {
        (Some(index), _) | (None, &[index]) => Ok(index),
        (None, several) => {
            let known: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
            let similar = several.first().map(|&index| known[index]).or_else(|| did_you_mean(name, &known));
            Err(ReportError::NoBaseline { name: name.to_owned(), similar: similar.map(str::to_owned) })
        }
    }
}

/// Returns the plans of each entry, which belong to one experiment and differ only in their seed and their fold.
fn group(standings: &[Standing]) -> Vec<Vec<&Standing>> {
    let mut grouped: Vec<Vec<&Standing>> = Vec::new();
    for standing in standings {
        let same = |plans: &&mut Vec<&Standing>| {
            plans.first().is_some_and(|first| {
                first.plan.experiment == standing.plan.experiment
                    && first.plan.point() == standing.plan.point()
            })
        };
        match grouped.iter_mut().find(same) {
            Some(plans) => plans.push(standing),
            None => grouped.push(vec![standing]),
        }
    }
    grouped
}

fn entry(plans: &[&Standing]) -> Result<Entry, ReportError> {
    let first = plans[0];
    let plan = Plan { axes: first.plan.point(), ..first.plan.clone() };
    Ok(Entry {
        name: name(&plan),
        plan,
        dataset: first.dataset.as_ref().map(|dataset| dataset.record().hash.clone()),
        runs: plans.iter().map(|standing| run_summary(standing)).collect::<Result<_, _>>()?,
        label: String::new(),
        role: Role::default(),
    })
}

/// Returns the experiment's name with its point of the matrix, such as `b32 lr=1e-5`.
fn name(plan: &Plan) -> String {
    let axes = plan.named_axes().map(|(name, value)| format!("{name}={}", both_ends(&spelled(value), NAMED)));
    let words = std::iter::once(plan.experiment.to_string()).chain(axes);
    words.collect::<Vec<_>>().join(" ")
}

fn run_summary(standing: &Standing) -> Result<RunSummary, ReportError> {
    match &standing.run {
        None => Ok(RunSummary::missing(standing.plan.seed, standing.plan.fold())),
        Some(run) => finished(standing, run),
    }
}

fn finished(standing: &Standing, run: &Run) -> Result<RunSummary, ReportError> {
    let events = match run.has_log() {
        Ok(true) => read_events(&run.events_file())?,
        Ok(false) => Events::default(),
        // Where the plans stand names it.
        Err(error) if error.is_damage() => Events::default(),
        Err(error) => return Err(error.into()),
    };
    let mut scores = Vec::new();
    for split in &standing.plan.score.splits {
        scores.extend(unless_damaged(read_scores(run, *split))?);
    }
    Ok(RunSummary {
        seed: standing.plan.seed,
        fold: standing.plan.fold(),
        record: Some(run.record().clone()),
        curve: curve::curve(&events.events),
        // The report is about the results, so it does without a log of the machine that cannot be read.
        machine: read_system(&run.system_file()).unwrap_or_default().samples,
        damaged_lines: events.damaged_lines,
        scores,
        precisions: planned_precisions(standing, run)?,
    })
}

/// Returns the precisions that the plan asks for; the run may have others that another plan asked for.
fn planned_precisions(standing: &Standing, run: &Run) -> Result<Option<Precisions>, ReportError> {
    let Some(mut precisions) = unless_damaged(read_precisions(run))? else { return Ok(None) };
    let planned = &standing.plan.export.onnx;
    precisions.reduced.retain(|reduced| planned.contains(&reduced.precision));
    Ok((!precisions.reduced.is_empty()).then_some(precisions))
}

/// Returns the records of all datasets that exist, each once.
fn datasets(standings: &[Standing]) -> Vec<DatasetRecord> {
    let mut datasets: Vec<DatasetRecord> = Vec::new();
    for record in standings.iter().filter_map(|standing| Some(standing.dataset.as_ref()?.record())) {
        if datasets.iter().all(|known| known.hash != record.hash) {
            datasets.push(record.clone());
        }
    }
    datasets
}
