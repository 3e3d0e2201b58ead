//! The notes that a reader has to know before the numbers.

use cliptune_experiment::Split;
use cliptune_terminal::format::counted;

use super::metric;
use crate::data::{Entry, ReportData, RunSummary, State};

/// Returns what a reader has to know before the numbers: what is missing, what is damaged, what came to nothing.
pub(crate) fn notes(data: &ReportData) -> Vec<String> {
    warnings(data).into_iter().chain(kept_start(data)).collect()
}

/// The most notes that somebody reads.
const READ: usize = 24;

/// Returns those of the notes that a page has room for; `report.json` has all.
pub(crate) fn first_notes(data: &ReportData) -> Vec<String> {
    let mut notes = notes(data);
    if notes.len() > READ {
        let more = counted((notes.len() - READ + 1) as u64, "more note");
        notes.truncate(READ - 1);
        notes.push(format!("{more}, which report.json has"));
    }
    notes
}

/// Returns those of the notes that nobody has told the person yet. What a training has come to is said when it ends.
pub(crate) fn warnings(data: &ReportData) -> Vec<String> {
    missing(data).into_iter().chain(damage(data)).chain(lost_baseline(data)).collect()
}

/// Returns notes on the entries that have no result yet.
fn missing(data: &ReportData) -> Vec<String> {
    let states = data.entries.iter().enumerate().filter_map(|(index, entry)| match entry.state() {
        State::NotRunYet => Some(format!("{}: not run yet", entry.name)),
        State::Incomplete => Some(format!("{}: {}", entry.name, unfinished(entry))),
        State::Done if data.row(index).is_none() => {
            Some(format!("{}: not scored on the test split{}", entry.name, on_training_items(entry)))
        }
        State::Done => partly_scored(entry),
    });
    states.collect()
}

/// Returns a note on the runs that a result does without, because they are not scored.
fn partly_scored(entry: &Entry) -> Option<String> {
    let is_scored = |run: &&RunSummary| run.scores.iter().any(|scores| scores.split == Split::Test);
    let (scored, missing): (Vec<&RunSummary>, Vec<&RunSummary>) = entry.runs.iter().partition(is_scored);
    let labels: Vec<String> = missing.iter().map(|run| run.label()).collect();
    (!missing.is_empty()).then(|| {
        let of = format!("{} of {} runs", scored.len(), entry.runs.len());
        format!(
            "{}: its result is that of {of}; not scored on the test split: {}",
            entry.name,
            labels.join("; ")
        )
    })
}

/// Returns a note on what a score on the train split is worth, if there is one.
fn on_training_items(entry: &Entry) -> String {
    match entry.score_on(Split::Train) {
        Some(score) if entry.is_trained() => format!(
            "; its {} of {score:.2} was measured on the items that it was trained on and says nothing about others",
            metric(entry.plan.data.columns.task.kind())
        ),
        _ => String::new(),
    }
}

fn unfinished(entry: &Entry) -> String {
    let done = entry.runs.iter().filter(|run| run.is_done()).count();
    let missing = || entry.runs.iter().filter(|run| !run.is_done());
    let named: Vec<String> = match entry.folds() {
        Some(_) => missing().map(|run| format!("({})", run.label())).collect(),
        None => missing().map(|run| run.seed.to_string()).collect(),
    };
    let what = if entry.folds().is_some() { "" } else { "seed " };
    format!("{done} of {} runs done, missing {what}{}", entry.runs.len(), named.join(", "))
}

/// Returns notes on damaged event logs.
fn damage(data: &ReportData) -> Vec<String> {
    let runs = data.entries.iter().flat_map(|entry| entry.runs.iter().map(move |run| (entry, run)));
    let damaged = runs.filter(|(_, run)| run.damaged_lines > 0);
    damaged
        .map(|(entry, run)| {
            let lines = counted(run.damaged_lines as u64, "line");
            format!(
                "{}, {}: {lines} of the event log cannot be read; the curves do without",
                entry.name,
                run.label()
            )
        })
        .collect()
}

/// Returns a note if nothing could be compared with the baseline that was asked for.
fn lost_baseline(data: &ReportData) -> Option<String> {
    let asked = data.asked_baseline?;
    let is_used = data.boards.iter().any(|board| board.baseline == Some(asked));
    (!is_used).then(|| {
        format!(
            "{}: asked for as the baseline, but no other was scored on the same test items",
            data.entries[asked].name
        )
    })
}

/// Returns notes on the runs in which training changed nothing.
fn kept_start(data: &ReportData) -> Vec<String> {
    let told = data.entries.iter().filter_map(|entry| {
        let kept = entry.runs.iter().filter(|run| run.kept_start());
        let labels: Vec<String> = kept.map(RunSummary::label).collect();
        let runs = labels.join("; ");
        (!labels.is_empty())
            .then(|| format!("{}, {runs}: kept the starting weights: no epoch was better", entry.name))
    });
    told.collect()
}
