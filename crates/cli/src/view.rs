//! A run as `ls` and `show` present it.

use std::collections::BTreeMap;
use std::path::Path;

use cliptune_experiment::Split;
use cliptune_store::{
    Outcome, Precisions, Run, RunRecord, RunStatus, Scores, StoreError, read_events, read_precisions,
    read_scores,
};
use cliptune_terminal::format;
use serde::Serialize;

/// A run's record with all that is found beside it; as it is, its JSON.
#[derive(Serialize)]
pub(crate) struct RunView<'a> {
    id: String,
    folder: &'a Path,
    status: &'static str,
    best_epoch: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alpha: Option<f64>,
    record: &'a RunRecord,
    scores: BTreeMap<Split, Scores>,
    #[serde(skip_serializing_if = "Option::is_none")]
    precisions: Option<Precisions>,
}

impl<'a> RunView<'a> {
    /// Reads what is there.
    pub(crate) fn of(run: &'a Run) -> Result<Self, StoreError> {
        let mut scores = BTreeMap::new();
        for split in Split::ALL {
            scores.extend(read_scores(run, split)?.map(|found| (split, found)));
        }
        let precisions = read_precisions(run)?;
        let record = run.record();
        let status: RunStatus = run.status();
        let best_epoch = match record.end.as_ref().map(|end| &end.outcome) {
            Some(Outcome::Done { best_epoch }) => Some(*best_epoch),
            _ => None,
        };
        Ok(Self {
            id: run.id(),
            folder: run.folder(),
            status: status.as_str(),
            best_epoch,
            alpha: kept_alpha(run)?,
            record,
            scores,
            precisions,
        })
    }

    /// `<experiment>/<run>`.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Where it stands.
    pub(crate) fn status(&self) -> &'static str {
        self.status
    }

    /// The epoch whose weights were kept.
    pub(crate) fn best_epoch(&self) -> Option<usize> {
        self.best_epoch
    }

    /// Where between the starting weights (0) and those of that epoch (1) the ones that were kept lie, if it was asked.
    pub(crate) fn alpha(&self) -> Option<f64> {
        self.alpha
    }

    /// The scores by split, in order.
    pub(crate) fn scores(&self) -> &BTreeMap<Split, Scores> {
        &self.scores
    }

    /// What the reduced precisions cost and gain.
    pub(crate) fn precisions(&self) -> Option<&Precisions> {
        self.precisions.as_ref()
    }

    /// The scores of a split.
    pub(crate) fn scored(&self, split: Split) -> Option<&Scores> {
        self.scores.get(&split)
    }

    /// The first metric of a split with its interval: accuracy for choices, recall@1 for pairs.
    pub(crate) fn main_score(&self, split: Split) -> Option<String> {
        let (_, estimate) = self.scored(split)?.metrics.0.first()?;
        Some(format::estimate(estimate.value, estimate.low, estimate.high))
    }
}

/// Told by the log alone, which is long: it is read only where there is something to find.
fn kept_alpha(run: &Run) -> Result<Option<f64>, StoreError> {
    let tries = run.record().plan.train.as_ref().is_some_and(|train| !train.interpolate.is_empty());
    if !tries {
        return Ok(None);
    }
    Ok(cliptune_store::kept_alpha(&read_events(&run.events_file())?.events))
}
