//! Intervals of 95 % hold the truth in 93 to 97 % of cases, and p-values are uniform where there is no difference.

use std::ops::RangeInclusive;

use cliptune_random::Random;
use cliptune_statistics::range::SHARE;
use cliptune_statistics::{
    Bootstrap, Statistic, Unusable, cluster_mean, cluster_statistic, mcnemar_mid_p, paired_differences,
    seeds_and_clusters, sign_flip,
};

use crate::simulated::{AREA, Drawn, Shape, Stated};

const OPTIONS: Bootstrap = Bootstrap { resamples: 2_000, seed: 0 };

/// The most questions about a cartoon: the contest has five to six of them on average, and some cartoons have one.
const QUESTIONS: usize = 10;

/// Returns the share of simulated cases in which the interval holds the true difference.
fn coverage(shape: &Shape, cases: u64) -> f64 {
    let holds = |case: &u64| {
        let drawn = Drawn::new(shape, &mut Random::at(1, &[*case]));
        let found = paired_differences(&[drawn.sides()], &drawn.items(), &OPTIONS).unwrap().remove(0);
        (found.difference.low..=found.difference.high).contains(&shape.difference)
    };
    (0..cases).filter(holds).count() as f64 / cases as f64
}

/// Returns the share of simulated cases in which the interval of the first side's score, over its seeds, holds its probability to be
/// right.
fn coverage_of_score(shape: &Shape, cases: u64) -> f64 {
    let holds = |case: &u64| {
        let drawn = Drawn::new(shape, &mut Random::at(3, &[*case]));
        let found = seeds_and_clusters(&drawn.sides().of, &drawn.items(), &OPTIONS).unwrap();
        assert!(found.low >= 0.0 && found.high <= 1.0, "{found:?}");
        (found.low..=found.high).contains(&shape.share())
    };
    (0..cases).filter(holds).count() as f64 / cases as f64
}

/// A number of all answers that is no mean, by their confidences and by which of them are right.
type OfConfidence = fn(&[f64], &[f64]) -> Result<Statistic, Unusable>;

fn ece(confidence: &[f64], right: &[f64]) -> Result<Statistic, Unusable> {
    Statistic::ece(confidence, right, &OPTIONS)
}

/// Returns the share of simulated cases in which the interval of a statistic holds the truth, with confidences that are too high by
/// an amount.
fn coverage_of_statistic(of: OfConfidence, truth: f64, (groups, too_high): (usize, f64), cases: u64) -> f64 {
    let holds = |case: &u64| {
        let drawn = Stated::new(groups, QUESTIONS, too_high, &mut Random::at(4, &[*case]));
        let statistic = of(&drawn.confidence, &drawn.right).unwrap();
        let found = cluster_statistic(&[statistic], &drawn.groups, &OPTIONS).unwrap();
        assert!(found.low >= 0.0 && found.high <= 1.0, "{found:?}");
        (found.low..=found.high).contains(&truth)
    };
    (0..cases).filter(holds).count() as f64 / cases as f64
}

/// Returns what the share of so many cases may be where a program in C found a reference, with as many resamples ([`OPTIONS`]), 600 to
/// 5,000 cases and other random numbers: within four standard errors.
fn near(reference: f64, cases: u64) -> RangeInclusive<f64> {
    let noise = 4.0 * (reference * (1.0 - reference) / cases as f64).sqrt();
    reference - noise..=reference + noise
}

/// Returns the p-values of simulated cases.
fn p_values(shape: &Shape, cases: u64, p_value: impl Fn(&Drawn) -> f64) -> Vec<f64> {
    (0..cases).map(|case| p_value(&Drawn::new(shape, &mut Random::at(2, &[case])))).collect()
}

/// Asserts that about as many p-values are below some levels as should be. `slack` is what the steps of a p-value may take
/// away; nothing may add to it but three standard errors.
fn assert_uniform(p_values: &[f64], slack: f64) {
    let cases = p_values.len() as f64;
    for level in [0.01, 0.05, 0.1, 0.25, 0.5] {
        let below = p_values.iter().filter(|p| **p <= level).count() as f64 / cases;
        let noise = 3.0 * (level * (1.0 - level) / cases).sqrt();
        assert!(
            (level - slack * level - noise..=level + noise).contains(&below),
            "{below} are below {level}"
        );
    }
}

fn flipped(drawn: &Drawn) -> f64 {
    sign_flip(&drawn.differences(), &drawn.items(), &OPTIONS).unwrap().p_value
}

fn mid_p(drawn: &Drawn) -> f64 {
    let differences = drawn.differences();
    let only = |sign: f64| differences.iter().filter(|difference| **difference == sign).count();
    mcnemar_mid_p(only(1.0), only(-1.0))
}

fn resampled(drawn: &Drawn) -> f64 {
    paired_differences(&[drawn.sides()], &drawn.items(), &OPTIONS).unwrap()[0].p_value
}

