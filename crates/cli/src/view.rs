//! A run as `show` displays it.

use std::collections::BTreeMap;
use std::path::Path;

use cliptune_experiment::Split;
use cliptune_query::{kept, kept_alpha_of};
use cliptune_store::{
    Events, FoundJoin, LeftOut, Outcome, Precisions, Run, RunRecord, RunStatus, Scores, Store, StoreError,
    TestLookCounts, TestLooks, TimeSplit, Worker, read_events, read_precisions, read_scores,
};
use serde::Serialize;

use crate::labelling::Labelled;

/// A run's record together with everything found beside it. It serializes to the JSON of the command.
#[derive(Serialize)]
pub(crate) struct RunView<'a> {
    id: String,
    folder: &'a Path,
    status: &'static str,
    /// The process that writes the run, while it is running.
    #[serde(skip_serializing_if = "Option::is_none")]
    worker: Option<Worker>,
    best_epoch: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alpha: Option<f64>,
    record: &'a RunRecord,
    /// What the time was spent on, where the log tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_split: Option<TimeSplit>,
    labels: Labelled,
    /// The join that was found when the dataset was made, where the experiment declares none and the dataset is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    found_join: Option<FoundJoin>,
    /// Whether the weights were removed while the records stayed.
    weights_removed: bool,
    scores: BTreeMap<Split, Scores>,
    /// How often the test split of the dataset was looked at, where this run is scored on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    test_looks: Option<TestLookCounts>,
    /// The same in words.
    #[serde(skip)]
    test_looks_described: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    precisions: Option<Precisions>,
    /// The files that cannot be read; the other fields go without their content.
    #[serde(skip)]
    damage: Vec<StoreError>,
}

impl<'a> RunView<'a> {
    /// Reads everything there is about a run. A damaged file does not hide the others.
    pub(crate) fn of(run: &'a Run, store: &Store) -> Self {
        let mut damage = Vec::new();
        let mut scores = BTreeMap::new();
        for split in Split::ALL {
            scores.extend(intact(read_scores(run, split), &mut damage).map(|found| (split, found)));
        }
        let precisions = intact(read_precisions(run), &mut damage);
        let alpha = intact(kept_alpha_of(run), &mut damage);
        // What is wrong with the dataset is said where it is needed.
        let dataset = store.dataset(&run.record().dataset).ok().flatten();
        let labels = intact(run.labels().map(Some), &mut damage).unwrap_or_default().into();
        let record = run.record();
        let status: RunStatus = run.status();
        let events = read_events(&run.events_file()).ok();
        // The last line of a run that is being written may be on its way.
        let left_out = events.as_ref().map(Events::left_out).unwrap_or_default();
        let torn = if status == RunStatus::Running { 0 } else { left_out.damaged };
        damage.extend(LeftOut { damaged: torn, ..left_out }.errors(&run.events_file()));
        let looks = scores.contains_key(&Split::Test).then(|| store.test_looks([record.dataset.as_str()]));
        let looks = looks.and_then(|looks| intact(looks.map(Some), &mut damage));
        let best_epoch = match record.end.as_ref().map(|end| &end.outcome) {
            Some(Outcome::Done { best_epoch }) => Some(*best_epoch),
            _ => None,
        };
        Self {
            id: run.id(),
            folder: run.folder(),
            status: status.as_str(),
            worker: run.worker(),
            best_epoch,
            alpha,
            record,
            time_split: events.and_then(|read| TimeSplit::of(&read.events)),
            labels,
            found_join: dataset.and_then(|dataset| dataset.record().notes.join.clone()),
            weights_removed: run.lacks_weights(),
            test_looks: looks.as_ref().map(TestLooks::counts),
            test_looks_described: looks.as_ref().map(TestLooks::described),
            scores,
            precisions,
            damage,
        }
    }

    /// Returns the errors from files that cannot be read.
    pub(crate) fn damage(&self) -> &[StoreError] {
        &self.damage
    }

    /// Describes the weights that a finished training kept: those of an epoch, or the starting ones.
    pub(crate) fn kept(&self) -> Option<String> {
        kept(self.record, self.alpha)
    }

    /// Returns the run's name in the store, `<experiment>/<run>`.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Returns how often the test split of the dataset was scored, in words, where this run is.
    pub(crate) fn test_looks(&self) -> Option<&str> {
        self.test_looks_described.as_deref()
    }

    /// Returns the run's status in words.
    pub(crate) fn status(&self) -> &'static str {
        self.status
    }

    /// Returns what the time was spent on, where the log tells it.
    pub(crate) fn time_split(&self) -> Option<TimeSplit> {
        self.time_split
    }

    /// Returns the status, with the process that writes the run where there is one.
    pub(crate) fn status_and_worker(&self) -> String {
        match &self.worker {
            Some(worker) => format!("{}: {worker}", self.status),
            None => self.status.to_owned(),
        }
    }

    /// Returns what people say about the run.
    pub(crate) fn labels(&self) -> &Labelled {
        &self.labels
    }

    /// Returns the join that was found when the dataset was made, where the experiment declares none.
    pub(crate) fn found_join(&self) -> Option<&FoundJoin> {
        self.found_join.as_ref()
    }

    /// Returns whether the weights were removed while the records stayed.
    pub(crate) fn weights_removed(&self) -> bool {
        self.weights_removed
    }

    /// Returns the scores by split, in order.
    pub(crate) fn scores(&self) -> &BTreeMap<Split, Scores> {
        &self.scores
    }

    /// Returns what the reduced precisions cost and gain.
    pub(crate) fn precisions(&self) -> Option<&Precisions> {
        self.precisions.as_ref()
    }
}

/// Returns what was read. An error is added to the damage instead.
fn intact<T>(read: Result<Option<T>, StoreError>, damage: &mut Vec<StoreError>) -> Option<T> {
    read.unwrap_or_else(|error| {
        damage.push(error);
        None
    })
}
