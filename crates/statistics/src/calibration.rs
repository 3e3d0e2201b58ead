//! Measures whether confidences mean what they say.
//!
//! The expected calibration error puts items into bins by confidence and averages the distance between each bin's
//! mean confidence and its accuracy (Naeini, Cooper & Hauskrecht 2015, AAAI). The bins here hold equal shares of the
//! items, which is less biased than bins of equal width (Roelofs et al. 2022, arXiv 2012.08668; Nixon et al. 2019,
//! arXiv 1904.01685).
//!
//! The estimate is the plain one, so that it can be compared with published numbers, and it is biased upwards: a
//! perfectly calibrated model shows 0.04 to 0.05 on 500 to 1000 items. There are two remedies. A correction (Kumar,
//! Liang & Ma 2019, arXiv 1909.10155) is exact for the squared error alone and can go below 0. We use the other one,
//! and state the level that a calibrated model of the same confidences would show (consistency resampling, Bröcker &
//! Smith 2007, Weather and Forecasting 22:651–661).

use crate::bootstrap::{Bootstrap, cluster_statistic};
use crate::clusters::Clusters;
use crate::interval::Interval;
use crate::unusable::Unusable;
use cliptune_random::Random;

/// The number of bins.
const BINS: usize = 15;

/// The number of calibrated sets of answers that [`calibrated_ece`] averages over. With this many, its standard error
/// is below 0.001.
const CALIBRATED_SETS: usize = 200;

/// A bin of items of similar confidence.
#[derive(Clone, Copy, Debug)]
struct Bin {
    /// The number of items in the bin; an item on a border counts in part on either side.
    mass: f64,
    /// The mean confidence of the items.
    confidence: f64,
    /// The share of the items that are right.
    accuracy: f64,
}

/// Returns the expected calibration error, with an interval from resampling the groups.
///
/// `confidence` is the probability of the given answer; `right` is 1 if that answer was right, 0 if it was wrong, and a
/// share at a tie. The error of a resample is biased upwards once more, so the resamples are shifted back by the
/// difference between their mean and the value (the bootstrap estimate of bias, Efron & Tibshirani 1993, chapter 10).
/// The method states the level that a calibrated model would show.
pub fn ece(
    confidence: &[f64],
    right: &[f64],
    groups: &[impl AsRef<str>],
    options: &Bootstrap,
) -> Result<Interval, Unusable> {
    let clusters = Clusters::new(groups)?;
    let levels = Levels::new(confidence, right)?;
    clusters.fit(confidence)?;
    let calibrated = calibrated_ece(confidence, options)?;
    let about = format!("{BINS} bins of equal mass, a calibrated model shows {calibrated:.3}");
    if clusters.count() == 1 {
        let method = format!("no interval: all items are of one group; {about}");
        return Ok(Interval { value: levels.ece(&vec![1.0; right.len()]), low: 0.0, high: 1.0, method });
    }
    let mut replicate_sum = 0.0;
    let interval = cluster_statistic(&clusters, options, |weights| {
        let replicate = levels.ece(weights);
        replicate_sum += replicate;
        replicate
    });
    // The sum includes the value itself, which the first call computed.
    let bias = (replicate_sum - interval.value) / options.resamples as f64 - interval.value;
    let shifted = |end: f64| (end - bias).clamp(0.0, 1.0);
    Ok(Interval {
        low: shifted(interval.low).min(interval.value),
        high: shifted(interval.high).max(interval.value),
        method: format!("{about}; {}, shifted by its bias", interval.method),
        ..interval
    })
}

/// Returns the expected calibration error without an interval.
pub(crate) fn plug_in_ece(confidence: &[f64], right: &[f64]) -> Result<f64, Unusable> {
    Ok(Levels::new(confidence, right)?.ece(&vec![1.0; right.len()]))
}

/// Returns the expected calibration error that a perfectly calibrated model with these confidences shows on average if
/// its answers are independent.
pub(crate) fn calibrated_ece(confidence: &[f64], options: &Bootstrap) -> Result<f64, Unusable> {
    let mut random = Random::new(options.seed);
    let mut sum = 0.0;
    for _ in 0..CALIBRATED_SETS {
        let draw = |confidence: &f64| f64::from(u8::from(random.unit() < *confidence));
        let right: Vec<f64> = confidence.iter().map(draw).collect();
        sum += plug_in_ece(confidence, &right)?;
    }
    Ok(sum / CALIBRATED_SETS as f64)
}

/// The items, sorted by confidence.
struct Levels {
    /// The confidence, rightness (1, 0 or a share) and index of each item, in ascending order of confidence.
    items: Vec<(f64, f64, usize)>,
}

impl Levels {
    fn new(confidence: &[f64], right: &[f64]) -> Result<Self, Unusable> {
        if confidence.len() != right.len() {
            return Err(Unusable::Lengths { values: right.len(), items: confidence.len() });
        }
        if confidence.is_empty() {
            return Err(Unusable::Empty);
        }
        let mut items: Vec<_> = confidence
            .iter()
            .zip(right)
            .enumerate()
            .map(|(i, (&confidence, &right))| (confidence, right, i))
            .collect();
        items.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(Self { items })
    }

    /// Returns the error when each item counts with its weight.
    fn ece(&self, weights: &[f64]) -> f64 {
        let (mut error, mut mass) = (0.0, 0.0);
        self.bins(weights, BINS, |bin| {
            error += bin.mass * (bin.accuracy - bin.confidence).abs();
            mass += bin.mass;
        });
        error / mass
    }

