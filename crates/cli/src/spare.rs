//! Which runs could go: those beyond the best of their experiments, unless something that stays needs them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cliptune_experiment::{ExperimentName, ModelSource};
use cliptune_store::{Family, Metric, ResolvedBase, Run, RunStatus, Standings, Store, age_since, ranked};
use cliptune_terminal::{CommonArgs, Printer};

use crate::commands::status::{FOLDER, usual};
use crate::error::CliError;
use crate::selection::{Selection, look, tell, warn_of};

/// What is asked for.
pub(crate) struct Spare<'a> {
    /// How many runs of each experiment stay.
    pub(crate) best: usize,
    /// The metric that says which are best.
    pub(crate) by: Option<&'a Metric>,
    /// Whether only weights go, so that the records of all runs stay.
    pub(crate) weights: bool,
    /// Whether pinned runs stay.
    pub(crate) keep_pinned: bool,
    /// The experiment files that stand for what is wanted. Where some are named, only runs of their experiments could go.
    pub(crate) experiments: &'a [PathBuf],
}

/// Returns the time that has passed since a run ended.
pub(crate) fn age_of_run(run: &Run) -> Option<Duration> {
    age_since(&run.record().end.as_ref()?.at)
}

/// Returns the runs that could go.
///
/// Whatever a run that stays was made from stays with it, and so does what a present experiment starts from. A run that a
/// present experiment stands for may lose its weights but never its records, since it would only be made again. Runs that
/// are not complete or lack the metric are not judged, and stay, as do those that a process works on.
pub(crate) fn spare(
    wanted: &Spare<'_>,
    common: &CommonArgs,
    store: &Store,
    printer: &Printer,
) -> Result<Vec<Run>, CliError> {
    let all = store.runs()?;
    all.damaged.iter().for_each(|(_, error)| warn_of(error, printer));
    let family = Family::of(store, &all.runs);
    let (standings, judged) = present(wanted.experiments, common, store, printer)?;
    let own: Vec<&Run> = all.runs.iter().filter(|run| judged.has(run)).collect();
    let beyond = beyond(wanted, &own, printer)?;
    let mut stay: BTreeSet<String> = all.runs.iter().map(Run::id).filter(|id| !beyond.contains(id)).collect();
    let wanted_runs = stood_for(&standings, &all.runs);
    let mut needed = used(&standings, &family, &all.runs);
    needed.extend(family.ancestors(&wanted_runs));
    if !wanted.weights {
        stay.extend(wanted_runs);
    }
    stay.extend(needed);
    let stay = family.with_ancestors(stay);
    let mut spare: Vec<Run> = all.runs.iter().filter(|run| !stay.contains(&run.id())).cloned().collect();
    spare.retain(|run| {
        run.status() == RunStatus::Done
            && !(wanted.weights && run.weights_folders().is_empty())
            && store.require_idle([run.folder()]).is_ok()
    });
    Ok(spare)
}

/// The experiments whose runs could go: all, or those that are named.
struct Judged(Option<Vec<ExperimentName>>);

impl Judged {
    fn has(&self, run: &Run) -> bool {
        self.0.as_ref().is_none_or(|names| names.contains(&run.record().experiment))
    }
}

/// Determines where the present experiments stand, and whose runs could go. The experiments of a folder that does not exist
/// are none.
fn present(
    experiments: &[PathBuf],
    common: &CommonArgs,
    store: &Store,
    printer: &Printer,
) -> Result<(Standings, Judged), CliError> {
    let paths = match experiments {
        [] if Path::new(FOLDER).is_dir() => usual(Path::new(FOLDER))?,
        [] => {
            printer.warn(&format!(
                "there is no folder {FOLDER}: no run counts as one that an experiment stands for"
            ));
            return Ok((Standings::default(), Judged(None)));
        }
        named => named.to_vec(),
    };
    let selection = Selection::load(&paths, common)?;
    let standings = look(store, &selection.experiments, printer);
    tell(&standings, printer);
    // What another experiment starts from is not named with it.
    let named = selection.experiments.iter().filter(|one| one.is_named_by(experiments));
    let named = (!experiments.is_empty()).then(|| named.map(|one| one.name.clone()).collect());
    Ok((standings, Judged(named)))
}

/// Returns the runs beyond the best of each experiment that nobody has pinned.
fn beyond(wanted: &Spare<'_>, runs: &[&Run], printer: &Printer) -> Result<BTreeSet<String>, CliError> {
    let experiments: BTreeSet<&ExperimentName> = runs.iter().map(|run| &run.record().experiment).collect();
    let (mut beyond, mut has_judged) = (BTreeSet::new(), false);
    for name in experiments {
        let own: Vec<&Run> = runs.iter().copied().filter(|run| run.record().experiment == *name).collect();
        let judged = ranked(&own, wanted.by)?;
        has_judged |= !judged.is_empty();
        let past = judged.into_iter().skip(wanted.best);
        let past = past.filter(|run| !(wanted.keep_pinned && is_pinned(run, printer)));
        beyond.extend(past.map(Run::id));
    }
    if let Some(metric) = wanted.by.filter(|_| !has_judged && !runs.is_empty()) {
        printer.warn(&format!("no run has {metric}, so that none can be judged by it"));
    }
    Ok(beyond)
}

/// Checks whether a run is pinned. One whose labels cannot be read may be.
fn is_pinned(run: &Run, printer: &Printer) -> bool {
    run.labels().map_or_else(
        |error| {
            warn_of(&error, printer);
            true
        },
        |labels| labels.pinned,
    )
}

/// Returns the runs that present experiments stand for: all of an experiment whose standing is unknown.
fn stood_for(standings: &Standings, runs: &[Run]) -> BTreeSet<String> {
    let unknown: BTreeSet<&ExperimentName> =
        standings.unknown.iter().map(|unknown| &unknown.plan.experiment).collect();
    let of_unknown = runs.iter().filter(|run| unknown.contains(&run.record().experiment));
    let known = standings.known.iter().filter_map(|standing| standing.run.as_ref());
    known.chain(of_unknown).map(Run::id).collect()
}

/// Returns the runs that present experiments start from or have not scored yet. An experiment whose standing is unknown may
/// start from any run that it can mean.
fn used(standings: &Standings, family: &Family<'_>, runs: &[Run]) -> BTreeSet<String> {
    let known = standings.known.iter().filter_map(|standing| match &standing.base {
        ResolvedBase::Run { run, .. } => run.as_ref().map(|run| run.id()),
        ResolvedBase::Folder { path, .. } => family.run_at(path),
        ResolvedBase::Scratch | ResolvedBase::Hub { .. } => None,
    });
    let unknown = standings.unknown.iter().flat_map(|unknown| match &unknown.plan.model.from {
        ModelSource::Folder(path) => family.run_at(path).into_iter().collect(),
        ModelSource::Run(reference) => {
            let meant = runs.iter().map(|run| (run.record(), run.id()));
            let meant = meant.filter(|(record, _)| reference.means(&record.experiment, record.seed));
            meant.map(|(_, id)| id).collect()
        }
        _ => Vec::new(),
    });
    let unscored = standings.known.iter().filter(|standing| !standing.is_scored());
    let unscored = unscored.filter_map(|standing| standing.run.as_ref()).map(Run::id);
    known.chain(unknown).chain(unscored).collect()
}
