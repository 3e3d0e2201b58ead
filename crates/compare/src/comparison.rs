//! How one side does compared with another, in every metric.

use cliptune_experiment::TaskKind;
use cliptune_statistics::{
    Bootstrap, Grouping, Paired, Sides, Unusable, paired_differences, paired_statistics,
};
use cliptune_store::{Estimate, is_lower_better};

use crate::answers::Answers;
use crate::difference::Difference;
use crate::error::CompareError;
use crate::estimate;
use crate::metric::{Metric, metrics};
use crate::table::Agreement;
use crate::values::{Both, Values};

/// How one side does compared with the baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The number of items.
    pub n_items: usize,
    /// The number of groups that they come from.
    pub n_groups: usize,
    /// The metric that is judged.
    pub metric: &'static str,
    /// The difference in that metric, with its test and its verdict.
    pub judged: Difference,
    /// The difference in every metric that the answers of both sides tell, the judged one included. Those of the others are
    /// neither tested nor corrected.
    pub metrics: Vec<Measured>,
    /// On how many items the sides agree.
    pub agreement: Agreement,
}

/// A metric of both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The name, as in `scores.json`.
    pub name: &'static str,
    /// Whether a lower value is better.
    pub is_lower_better: bool,
    /// The value that the baseline reached, over all seeds and folds.
    pub baseline: f64,
    /// The value that the other side reached.
    pub value: f64,
    /// The difference, as paired on the items.
    pub delta: Estimate,
}

impl Comparison {
    /// Compares answers with those of the baseline, and judges them by a metric, or by the first one of the task. Where each side
    /// has folds of its own, those of the baseline decide how much an item counts: it has to count alike on both sides.
    ///
    /// # Errors
    /// Returns an error when the items are not the same, or when the metric is none or cannot be told.
    pub fn of(
        task: TaskKind,
        answers: &Answers,
        baseline: &Answers,
        metric: Option<&str>,
    ) -> Result<Self, CompareError> {
        baseline.expect_same_items(answers)?;
        let all = metrics(task);
        let name = judged_by(&all, metric)?;
        let items = baseline.grouping();
        let told = all.into_iter().filter_map(|metric| Values::of(metric, answers, baseline));
        let told: Vec<Values> = told.filter(|one| one.metric.name == name || !one.say_nothing()).collect();
        let differences = differences(&told, &items)?;
        let found = told.iter().zip(&differences).find(|(values, _)| values.metric.name == name);
        let Some((values, paired)) = found else { return Err(CompareError::Untold { metric: name }) };
        let judged = match values.sides() {
            Some(sides) => {
                Difference::judged(&sides, &items, paired.clone(), is_lower_better(values.metric.name))?
            }
            None => Difference::resampled(paired.clone(), is_lower_better(values.metric.name)),
        };
        let measured = told.iter().zip(differences).map(|(values, paired)| Measured {
            name: values.metric.name,
            is_lower_better: is_lower_better(values.metric.name),
            baseline: paired.against,
            value: paired.of,
            delta: estimate(paired.difference),
        });
        Ok(Self {
            n_items: baseline.items().len(),
            n_groups: baseline.group_count(),
            metric: name,
            judged,
            metrics: measured.collect(),
            agreement: Agreement::of(baseline, answers),
        })
    }
}

/// Returns the difference in each metric. The groups are drawn once for all means.
fn differences(told: &[Values], items: &impl Grouping) -> Result<Vec<Paired>, CompareError> {
    let options = Bootstrap::default();
    let sides: Vec<Sides<'_>> = told.iter().filter_map(Values::sides).collect();
    let mut of_means = paired_differences(&sides, items, &options)?.into_iter();
    let difference = |values: &Values| match &values.both {
        Both::All { of, against } => Ok(paired_statistics(of, against, items, &options)?),
        Both::Each { .. } => of_means.next().ok_or(CompareError::Statistics(Unusable::Empty)),
    };
    told.iter().map(difference).collect()
}

