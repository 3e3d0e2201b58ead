//! Which runs of an experiment are best, by a metric that they were scored with.

use std::fmt;
use std::str::FromStr;

use cliptune_experiment::{Impossible, Split};

use crate::error::StoreError;
use crate::run::{Run, RunStatus};
use crate::scores::read_scores;
use crate::standings::unless_damaged;

/// A metric on a split: `validation.accuracy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    split: Split,
    name: String,
}

impl FromStr for Metric {
    type Err = Impossible;

    fn from_str(text: &str) -> Result<Self, Impossible> {
        let parts = text.split_once('.').filter(|(_, name)| !name.is_empty());
        let split = |name: &str| Split::ALL.into_iter().find(|split| split.as_str() == name);
        parts.and_then(|(first, name)| Some(Self { split: split(first)?, name: name.to_owned() })).ok_or_else(
            || Impossible("expected a split and a metric, such as validation.accuracy".to_owned()),
        )
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.split, self.name)
    }
}

/// Returns whether a lower value of a metric is better, as of losses, errors, risks and ranks. This is the only place that knows.
pub fn is_lower_better(metric: &str) -> bool {
    matches!(metric, "nll" | "brier" | "ece" | "aurc")
        || metric.ends_with("_rank")
        || metric.ends_with("loss")
}

/// Returns what a value of a metric is worth: the value itself, turned around where lower is better. Of equal merits, the one of
/// the newest run counts as best.
pub fn merit(metric: &str, value: f64) -> f64 {
    if is_lower_better(metric) { -value } else { value }
}

impl Metric {
    /// Returns what the value that a run has reached is worth.
    fn merit(&self, run: &Run) -> Result<Option<f64>, StoreError> {
        let scores = unless_damaged(read_scores(run, self.split))?;
        let value = scores.and_then(|scores| scores.metrics.get(&self.name).map(|estimate| estimate.value));
        let value = value.filter(|value| !value.is_nan());
        Ok(value.map(|value| merit(&self.name, value)))
    }
}

/// Returns the merit by the first metric of the validation split, such as the accuracy. The test split has no say in
/// which runs are kept unless it is asked.
fn usual_merit(run: &Run) -> Result<Option<f64>, StoreError> {
    let scores = unless_damaged(read_scores(run, Split::Validation))?;
    let first = scores.and_then(|scores| scores.metrics.0.into_iter().next());
    let first = first.filter(|(_, estimate)| !estimate.value.is_nan());
    Ok(first.map(|(name, estimate)| merit(&name, estimate.value)))
}

/// Returns the completed runs that have a metric, the best first, and of equal ones the newest first. Runs without it are
/// not judged. Without a metric it is the first one of the validation split.
///
/// # Errors
///
/// Returns an error when scores cannot be read for another reason than damage.
pub fn ranked<'a>(runs: &[&'a Run], by: Option<&Metric>) -> Result<Vec<&'a Run>, StoreError> {
    let mut judged = Vec::new();
    for run in runs.iter().rev().filter(|run| run.status() == RunStatus::Done) {
        let merit = by.map_or_else(|| usual_merit(run), |metric| metric.merit(run))?;
        judged.extend(merit.map(|merit| (merit, *run)));
    }
    judged.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    Ok(judged.into_iter().map(|(_, run)| run).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_a_split_and_a_name() {
        let metric = |text: &str| text.parse::<Metric>();
        assert_eq!(
            metric("validation.image_to_text_recall@1").unwrap().to_string(),
            "validation.image_to_text_recall@1"
        );
        for wrong in ["accuracy", "dev.accuracy", "test.", "", "."] {
            assert!(metric(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn losses_and_ranks_are_better_when_they_are_lower() {
        for metric in ["nll", "brier", "ece", "aurc", "image_to_text_median_rank", "loss"] {
            assert!(merit(metric, 1.0) > merit(metric, 2.0), "{metric}");
        }
        for metric in ["accuracy", "mrr", "label_prob", "image_to_text_recall@1"] {
            assert!(merit(metric, 1.0) < merit(metric, 2.0), "{metric}");
        }
    }
}