#[test]
fn intervals_hold_the_truth_about_as_often_as_they_say() {
    for (groups, seeds, reference) in
        [(10, [1, 1], 0.934), (10, [3, 3], 0.961), (60, [1, 1], 0.941), (60, [3, 1], 0.951)]
    {
        let shape = Shape { groups, questions: QUESTIONS, seeds, difference: 0.1, folds: 1 };
        let covered = coverage(&shape, 800);
        assert!(near(reference, 800).contains(&covered), "{groups} groups, {seeds:?} seeds: {covered}");
    }
}

#[test]
fn intervals_of_scores_hold_the_truth_about_as_often_as_they_say() {
    for (groups, seeds, reference) in [(10, 1, 0.941), (20, 1, 0.944), (60, 1, 0.952), (20, 3, 0.951)] {
        let shape = Shape { groups, questions: QUESTIONS, seeds: [seeds, 1], difference: 0.1, folds: 1 };
        let covered = coverage_of_score(&shape, 800);
        assert!(near(reference, 800).contains(&covered), "{groups} groups, {seeds} seeds: {covered}");
    }
    for (groups, reference) in [(10, 0.946), (60, 0.944)] {
        let covered = coverage_of_statistic(Statistic::aurc, AREA, (groups, 0.0), 400);
        assert!(near(reference, 400).contains(&covered), "aurc of {groups} groups: {covered}");
    }
}

/// The estimate itself is too high where there are few answers, so the interval reaches further down, and may hold the truth too often.
/// A confidence that is exactly right has the smallest error that there is, and is held less often.
#[test]
fn intervals_of_calibration_errors_hold_the_truth_at_least_about_as_often_as_they_say() {
    for (groups, too_high, reference) in [(10, 0.1, 0.971), (60, 0.1, 0.940), (10, 0.0, 0.841)] {
        let covered = coverage_of_statistic(ece, too_high, (groups, too_high), 400);
        assert!(near(reference, 400).contains(&covered), "{groups} groups, {too_high}: {covered}");
    }
}

#[test]
fn intervals_of_a_few_single_items_hold_the_truth_as_often_as_they_say() {
    for groups in [2, 3, 4, 5] {
        let names: Vec<String> = (0..groups).map(|group| group.to_string()).collect();
        let holds = |case: &u64| {
            let random = &mut Random::at(5, &[*case]);
            let nearly_normal = |random: &mut Random| (0..4).map(|_| random.between(-0.1, 0.1)).sum::<f64>();
            let values: Vec<f64> = (0..groups).map(|_| 0.5 + nearly_normal(random)).collect();
            let found = cluster_mean(&values, SHARE, &names, &OPTIONS).unwrap();
            (found.low..=found.high).contains(&0.5)
        };
        // Of 60,000 cases, by Python: 94.9, 95.0, 94.7 and 94.9 %. Cut at the smallest and the largest item, they were 50.1, 75.2, 87.4 and
        // 92.9 %. Four standard errors of 2,000 cases are 1.9 %.
        let covered = (0..2_000).filter(holds).count() as f64 / 2_000.0;
        assert!((0.95 - 0.02..=0.95 + 0.02).contains(&covered), "{groups} groups: {covered}");
    }
}

#[test]
fn intervals_of_uneven_folds_hold_the_truth_about_as_often_as_they_say() {
    let shape = Shape { groups: 60, questions: QUESTIONS, seeds: [3, 1], difference: 0.1, folds: 4 };
    let covered = coverage(&shape, 800);
    assert!(near(0.952, 800).contains(&covered), "{covered}");
    let covered = coverage_of_score(&Shape { seeds: [1, 1], ..shape }, 800);
    assert!(near(0.940, 800).contains(&covered), "{covered}");
}

#[test]
fn p_values_are_uniform_where_there_is_no_difference() {
    let shape = |groups, questions, seeds| Shape { groups, questions, seeds, difference: 0.0, folds: 1 };
    assert_uniform(&p_values(&shape(60, QUESTIONS, [1, 1]), 600, flipped), 0.1);
    let uneven = Shape { folds: 4, ..shape(60, QUESTIONS, [1, 1]) };
    assert_uniform(&p_values(&uneven, 600, flipped), 0.1);
    assert_uniform(&p_values(&shape(200, 1, [1, 1]), 2_000, mid_p), 0.2);
    assert_uniform(&p_values(&shape(60, QUESTIONS, [3, 3]), 600, resampled), 0.3);
}

/// Three standard errors of 5,000 cases.
const NOISE: f64 = 0.009;