fn judged_by(all: &[Metric], wanted: Option<&str>) -> Result<&'static str, CompareError> {
    let names = || all.iter().map(|metric| metric.name);
    match wanted {
        None => names().next().ok_or(CompareError::NoMetric { name: String::new(), known: Vec::new() }),
        Some(wanted) => names()
            .find(|name| *name == wanted)
            .ok_or_else(|| CompareError::NoMetric { name: wanted.to_owned(), known: names().collect() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::tests::{answers, change, run};
    use crate::difference::Test;
    use crate::verdict::Verdict;

    /// Returns two sides that agree on half of 240 items, of which the second is right about more of the others.
    fn two() -> (Answers, Answers) {
        let share = |item: usize, lucky: usize| f64::from(u8::from(item % 4 < 2 || item % 12 == lucky));
        let a: Vec<f64> = (0..240).map(|item| share(item, 2)).collect();
        let b: Vec<f64> = (0..240).map(|item| share(item, 3).max(share(item, 7))).collect();
        (answers(&a, |item| item / 3), answers(&b, |item| item / 3))
    }

    #[test]
    fn every_metric_is_compared_and_one_is_judged() {
        let (a, b) = two();
        let found = Comparison::of(TaskKind::Choice, &b, &a, None).unwrap();
        assert_eq!((found.n_items, found.n_groups, found.metric), (240, 80, "accuracy"));
        let names: Vec<&str> = found.metrics.iter().map(|one| one.name).collect();
        assert_eq!(names, ["accuracy", "label_prob", "nll", "brier", "ece", "mrr", "aurc"]);
        // 2/4 and 1/12 of the items, and 2/12.
        let accuracy = &found.metrics[0];
        assert!(
            (accuracy.baseline - 7.0 / 12.0).abs() < 1e-12 && (accuracy.value - 8.0 / 12.0).abs() < 1e-12
        );
        assert_eq!((&accuracy.delta, found.judged.verdict), (&found.judged.delta, Verdict::Improved));
        assert_eq!((found.agreement.only_a, found.agreement.only_b), (20.0, 40.0));
    }

    #[test]
    fn a_likelihood_is_better_when_it_is_lower() {
        let (a, b) = two();
        let found = Comparison::of(TaskKind::Choice, &b, &a, Some("nll")).unwrap();
        assert!(found.judged.delta.high < 0.0 && found.judged.verdict == Verdict::Improved, "{found:?}");
        let back = Comparison::of(TaskKind::Choice, &a, &b, Some("nll")).unwrap();
        assert!(back.judged.verdict == Verdict::Worse && back.judged.loss() > 0.0, "{back:?}");
    }

    #[test]
    fn a_metric_that_is_no_mean_can_be_judged() {
        let (a, b) = two();
        let found = Comparison::of(TaskKind::Choice, &b, &a, Some("ece")).unwrap();
        assert_eq!((found.metric, found.judged.test), ("ece", Test::Resamples));
        let ece = found.metrics.iter().find(|one| one.name == "ece").unwrap();
        assert!((ece.value - ece.baseline - found.judged.delta.value).abs() < 1e-12, "{ece:?}");
        assert!(ece.is_lower_better && ece.delta.low < ece.delta.high, "{ece:?}");
    }

    #[test]
    fn folds_count_alike_whatever_their_sizes() {
        // The one side gets the first of three folds right, the other one all of them.
        let side = |others: f64| {
            let folds = [(0, 1.0, 4), (1, others, 8), (2, others, 12)];
            let runs = folds.map(|(fold, share, items)| run(fold, 0, &vec![share; items]));
            Answers::of(runs.to_vec(), Some(3))
        };
        let found = Comparison::of(TaskKind::Choice, &side(1.0), &side(0.0), None).unwrap();
        let accuracy = &found.metrics[0];
        assert!((accuracy.baseline - 1.0 / 3.0).abs() < 1e-12 && accuracy.value == 1.0, "{accuracy:?}");
        assert!(
            (accuracy.delta.value - 2.0 / 3.0).abs() < 1e-12 && accuracy.delta.high <= 1.0,
            "{accuracy:?}"
        );
    }

    #[test]
    fn what_one_side_does_not_tell_is_left_out() {
        let (a, mut b) = two();
        let names = |b: &Answers| -> Vec<&str> {
            Comparison::of(TaskKind::Choice, b, &a, None)
                .unwrap()
                .metrics
                .iter()
                .map(|one| one.name)
                .collect()
        };
        // Probabilities tell as much as logits do.
        b.seeds[0].iter_mut().for_each(|one| change(one, |chosen| chosen.logits.clear()));
        assert_eq!(names(&b), ["accuracy", "label_prob", "nll", "brier", "ece", "mrr", "aurc"]);
        b.seeds[0].iter_mut().for_each(|one| change(one, |chosen| chosen.probs.clear()));
        assert_eq!(names(&b), ["accuracy", "label_prob"]);
        let untold = Comparison::of(TaskKind::Choice, &b, &a, Some("nll"));
        assert!(matches!(untold, Err(CompareError::Untold { metric: "nll" })), "{untold:?}");
        let unknown = Comparison::of(TaskKind::Choice, &b, &a, Some("acuracy"));
        assert!(matches!(unknown, Err(CompareError::NoMetric { .. })), "{unknown:?}");
    }
}
