//! What a side reaches in every metric, over all its seeds and folds.

use cliptune_experiment::TaskKind;
use cliptune_statistics::{
    Bootstrap, Grouping, Unusable, cluster_statistic, seeds_and_cluster_means, seeds_and_clusters,
};
use cliptune_store::{Estimate, Prediction};

use crate::answers::Answers;
use crate::estimate;
use crate::metric::{Metric, Of, metrics};

/// Returns the metrics that answers tell, each with an interval over groups and, where there are several, over seeds. They come in
/// the order of `scores.json`, except that one which the predictions do not tell is left out.
///
/// # Errors
/// Returns an error when nothing can be said about the answers, because there are none.
pub fn reached(
    task: TaskKind,
    answers: &Answers,
    options: &Bootstrap,
) -> Result<Vec<(&'static str, Estimate)>, Unusable> {
    let items = answers.grouping();
    let told = metrics(task).into_iter().filter_map(|metric| of_metric(metric, answers, &items, options));
    told.collect()
}

fn of_metric(
    metric: Metric,
    answers: &Answers,
    items: &impl Grouping,
    options: &Bootstrap,
) -> Option<Result<(&'static str, Estimate), Unusable>> {
    let interval = match metric.of {
        Of::Share(of) => seeds_and_clusters(&told(of, answers)?, items, options),
        Of::Mean(range, of) => seeds_and_cluster_means(&told(of, answers)?, range, items, options),
        Of::All(of) => cluster_statistic(&answers.statistics(of).ok()?, items, options),
    };
    Some(interval.map(|interval| (metric.name, estimate(interval))))
}

/// Returns a number of each answer, in one list per seed, if all predictions tell it.
fn told(of: fn(&Prediction) -> f64, answers: &Answers) -> Option<Vec<Vec<f64>>> {
    let values = answers.values(&of);
    values.iter().flatten().all(|value| value.is_finite()).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::tests::{answers, run};

    #[test]
    fn every_metric_has_an_interval_over_seeds() {
        let shares = |seed: usize| {
            (0..60)
                .map(|i| f64::from(u8::from(!usize::is_multiple_of(i + i / 5 * seed, 3))))
                .collect::<Vec<_>>()
        };
        let mut three = answers(&shares(0), |item| item / 2);
        three.seeds.extend((1..3).map(|seed| answers(&shares(seed), |item| item / 2).seeds.remove(0)));
        let found = reached(TaskKind::Choice, &three, &Bootstrap { resamples: 500, seed: 0 }).unwrap();
        let names: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["accuracy", "label_prob", "nll", "brier", "ece", "mrr", "aurc"]);
        for (name, one) in &found {
            assert!(one.low < one.value && one.value < one.high, "{name} {one:?}");
            assert!(one.method.contains("crossed with 3 seeds"), "{name} {one:?}");
        }
    }

    #[test]
    fn answers_that_are_all_right_are_exactly_right_in_uneven_folds() {
        let options = Bootstrap { resamples: 500, seed: 0 };
        let folds = |seed| [(0, 3), (1, 5), (2, 5)].map(|(fold, items)| run(fold, seed, &vec![1.0; items]));
        for seeds in [1, 2] {
            let pooled = Answers::of((0..seeds).flat_map(folds).collect(), Some(3));
            let found = reached(TaskKind::Choice, &pooled, &options).unwrap();
            let (accuracy, aurc) = (&found[0].1, &found[6].1);
            assert!(accuracy.value == 1.0 && accuracy.low < 1.0 && accuracy.high == 1.0, "{accuracy:?}");
            assert!(aurc.value == 0.0 && aurc.low >= 0.0, "{aurc:?}");
        }
    }

    #[test]
    fn one_seed_of_single_items_keeps_its_means() {
        let one = answers(&(0..40).map(|i| f64::from(i % 2)).collect::<Vec<_>>(), |item| item);
        let found = reached(TaskKind::Choice, &one, &Bootstrap { resamples: 500, seed: 0 }).unwrap();
        // (-ln 0.7 - ln 0.2) / 2
        let nll = &found[2].1;
        assert!((nll.value - 0.983_056_428_186_416_4).abs() < 1e-12 && nll.low < nll.value, "{nll:?}");
    }
}
