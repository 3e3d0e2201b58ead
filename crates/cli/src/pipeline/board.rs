//! What a person sees of the runs that are made.
//!
//! One run is shown as its program shows it. Of several, a terminal has a table, with a line for each that is worked on;
//! a log has a line when a run begins and one when it ends. Warnings and failures are shown at once, and warnings once.

use std::collections::{BTreeMap, BTreeSet};

use cliptune_terminal::{ErrorDocument, Position, Printer, Progress, format};

use super::jobs::{Finish, Job, Step};

/// What a person sees of the runs that are made.
pub(crate) struct Board<'a> {
    printer: &'a Printer,
    runs: usize,
    /// Whether the terminal shows a table.
    is_table: bool,
    /// The number of runs that have ended.
    all: Option<Progress>,
    rows: BTreeMap<usize, Row>,
    /// The last thing that each training said.
    results: BTreeMap<usize, String>,
    begun: BTreeSet<usize>,
    told: BTreeSet<String>,
    ended: u64,
    failed: u64,
}

/// Checks whether a text begins with the name of an experiment, as in `tuned: …` or `tuned s0`, and not just with its letters.
fn is_about(text: &str, experiment: &str) -> bool {
    let is_seed = |rest: &str| rest.starts_with(|letter: char| letter.is_ascii_digit());
    text.strip_prefix(experiment)
        .is_some_and(|rest| rest.starts_with([':', ',', '/']) || rest.strip_prefix(" s").is_some_and(is_seed))
}

/// The progress of one run.
struct Row {
    of: (String, u64, String),
    progress: Progress,
}

impl<'a> Board<'a> {
    /// Creates the board of so many runs, or of other things that `noun` is the word for.
    pub(crate) fn new(printer: &'a Printer, runs: usize, noun: &'static str) -> Self {
        let is_table = runs > 1 && printer.is_live();
        Self {
            printer,
            runs,
            is_table,
            all: is_table.then(|| printer.progress(noun, runs as u64, noun)),
            rows: BTreeMap::new(),
            results: BTreeMap::new(),
            begun: BTreeSet::new(),
            told: BTreeSet::new(),
            ended: 0,
            failed: 0,
        }
    }

    fn has_several(&self) -> bool {
        self.runs > 1
    }

    /// Shows that a step of a run begins.
    pub(crate) fn begin(&mut self, number: usize, job: &Job, step: Step) {
        if self.begun.insert(number) && !self.is_table {
            self.printer.status(&format!("{}: {}", self.place(number, job), step.tool()));
        }
        self.idle(number, job, step);
    }

    /// Shows that a run is worked on, in a table, while nothing is known about how far that is.
    fn idle(&mut self, number: usize, job: &Job, step: Step) {
        if self.is_table {
            let (label, nothing) = (step.tool().to_string(), String::new());
            let (unit, message) = (nothing.clone(), nothing);
            self.row(number, job, &Position { label, done: 0, total: 0, unit, message, ended: false });
        }
    }

    /// Shows how far a step of a run is.
    pub(crate) fn progress(&mut self, number: usize, job: &Job, step: Step, position: &Position) {
        if self.is_table || !self.has_several() {
            self.row(number, job, position);
        }
        if position.ended {
            self.end_row(number);
            self.idle(number, job, step);
        }
    }

    fn row(&mut self, number: usize, job: &Job, position: &Position) {
        let Position { label, done, total, unit, message, .. } = position;
        let of = (label.clone(), *total, unit.clone());
        if self.rows.get(&number).is_none_or(|row| row.of != of) {
            // A training is called as its run is; other steps are named.
            let label = match is_about(label, job.plan.experiment.as_str()) {
                true => job.label.clone(),
                false => format!("{}: {label}", job.label),
            };
            self.end_row(number);
            let progress = self.printer.progress(&label, *total, unit.clone());
            self.rows.insert(number, Row { of, progress });
        }
        if let Some(row) = self.rows.get(&number) {
            row.progress.message(message);
            row.progress.set(*done);
        }
    }

    fn end_row(&mut self, number: usize) {
        if let Some(row) = self.rows.remove(&number) {
            row.progress.finish();
        }
    }

    /// Shows what a program says is going on, and remembers what a training has reached. What a dataset holds is shown always.
    pub(crate) fn status(&mut self, number: usize, step: Step, text: &str) {
        if !self.has_several() || step == Step::Ingest {
            self.printer.status(text);
        } else if step == Step::Train {
            self.results.insert(number, text.to_owned());
        }
    }

    /// Shows what somebody wants to know at once, once.
    pub(crate) fn notice(&mut self, text: &str) {
        if self.told.insert(text.to_owned()) {
            self.printer.status(text);
        }
    }

    /// Shows a warning with the name of its run, once for all runs of the experiment that have the same. One that begins
    /// with the name of the experiment is about all of them already.
    pub(crate) fn warning(&mut self, job: &Job, text: &str) {
        let experiment = job.plan.experiment.as_str();
        if !self.told.insert(format!("{experiment}: {text}")) {
            return;
        }
        match is_about(text, experiment) {
            true => self.printer.warn(text),
            false => self.printer.warn(&format!("{}: {text}", job.label)),
        }
    }

    /// Shows the error that ended a step of a run.
    pub(crate) fn failure(&mut self, job: &Job, error: &ErrorDocument) {
        self.printer.failure_of(&job.label, error);
    }

    /// Shows that a step of a run has ended.
    pub(crate) fn stepped(&mut self, number: usize) {
        self.end_row(number);
    }

    /// Shows that the work on a run has ended.
    pub(crate) fn ended(&mut self, number: usize, job: &Job) {
        self.end_row(number);
        let result = self.results.remove(&number);
        self.ended += 1;
        match job.finish() {
            Finish::Done if self.has_several() && !self.is_table => {
                // It begins with the name of the run's folder.
                let reached =
                    result.as_deref().and_then(|text| text.split_once(": ")).map(|(_, reached)| reached);
                let reached = reached.map_or_else(|| format::duration(job.time), str::to_owned);
                self.printer.status(&format!("{}: done, {reached}", self.place(number, job)));
            }
            Finish::Failed { .. } => self.failed += 1,
            Finish::Interrupted if self.has_several() => {
                let place = self.place(number, job);
                self.printer.status(&format!("{place}: interrupted; the same command goes on with it"));
            }
            _ => {}
        }
        if let Some(all) = &self.all {
            if self.failed > 0 {
                all.message(&format!("{} failed", self.failed));
            }
            all.set(self.ended);
        }
    }

    fn place(&self, number: usize, job: &Job) -> String {
        format!("[{}/{}] {}", number + 1, self.runs, job.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_about_an_experiment_that_it_names_and_not_about_one_whose_letters_it_begins_with() {
        for about in ["t: it is slow", "t s0", "t/20260101-s0: lost", "t, seed 0: kept"] {
            assert!(is_about(about, "t"), "{about}");
        }
        for other in ["texts of the test split", "t score", "t", "a t: b"] {
            assert!(!is_about(other, "t"), "{other}");
        }
    }
}