    /// Fills bins of equal mass in order of confidence and passes each to `emit`.
    ///
    /// Items of equal confidence are taken as one with their mean accuracy and are divided where a border falls among
    /// them. Otherwise their order would decide: a model of constant confidence would get bins of nothing but right and
    /// nothing but wrong answers.
    fn bins(&self, weights: &[f64], bins: usize, mut emit: impl FnMut(Bin)) {
        let full = weights.iter().sum::<f64>() / bins as f64;
        let mut open = Open::default();
        let mut emitted = 0;
        for level in self.items.chunk_by(|a, b| a.0 == b.0) {
            let confidence = level[0].0;
            let (mut mass, mut right) = weigh(level, weights);
            while emitted + 1 < bins && mass > 0.0 && open.mass + mass >= full {
                let part = full - open.mass;
                let part_right = right * part / mass;
                open.add(part, confidence, part_right);
                emit(open.close());
                emitted += 1;
                (mass, right) = (mass - part, right - part_right);
            }
            open.add(mass, confidence, right);
        }
        if open.mass > 0.0 {
            emit(open.close());
        }
    }
}

/// Returns the total weight of some items, and the weight of those that are right.
fn weigh(items: &[(f64, f64, usize)], weights: &[f64]) -> (f64, f64) {
    items.iter().fold((0.0, 0.0), |(mass, right), &(_, is_right, item)| {
        (mass + weights[item], right + weights[item] * is_right)
    })
}

/// A bin that is being filled, which holds sums rather than means.
#[derive(Default)]
struct Open {
    mass: f64,
    confidence: f64,
    right: f64,
}

impl Open {
    fn add(&mut self, mass: f64, confidence: f64, right: f64) {
        self.mass += mass;
        self.confidence += mass * confidence;
        self.right += right;
    }

    /// Returns the bin and leaves an empty one in its place.
    fn close(&mut self) -> Bin {
        let Self { mass, confidence, right } = std::mem::take(self);
        Bin { mass, confidence: confidence / mass, accuracy: right / mass }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns 90 items: the confidence is (i² mod 97 + 1) / 100, and an item is right where (13 i) mod 7 < 4.
    fn sample() -> (Vec<f64>, Vec<f64>) {
        let confidence = |i| f64::from(i * i % 97 + 1) / 100.0 + f64::from(i) * 1e-6;
        (0..90).map(|i| (confidence(i), share(13 * i % 7 < 4))).unzip()
    }

    fn share(right: bool) -> f64 {
        f64::from(u8::from(right))
    }

    #[test]
    fn the_error_is_numpys() {
        // i = numpy.arange(90); c = (i * i % 97 + 1) / 100 + i * 1e-6; r = (13 * i % 7 < 4).astype(float)
        // o = numpy.argsort(c)
        // sum(len(b) / 90 * abs(r[b].mean() - c[b].mean()) for b in numpy.array_split(o, 15)), to 1e-12
        let (confidence, right) = sample();
        assert!((plug_in_ece(&confidence, &right).unwrap() - REFERENCE).abs() < 1e-12);
    }

    const REFERENCE: f64 = 0.371_321_166_666_7;

    #[test]
    fn constant_confidence_is_no_trap() {
        // 30 of 100 answers are right at a confidence of 0.3, which is calibrated in whatever order they come.
        let right: Vec<f64> = (0..100).map(|i| share(i < 30)).collect();
        assert!(plug_in_ece(&[0.3; 100], &right).unwrap() < 1e-12);
    }

    #[test]
    fn a_calibrated_model_shows_the_stated_level() {
        // numpy: r = default_rng(0); c = r.uniform(.2, 1, 528), r.random(528) < c, 2000 times -> mean 0.0567
        let mut random = Random::new(3);
        let confidence: Vec<f64> = (0..528).map(|_| 0.2 + 0.8 * random.unit()).collect();
        let level = calibrated_ece(&confidence, &Bootstrap::default()).unwrap();
        assert!((level - CALIBRATED).abs() < 0.004, "{level}");
    }

    const CALIBRATED: f64 = 0.0567;

    #[test]
    fn the_interval_holds_the_value() {
        let (confidence, right) = sample();
        let groups: Vec<String> = (0..90).map(|i| (i / 3).to_string()).collect();
        let interval = ece(&confidence, &right, &groups, &Bootstrap::default()).unwrap();
        assert!(
            (interval.low..=interval.high).contains(&interval.value) && interval.low > 0.0,
            "{interval:?}"
        );
        assert!(interval.method.contains("30 groups") && interval.method.contains("calibrated"));
    }

    proptest! {
        #[test]
        fn bins_hold_equal_mass_whatever_the_order(
            mut items in proptest::collection::vec((0_u8..20, any::<bool>()), 1..60),
            bins in 1_usize..20,
        ) {
            let diagram = |items: &[(u8, bool)]| {
                let (confidence, right): (Vec<f64>, Vec<f64>) =
                    items.iter().map(|(level, right)| (f64::from(*level) / 20.0, share(*right))).unzip();
                let mut diagram = Vec::new();
                let levels = Levels::new(&confidence, &right).unwrap();
                levels.bins(&vec![1.0; right.len()], bins, |bin| diagram.push(bin));
                diagram
            };
            let before = diagram(&items);
            prop_assert_eq!(before.len(), bins);
            let mass = items.len() as f64 / bins as f64;
            prop_assert!(before.iter().all(|bin| (bin.mass - mass).abs() < 1e-9), "{:?}", before);
            items.reverse();
            for (a, b) in before.iter().zip(diagram(&items)) {
                prop_assert!((a.accuracy - b.accuracy).abs() < 1e-9 && (a.confidence - b.confidence).abs() < 1e-9);
            }
        }
    }
}
