//! Differences are those of published tests.

use super::*;
use crate::Weighted;

const ANY: Range = (f64::NEG_INFINITY, f64::INFINITY);

fn groups(items: usize) -> Vec<String> {
    (0..items).map(|i| (i / 2).to_string()).collect()
}

fn compare(of: &[&[f64]], against: &[&[f64]], groups: &impl Grouping) -> Paired {
    let sides = Sides { of: of.to_vec(), against: against.to_vec(), range: ANY };
    paired_differences(&[sides], groups, &Bootstrap::default()).unwrap().remove(0)
}

#[test]
fn pairing_removes_what_is_common() {
    // Both runs vary widely from item to item, but they differ by 0.1 on every second item.
    let a: Vec<f64> = (0..100).map(|i| f64::from(i * 37 % 100) / 100.0).collect();
    let b: Vec<f64> = a.iter().enumerate().map(|(i, a)| if i % 4 < 2 { a - 0.1 } else { *a }).collect();
    let found = compare(&[&a], &[&b], &groups(100));
    let interval = &found.difference;
    assert!((interval.value - 0.05).abs() < 0.003, "{interval:?}");
    // The 50 groups are at 0 or 0.1, so the standard error is 0.05 / √49. scipy: t.ppf(0.975, 49) -> 2.0096
    let half = (interval.high - interval.low) / 2.0;
    assert!((half - 2.0096 * 0.05 / 49_f64.sqrt()).abs() < 0.001, "{interval:?}");
    assert!((found.standard_error.unwrap() - 0.05 / 7.0).abs() < 1e-9 && found.freedom == 49.0, "{found:?}");
    assert_eq!(interval.method, "paired cluster bootstrap over 50 groups, 10000 resamples, seed 0");
}

#[test]
fn the_interval_is_numpys_percentiles_further_out() {
    // 40 groups of 1 to 5 items with the values ((7g + 3i) mod 11) / 10, as in bootstrap.rs, against 0.45:
    //   w = numpy.random.default_rng(1).multinomial(40, numpy.full(40, 1 / 40), 1_000_000)
    //   r = w @ (sums - .45 * sizes) / (w @ sizes)
    //   n = 40; z = scipy.stats.t.ppf(.975, n - 1) * numpy.sqrt(v / r.var()), v = n / (n - 1) * (residuals ** 2).sum() / N ** 2
    //   numpy.quantile(r, scipy.stats.norm.cdf([-z, z]))
    let (values, groups): (Vec<f64>, Vec<String>) = (0..40)
        .flat_map(|g| {
            (0..g % 5 + 1).map(move |i| (f64::from((7 * g + 3 * i) % 11) / 10.0, format!("g{g:02}")))
        })
        .unzip();
    let against = vec![0.45; values.len()];
    let found = compare(&[&values], &[&against], &groups).difference;
    assert!((found.low - REFERENCE.0).abs() < 0.003 && (found.high - REFERENCE.1).abs() < 0.003, "{found:?}");
}

const REFERENCE: (f64, f64) = (0.0205, 0.0986);

#[test]
fn a_weighted_difference_has_the_error_of_weighted_least_squares() {
    // i = numpy.arange(60); a, b = i * 5 % 17 / 16, i * 3 % 17 / 16; w = numpy.where(i < 20, 2.25, 0.375)
    // statsmodels: WLS(a - b, numpy.ones(60), weights=w).fit(cov_type="cluster",
    //   cov_kwds={"groups": i // 2, "use_correction": True}) -> params[0], bse[0]
    let values = |factor: usize| (0..60).map(|i| (i * factor % 17) as f64 / 16.0).collect::<Vec<f64>>();
    let weights: Vec<f64> = (0..60).map(|i| if i < 20 { 2.25 } else { 0.375 }).collect();
    let (a, b, groups) = (values(5), values(3), groups(60));
    let found = compare(&[&a], &[&b], &Weighted { groups: &groups, weights: &weights });
    assert!((found.difference.value - WEIGHTED.0).abs() < 1e-12, "{found:?}");
    assert!((found.standard_error.unwrap() - WEIGHTED.1).abs() < 1e-12, "{found:?}");
    assert!((found.of - found.against - WEIGHTED.0).abs() < 1e-12, "{found:?}");
}

const WEIGHTED: (f64, f64) = (0.013_281_25, 0.073_300_744_372_165_4);

#[test]
fn a_run_does_not_differ_from_itself() {
    let a = [1.0, 0.0, 1.0, 0.0];
    let found = compare(&[&a], &[&a], &groups(4));
    assert_eq!((found.difference.value, found.difference.low, found.difference.high), (0.0, 0.0, 0.0));
    assert_eq!(
        (found.difference.method.as_str(), found.p_value),
        ("the sides do not differ on any item", 1.0)
    );
}

