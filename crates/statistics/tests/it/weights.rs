//! Weights of one are none, and a weight of two is an item that is there twice.

use cliptune_statistics::range::SHARE;
use cliptune_statistics::{
    Bootstrap, Grouping, Interval, Paired, Sides, SignFlip, Statistic, Weighted, cluster_mean,
    cluster_proportion, cluster_statistic, paired_differences, paired_statistics, seeds_and_clusters,
    sign_flip,
};

const OPTIONS: Bootstrap = Bootstrap { resamples: 1_000, seed: 0 };

/// Answers of two seeds and one of somebody else to the same items.
#[derive(Clone)]
struct Answers {
    right: [Vec<f64>; 3],
    /// The number of each item, which decides its confidence and its class.
    items: Vec<usize>,
    groups: Vec<String>,
}

/// What all functions say about answers.
#[derive(Debug, PartialEq)]
struct Said {
    intervals: Vec<Interval>,
    paired: Vec<Paired>,
    flipped: SignFlip,
}

impl Answers {
    /// Returns answers to 90 items, in groups of `size`.
    fn new(size: usize) -> Self {
        let right = |factor: usize| (0..90).map(|i| f64::from(u8::from(i * i * factor % 7 < 4))).collect();
        Self {
            right: [3, 5, 8].map(right),
            items: (0..90).collect(),
            groups: (0..90).map(|i| format!("{:02}", i / size)).collect(),
        }
    }

    /// Returns them with every item as often as its weight says.
    fn copied(&self, weights: &[f64]) -> Self {
        fn copies<T: Clone>(of: &[T], weights: &[f64]) -> Vec<T> {
            of.iter().zip(weights).flat_map(|(one, weight)| vec![one.clone(); *weight as usize]).collect()
        }
        Self {
            right: self.right.each_ref().map(|right| copies(right, weights)),
            items: copies(&self.items, weights),
            groups: copies(&self.groups, weights),
        }
    }

    fn said(&self, items: &impl Grouping) -> Said {
        let [a, b, c] = self.right.each_ref().map(Vec::as_slice);
        let differences: Vec<f64> = a.iter().zip(c).map(|(a, c)| a - c).collect();
        let mut intervals = vec![
            cluster_mean(a, SHARE, items, &OPTIONS).unwrap(),
            cluster_proportion(a, items, &OPTIONS).unwrap(),
            seeds_and_clusters(&[a, b], items, &OPTIONS).unwrap(),
        ];
        let [own, second, others] = self.right.each_ref().map(|right| self.statistics(right));
        let seeds = own.into_iter().zip(second);
        let mut paired = paired_differences(
            &[
                Sides { of: vec![a, b], against: vec![c], range: SHARE },
                Sides { of: vec![a], against: vec![c], range: SHARE },
            ],
            items,
            &OPTIONS,
        )
        .unwrap();
        for ((a, b), c) in seeds.zip(others) {
            let seeds = [a, b];
            intervals.push(cluster_statistic(&seeds, items, &OPTIONS).unwrap());
            paired.push(paired_statistics(&seeds, &[c], items, &OPTIONS).unwrap());
        }
        Said { intervals, paired, flipped: sign_flip(&differences, items, &OPTIONS).unwrap() }
    }

    /// Returns the statistics in which an item can be there twice. The bins of a calibration error hold equal numbers of items.
    fn statistics(&self, right: &[f64]) -> Vec<Statistic> {
        let confidence: Vec<f64> = self.items.iter().map(|i| (i * i % 97) as f64 / 97.0).collect();
        let ranks: Vec<f64> = self.items.iter().zip(right).map(|(i, right)| (i % 9) as f64 - right).collect();
        let classes: Vec<usize> = self.items.iter().map(|i| i % 4).collect();
        vec![
            Statistic::aurc(&confidence, right).unwrap(),
            Statistic::median(&ranks).unwrap(),
            Statistic::balanced(right, &classes).unwrap(),
        ]
    }

    fn calibration(&self, items: &impl Grouping) -> Interval {
        let confidence: Vec<f64> = self.items.iter().map(|i| (i * i % 97) as f64 / 97.0).collect();
        let ece = Statistic::ece(&confidence, &self.right[0], &OPTIONS).unwrap();
        cluster_statistic(&[ece], items, &OPTIONS).unwrap()
    }
}

#[test]
fn weights_of_one_change_no_bit() {
    for size in [1, 3, 7] {
        let answers = Answers::new(size);
        let weighted = Weighted { groups: &answers.groups, weights: &[1.0; 90] };
        assert_eq!(answers.said(&weighted), answers.said(&answers.groups));
        assert_eq!(answers.calibration(&weighted), answers.calibration(&answers.groups));
    }
}

#[test]
fn a_weight_of_two_is_an_item_that_is_there_twice() {
    let answers = Answers::new(3);
    let weights: Vec<f64> = (0..90).map(|i| if i % 5 < 2 { 2.0 } else { 1.0 }).collect();
    let weighted = answers.said(&Weighted { groups: &answers.groups, weights: &weights });
    let copied = answers.copied(&weights);
    let copied = copied.said(&copied.groups);
    for (weighted, copied) in weighted.intervals.iter().zip(&copied.intervals) {
        assert_alike(weighted, copied);
    }
    for (weighted, copied) in weighted.paired.iter().zip(&copied.paired) {
        assert_alike(&weighted.difference, &copied.difference);
        let numbers = |paired: &Paired| [paired.of, paired.against, paired.freedom, paired.p_value];
        assert_close(&numbers(weighted), &numbers(copied));
        assert_close(&[weighted.standard_error.unwrap()], &[copied.standard_error.unwrap()]);
    }
    assert_eq!(weighted.flipped, copied.flipped);
}

#[test]
fn only_the_proportion_of_weights_matters_to_a_mean() {
    let answers = Answers::new(3);
    let weights: Vec<f64> = (0..90).map(|i| if i < 30 { 0.3 } else { 1.7 }).collect();
    let less: Vec<f64> = weights.iter().map(|weight| weight / 700.0).collect();
    let [one, other] = [&weights, &less].map(|weights| {
        let weighted = Weighted { groups: &answers.groups, weights };
        cluster_proportion(&answers.right[0], &weighted, &OPTIONS).unwrap()
    });
    assert_alike(&one, &other);
}

fn assert_alike(a: &Interval, b: &Interval) {
    assert_close(&[a.value, a.low, a.high], &[b.value, b.low, b.high]);
    assert_eq!(a.method, b.method);
}

fn assert_close(a: &[f64], b: &[f64]) {
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9), "{a:?} {b:?}");
}
