//! What is printed for the user, and for the programs that read `--json`.

use cliptune_store::{
    ReducedPrecision, Run, Scores, StoreError, read_precisions, read_scores, unless_damaged,
};
use cliptune_terminal::Printer;
use serde::Serialize;

/// The scores of one split of one run, as `--json` prints them.
#[derive(Debug, Serialize)]
pub(crate) struct Scored {
    /// `<experiment>/<run>`.
    pub(crate) run: String,
    /// The scores of the split.
    #[serde(flatten)]
    pub(crate) scores: Scores,
}

impl Scored {
    /// Returns the scores of those splits of a run that have been scored, in the order of the plan.
    pub(crate) fn of(run: &Run) -> Result<Vec<Self>, StoreError> {
        let mut scored = Vec::new();
        for &split in &run.record().plan.score.splits {
            scored.extend(
                unless_damaged(read_scores(run, split))?.map(|scores| Self { run: run.id(), scores }),
            );
        }
        Ok(scored)
    }

    /// Returns the scores in a line: `tuned/20260101-abc-s0 test: accuracy 0.621 [0.579, 0.661] (780 items, 210 groups;
    /// chance 0.200)`.
    ///
    /// The majority baseline is mentioned where it is more than chance, and tied items where there are any.
    pub(crate) fn line(&self) -> String {
        let Scores { split, n_items, n_groups, .. } = &self.scores;
        let headline = match self.scores.metrics.0.first() {
            Some((name, estimate)) => {
                format!("{name} {:.3} [{:.3}, {:.3}]", estimate.value, estimate.low, estimate.high)
            }
            None => "no metrics".to_owned(),
        };
        format!(
            "{} {split}: {headline} ({n_items} items, {n_groups} groups; {})",
            self.run,
            self.scores.remarks()
        )
    }
}

/// Returns a line for each reduced precision of a run: `tuned/20260101-abc-s0 int8: kept; accuracy …`.
pub(crate) fn precision_lines(run: &Run) -> Result<Vec<String>, StoreError> {
    let Some(precisions) = unless_damaged(read_precisions(run))? else { return Ok(Vec::new()) };
    let line = |reduced: &ReducedPrecision| {
        format!("{} {}: {}", run.id(), reduced.precision, precisions.summary(reduced))
    };
    Ok(precisions.reduced.iter().map(line).collect())
}

/// Prints one line per split and per reduced precision for the user, or the scores as JSON.
pub(crate) fn tell(scored: &[Scored], precisions: &[String], printer: &Printer) {
    scored.iter().map(Scored::line).chain(precisions.iter().cloned()).for_each(|line| printer.status(&line));
    if printer.is_json() {
        printer.json(&scored);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cliptune_experiment::{Split, TaskKind};
    use cliptune_store::{Estimate, Metrics, Parity, SCORES_FORMAT};

    #[test]
    fn a_line_says_the_first_metric_and_what_it_is_of() {
        let method = "cluster bootstrap".to_owned();
        let estimate = Estimate { value: 0.6208, low: 0.579, high: 0.6612, method };
        let scores = Scores {
            format_version: SCORES_FORMAT,
            split: Split::Test,
            task: TaskKind::Choice,
            n_items: 780,
            n_groups: 210,
            n_tied: 0,
            n_equal_choices: 0,
            chance: 0.2,
            majority: 0.2,
            logit_scale: 100.0,
            is_scale_constant: false,
            metrics: Metrics(vec![("accuracy".to_owned(), estimate)]),
            chances: std::collections::BTreeMap::new(),
            classes: None,
            positions: Vec::new(),
            risk_coverage: Vec::new(),
            nearest: Vec::new(),
            controls: Vec::new(),
            parity: Some(Parity {
                n_items: 8,
                max_logit_difference: 1e-4,
                answers_agree: 8,
                tolerance: 1e-3,
            }),
        };
        let mut scored = Scored { run: "tuned/x-s0".to_owned(), scores };
        insta::assert_snapshot!(scored.line(), @"tuned/x-s0 test: accuracy 0.621 [0.579, 0.661] (780 items, 210 groups; chance 0.200)");
        assert!(
            serde_json::to_string(&scored).unwrap().starts_with(r#"{"run":"tuned/x-s0","format_version":"#)
        );
        (scored.scores.n_tied, scored.scores.majority) = (3, 0.314);
        insta::assert_snapshot!(scored.line(), @"tuned/x-s0 test: accuracy 0.621 [0.579, 0.661] (780 items, 210 groups; chance 0.200, always the most frequent answer 0.314; 3 items tied)");
        scored.scores.n_groups = 8;
        let few = "3 items tied; each interval is from fewer than ten groups, so it is rough)";
        assert!(scored.line().ends_with(few), "{}", scored.line());
    }
}
