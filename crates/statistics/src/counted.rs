//! The area under a risk–coverage curve, of thousands of resamples of the same items.
//!
//! Each item of a resample counts a whole number of times. So what is looked up for a resample is how often a group was drawn, and
//! nothing by the order of the items, and a sum of reciprocals is the difference between two harmonic numbers of a table.

use crate::clusters::Clusters;
use crate::levels::Levels;
use crate::selective::harmonic_between;
use crate::statistic::{Drawn, OfGroups};

/// What the groups have on each level of confidence.
pub(crate) struct Counted {
    /// The most confident level first.
    shares: Vec<Share>,
    /// The number of shares up to each level's end.
    ends: Vec<usize>,
    /// The harmonic numbers, of up to twice as many items as there are: a resample has more than these where it draws large groups.
    harmonic: Vec<f64>,
}

/// The items of a group on one level.
struct Share {
    group: usize,
    items: f64,
    wrong: f64,
}

impl Counted {
    pub(crate) fn new(levels: &Levels, right: &[f64], clusters: &Clusters) -> Self {
        let group_of = clusters.group_of();
        let (mut shares, mut ends) = (Vec::with_capacity(right.len()), Vec::new());
        for level in levels.ascending().rev() {
            let mut items = level.to_vec();
            items.sort_by_key(|&item| group_of[item]);
            for of_group in items.chunk_by(|&a, &b| group_of[a] == group_of[b]) {
                let wrong = of_group.iter().map(|&item| 1.0 - right[item]).sum();
                shares.push(Share { group: group_of[of_group[0]], items: of_group.len() as f64, wrong });
            }
            ends.push(shares.len());
        }
        let sums = (1..=2 * right.len()).scan(0.0, |sum, item| {
            *sum += (item as f64).recip();
            Some(*sum)
        });
        Self { shares, ends, harmonic: [0.0].into_iter().chain(sums).collect() }
    }

    /// Returns Σ 1 / (from + j) over j from 1 to `count`.
    fn harmonic_between(&self, from: f64, count: f64) -> f64 {
        match (self.harmonic.get(from as usize), self.harmonic.get((from + count) as usize)) {
            (Some(below), Some(sum)) => sum - below,
            _ => harmonic_between(from, count),
        }
    }
}

impl OfGroups for Counted {
    fn of(&self, drawn: &Drawn<'_>) -> f64 {
        let (mut passed, mut wrong, mut sum, mut begin) = (0.0, 0.0, 0.0, 0);
        for &end in &self.ends {
            let (mut mass, mut own) = (0.0, 0.0);
            for share in &self.shares[begin..end] {
                let times = drawn.counts[share.group];
                mass += times * share.items;
                own += times * share.wrong;
            }
            // As in `selective::area`. A level that was not drawn adds nothing, which costs less than to look whether it was.
            let rate = own / f64::max(mass, 1.0);
            sum += own + (wrong - rate * passed) * self.harmonic_between(passed, mass);
            (passed, wrong, begin) = (passed + mass, wrong + own, end);
        }
        sum / passed
    }
}