#[test]
fn seeds_widen_a_difference() {
    let base: Vec<f64> = (0..200).map(|i| f64::from(i % 2)).collect();
    let shifted = |by: f64| base.iter().map(|value| value + by).collect::<Vec<f64>>();
    let tuned = [shifted(0.02), shifted(0.05), shifted(0.08)];
    let found = compare(&[&tuned[0], &tuned[1], &tuned[2]], &[&base], &groups(200));
    assert!((found.difference.value - 0.05).abs() < 1e-9);
    // The items cancel, which leaves the seeds' variance of 0.0009 / 3 with two degrees of freedom.
    assert!((found.standard_error.unwrap() - 0.0003_f64.sqrt()).abs() < 1e-9, "{found:?}");
    // scipy: t.ppf(0.975, 2) -> 4.3027, 2 * t.sf(0.05 / 0.0003 ** 0.5, 2) -> 0.101973
    let half = 4.3027 * 0.0003_f64.sqrt();
    assert!(
        (found.freedom - 2.0).abs() < 1e-6 && (found.difference.low - 0.05 + half).abs() < 1e-5,
        "{found:?}"
    );
    assert!((found.p_value - 0.101_973).abs() < 1e-4, "{found:?}");
    assert!(
        found.difference.method.ends_with("100 groups, crossed with 3 seeds against 1 seed"),
        "{found:?}"
    );
}

#[test]
fn a_p_value_is_that_of_students_test() {
    // Of 400 items, 65 are right with a alone and 40 with b alone: a difference of 0.0625 with a standard error of
    // sqrt((0.2625 - 0.0625 ** 2) / 399). scipy: 2 * t.sf(0.0625 / se, 399) -> 0.014513. The tolerance is that of a
    // share of 10 000 resamples, doubled, and half a step of the difference.
    let a: Vec<f64> = (0..400).map(|i| f64::from(u8::from(i < 65))).collect();
    let b: Vec<f64> = (0..400).map(|i| f64::from(u8::from(i >= 360))).collect();
    let alone: Vec<String> = (0..400).map(|i| i.to_string()).collect();
    let found = compare(&[&a], &[&b], &alone);
    assert!((found.p_value - 0.014_513).abs() < 0.008, "{found:?}");
    assert!(found.difference.low > 0.0 && found.p_value < 0.05, "{found:?}");
}

#[test]
fn what_can_be_shown_depends_on_how_many_answers_differ() {
    // With 500 items of which 15 % differ, a difference of 4.85 points is found in 80 % of cases:
    // (norm.ppf(.975) + norm.ppf(.8)) * sqrt(.15 / 500) -> 0.04853
    let value = |i: usize, at: usize| f64::from(u8::from(i < 75 && i % 2 == at));
    let [a, b] = [0, 1].map(|at| (0..500).map(|i| value(i, at)).collect::<Vec<f64>>());
    let alone: Vec<String> = (0..500).map(|i| i.to_string()).collect();
    let found = compare(&[&a], &[&b], &alone);
    assert!((found.detectable().unwrap() - 0.0486).abs() < 0.0002, "{found:?}");
}

#[test]
fn one_group_proves_nothing_and_few_groups_little() {
    let one = compare(&[&[1.0, 1.0]], &[&[0.0, 0.0]], &["a"; 2]);
    assert_eq!((one.p_value, one.difference.low, one.difference.high), (1.0, 1.0, 1.0));
    assert!(one.difference.method.starts_with("no interval"));
    let few = compare(&[&[1.0, 1.0, 0.0]], &[&[0.0, 0.0, 0.0]], &["a", "b", "c"]);
    assert!(few.difference.low <= 0.0 && few.difference.method.contains("fewer than ten groups"), "{few:?}");
}

#[test]
fn groups_that_differ_alike_are_as_sure_as_their_number() {
    let found = compare(&[&[1.0; 6]], &[&[0.0; 6]], &["a", "a", "b", "b", "c", "c"]).difference;
    // statsmodels: proportion_confint(3, 3, method="wilson")[0] -> 0.43850
    assert!((found.low - 0.438_503).abs() < 1e-5 && found.high == 1.0, "{found:?}");
    assert!(found.method.contains("differs alike"), "{found:?}");
    assert!(found.method.ends_with("from fewer than ten groups, so it is rough"), "{found:?}");
}

#[test]
fn metrics_together_are_metrics_one_by_one() {
    let values = |factor: usize| (0..60).map(|i| (i * factor % 17) as f64).collect::<Vec<f64>>();
    let [a, b, c, d] = [3, 5, 7, 11].map(values);
    let both = [
        Sides { of: vec![&a], against: vec![&b], range: ANY },
        Sides { of: vec![&c], against: vec![&d], range: ANY },
    ];
    let found = paired_differences(&both, &groups(60), &Bootstrap::default()).unwrap();
    assert_eq!(found[0], compare(&[&a], &[&b], &groups(60)));
    assert_eq!(found[1], compare(&[&c], &[&d], &groups(60)));
}

#[test]
fn lists_of_different_items_are_an_error() {
    let error = paired_cluster_difference(&[1.0], &[1.0, 2.0], &["a"], &Bootstrap::default());
    assert_eq!(error, Err(Unusable::Lengths { values: 2, items: 1 }));
    let none = paired_differences(
        &[Sides { of: vec![], against: vec![&[1.0]], range: ANY }],
        &["a"],
        &Bootstrap::default(),
    );
    assert_eq!(none, Err(Unusable::Empty));
}