/// `cargo test -p cliptune-statistics -- --ignored --nocapture` takes some minutes and prints the table.
#[test]
#[ignore = "takes some minutes"]
fn intervals_hold_the_truth_in_93_to_97_of_100_cases() {
    println!("groups  seeds  covered");
    let mut wrong = Vec::new();
    for groups in [10, 20, 50, 130, 500] {
        for seeds in [[1, 1], [3, 1], [3, 3], [5, 5]] {
            let shape = Shape { groups, questions: QUESTIONS, seeds, difference: 0.1, folds: 1 };
            let covered = coverage(&shape, 5_000);
            println!("{groups:6}  {}:{}    {covered:.4}", seeds[0], seeds[1]);
            if !(0.93 - NOISE..=0.97 + NOISE).contains(&covered) {
                wrong.push((groups, seeds, covered));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// As above, where folds of half, a quarter and twice an eighth of the cartoons count alike.
#[test]
#[ignore = "takes some minutes"]
fn intervals_of_uneven_folds_hold_the_truth_in_93_to_97_of_100_cases() {
    println!("groups  seeds  covered");
    let mut wrong = Vec::new();
    for groups in [20, 50, 130, 500] {
        let shape = |seeds| Shape { groups, questions: QUESTIONS, seeds, difference: 0.1, folds: 4 };
        let mut check = |what: &str, covered: f64| {
            println!("{groups:6}  {what:5}  {covered:.4}");
            // The score of 20 groups is nearest to a bound: 93.1 % of 5,000 cases by a program in C.
            if !(0.93 - NOISE..=0.97 + NOISE).contains(&covered) {
                wrong.push((groups, what.to_owned(), covered));
            }
        };
        check("1:1", coverage(&shape([1, 1]), 5_000));
        check("3:3", coverage(&shape([3, 3]), 5_000));
        check("score", coverage_of_score(&shape([1, 1]), 5_000));
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// As above, of scores and of numbers that are no mean. The largest ones are simulated less often.
#[test]
#[ignore = "takes some minutes"]
fn intervals_of_scores_hold_the_truth_in_93_to_97_of_100_cases() {
    println!("groups  score   covered");
    let mut wrong = Vec::new();
    let mut check = |groups: usize, what: &str, covered: f64, expected: RangeInclusive<f64>| {
        println!("{groups:6}  {what:6}  {covered:.4}");
        if !expected.contains(&covered) {
            wrong.push((groups, what.to_owned(), covered));
        }
    };
    let sizes = [
        (10, 5_000, 0.841),
        (20, 5_000, 0.876),
        (50, 5_000, 0.897),
        (200, 2_000, 0.902),
        (500, 1_000, 0.913),
    ];
    for (groups, cases, of_calibrated) in sizes {
        for seeds in [1, 3] {
            let shape = Shape { groups, questions: QUESTIONS, seeds: [seeds, 1], difference: 0.1, folds: 1 };
            // Of three seeds and hundreds of groups, nearly all of the variance is that of the seeds: docs/scoring.md has 92.1 %.
            let least = if seeds > 1 && groups >= 200 { 0.92 } else { 0.93 };
            let expected = least - NOISE..=0.97 + NOISE;
            check(groups, &format!("{seeds} seed"), coverage_of_score(&shape, 5_000), expected);
        }
        // Three standard errors, of fewer cases.
        let noise = 3.0 * (0.95 * 0.05 / cases as f64).sqrt();
        let covered = coverage_of_statistic(Statistic::aurc, AREA, (groups, 0.0), cases);
        check(groups, "aurc", covered, 0.93 - noise..=0.97 + noise);
        for too_high in [0.05, 0.1, 0.15] {
            let covered = coverage_of_statistic(ece, too_high, (groups, too_high), cases);
            // Of many answers, the error is estimated a little too low: docs/scoring.md has 91.1 to 92.8 % where it is worst.
            let least = if groups >= 50 { 0.91 } else { 0.93 };
            check(groups, &format!("ece {too_high}"), covered, least - noise..=0.99 + noise);
        }
        // What is exactly calibrated is held less often.
        let covered = coverage_of_statistic(ece, 0.0, (groups, 0.0), cases);
        check(groups, "ece 0", covered, near(of_calibrated, cases));
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// As above.
#[test]
#[ignore = "takes some minutes"]
fn p_values_are_uniform_for_every_number_of_groups() {
    for groups in [10, 20, 50, 130, 500] {
        let shape = |questions, seeds| Shape { groups, questions, seeds, difference: 0.0, folds: 1 };
        println!("{groups} groups");
        // The fewer groups, the more a p-value goes in steps.
        assert_uniform(
            &p_values(&shape(QUESTIONS, [1, 1]), 5_000, flipped),
            if groups < 50 { 0.4 } else { 0.1 },
        );
        // With ten groups, those of several seeds are too large: below 0.01 are 0.0014 of them.
        let slack = if groups < 20 { 0.7 } else { 0.4 };
        assert_uniform(&p_values(&shape(QUESTIONS, [3, 3]), 5_000, resampled), slack);
        if groups >= 130 {
            assert_uniform(&p_values(&shape(1, [1, 1]), 5_000, mid_p), 0.2);
        }
    }
}
