//! Measures whether confidences mean what they say.
//!
//! The expected calibration error puts items into bins by confidence and averages the distance between each bin's
//! mean confidence and its accuracy (Naeini, Cooper & Hauskrecht 2015, AAAI). The bins here hold equal shares of the
//! items, which is less biased than bins of equal width (Roelofs et al. 2022, arXiv 2012.08668; Nixon et al. 2019,
//! arXiv 1904.01685).
//!
//! The plain error is biased upwards, because the accuracy of a bin is off by chance even if the model is calibrated. Kumar,
//! Liang & Ma 2019 (arXiv 1909.10155; `normal_debiased_ce` of their library `uncertainty-calibration`) take off what chance
//! adds, as if the accuracies of the bins were normal about what was found. They draw these normal numbers; the mean of a
//! folded normal number is known, so that nothing is drawn here. That removes nearly half of what chance makes of a calibrated
//! model: 0.057 becomes 0.033 on 528 items. So the plain error is named beside it, and the level that a calibrated model of the
//! same confidences would show (consistency resampling, Bröcker & Smith 2007, Weather and Forecasting 22:651–661).

use std::f64::consts::FRAC_2_PI;
use std::sync::Arc;

use crate::bootstrap::Bootstrap;
use crate::cells::{self, Cells, Sums};
use crate::distributions::normal_below;
use crate::levels::Levels;
use crate::statistic::Statistic;
use crate::unusable::Unusable;
use cliptune_random::Random;

/// The number of bins, where each has two items at least.
const BINS: usize = 15;

/// The number of calibrated sets of answers that [`Binned::of_calibrated`] averages over. With this many, its standard error
/// is below 0.001.
const CALIBRATED_SETS: usize = 200;

impl Statistic {
    /// Returns the expected calibration error in bins of equal mass, debiased.
    ///
    /// `confidence` is the probability of the given answer; `right` is 1 if that answer was right, 0 if it was wrong, and a
    /// share at a tie. The error of a resample is biased upwards once more, so resamples are shifted back by the difference
    /// between their mean and the value, and then the lower end of an interval, other than of a difference, by as much again. `options` seeds the calibrated answers whose level is told. The bins hold equal numbers
    /// of items, whether or not these count alike.
    ///
    /// # Errors
    /// Returns an error when there is not one finite number in each list for each item.
    pub fn ece(confidence: &[f64], right: &[f64], options: &Bootstrap) -> Result<Self, Unusable> {
        let binned = Arc::new(Binned::new(confidence, right)?);
        let (itself, options) = (binned.clone(), *options);
        let about = move |weights: &[f64]| {
            format!(
                "{} bins of equal mass, debiased (Kumar et al. 2019) from {:.3}, a calibrated model shows {:.3}",
                itself.bins,
                itself.of(&itself.right, weights, Bin::error),
                itself.of_calibrated(weights, &options),
            )
        };
        Ok(Self::of_number(right.len(), (0.0, 1.0), binned.cells()).biased(about))
    }
}

/// A part of an item that lies in a bin. All of an item lies in one, unless others of the same confidence are beyond the border.
struct Part {
    item: usize,
    bin: usize,
    share: f64,
}

/// The items in bins of equal mass. A resample has the same bins.
pub(crate) struct Binned {
    confidence: Vec<f64>,
    right: Vec<f64>,
    parts: Vec<Part>,
    bins: usize,
}

/// The sums of the items of a bin.
#[derive(Clone, Copy, Default)]
pub(crate) struct Bin {
    mass: f64,
    confidence: f64,
    right: f64,
}

impl Bin {
    /// Returns the share of right answers.
    pub(crate) fn accuracy(&self) -> f64 {
        self.right / self.mass
    }

    /// Returns the mean confidence.
    pub(crate) fn confidence(&self) -> f64 {
        self.confidence / self.mass
    }

    /// Returns the distance between accuracy and confidence.
    fn error(&self) -> f64 {
        (self.accuracy() - self.confidence()).abs()
    }

    /// Returns that distance without what chance adds to it: as much as it adds to what was found.
    fn debiased(&self) -> f64 {
        let accuracy = self.accuracy();
        let spread = (accuracy * (1.0 - accuracy) / self.mass).max(0.0).sqrt();
        2.0 * self.error() - folded_mean(self.error(), spread)
    }
}

/// Returns the mean of the distance from zero of a normal number (Leone, Nelson & Nottingham 1961, Technometrics 3(4)).
fn folded_mean(mean: f64, spread: f64) -> f64 {
    if spread == 0.0 {
        return mean.abs();
    }
    let away = mean / spread;
    spread * FRAC_2_PI.sqrt() * (-away * away / 2.0).exp() + mean * (1.0 - 2.0 * normal_below(-away))
}

/// Returns the mean error of bins.
fn mean_error(bins: impl Iterator<Item = Bin>, error: fn(&Bin) -> f64) -> f64 {
    let (mut sum, mut mass) = (0.0, 0.0);
    for bin in bins.filter(|bin| bin.mass > 0.0) {
        sum += bin.mass * error(&bin);
        mass += bin.mass;
    }
    sum / mass
}

/// Returns the mean error of bins without what chance adds to it.
fn debiased(bins: impl Iterator<Item = Bin>) -> f64 {
    mean_error(bins, Bin::debiased).max(0.0)
}

impl Binned {
    pub(crate) fn new(confidence: &[f64], right: &[f64]) -> Result<Self, Unusable> {
        let levels = Levels::new(confidence, right)?;
        let bins = BINS.min(right.len() / 2).max(1);
        let full = right.len() as f64 / bins as f64;
        let mut parts = Vec::with_capacity(right.len());
        let mut below = 0.0;
        for level in levels.ascending() {
            // Items of equal confidence are divided alike where a border falls among them. Otherwise their order would
            // decide: a model of constant confidence would get bins of nothing but right and nothing but wrong answers.
            let above = below + level.len() as f64;
            let last = ((above / full).ceil() as usize).clamp(1, bins) - 1;
            let first = ((below / full) as usize).min(last);
            for bin in first..=last {
                let end = if bin + 1 == bins { above } else { full * (bin + 1) as f64 };
                let share = (end.min(above) - below.max(full * bin as f64)) / level.len() as f64;
                if share > 1e-9 {
                    parts.extend(level.iter().map(|&item| Part { item, bin, share }));
                }
            }
            below = above;
        }
        Ok(Self { confidence: confidence.to_vec(), right: right.to_vec(), parts, bins })
    }

    /// Returns the bins that have any mass when each item counts with its weight, each with the number of items of equal weight that
    /// would say as much: (Σw)² / Σw² (the effective sample size of Kish 1992, Journal of Official Statistics 8(2):183).
    pub(crate) fn weighed(&self, weights: &[f64]) -> Vec<(Bin, f64)> {
        let mut squares = [0.0; BINS];
        self.parts.iter().for_each(|part| squares[part.bin] += part.share * weights[part.item].powi(2));
        let bins = self.filled(&self.right, weights).zip(squares).filter(|(bin, _)| bin.mass > 0.0);
        bins.map(|(bin, squares)| (bin, bin.mass * bin.mass / squares)).collect()
    }

    /// Returns the bins, when each item is as right as `right` says and counts with its weight.
    fn filled(&self, right: &[f64], weights: &[f64]) -> impl Iterator<Item = Bin> + use<> {
        let mut bins = [Bin::default(); BINS];
        for &Part { item, bin, share } in &self.parts {
            let (weight, bin) = (share * weights[item], &mut bins[bin]);
            bin.mass += weight;
            bin.confidence += weight * self.confidence[item];
            bin.right += weight * right[item];
        }
        bins.into_iter()
    }

    /// Returns the error as a number of the sums in the bins.
    fn cells(&self) -> Cells {
        let cell = |part: &Part| cells::Part {
            item: part.item,
            cell: part.bin,
            adds: [1.0, self.confidence[part.item], self.right[part.item]].map(|one| part.share * one),
        };
        let bin = |&[mass, confidence, right]: &Sums| Bin { mass, confidence, right };
        let parts = self.parts.iter().map(cell).collect();
        Cells::new(parts, self.bins, move |sums| debiased(sums.iter().map(bin)))
    }

    /// Returns the mean error of bins, when each item is as right as `right` says and counts with its weight.
    fn of(&self, right: &[f64], weights: &[f64], error: fn(&Bin) -> f64) -> f64 {
        mean_error(self.filled(right, weights), error)
    }

    /// Returns the error that a perfectly calibrated model with these confidences shows on average if its answers are
    /// independent.
    fn of_calibrated(&self, weights: &[f64], options: &Bootstrap) -> f64 {
        let mut random = Random::new(options.seed);
        let mut sum = 0.0;
        for _ in 0..CALIBRATED_SETS {
            let draw = |confidence: &f64| f64::from(u8::from(random.unit() < *confidence));
            let right: Vec<f64> = self.confidence.iter().map(draw).collect();
            sum += debiased(self.filled(&right, weights));
        }
        sum / CALIBRATED_SETS as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Interval, cluster_statistic};
    use proptest::prelude::*;

    /// Returns 90 items: the confidence is (i² mod 97 + 1) / 100, and an item is right where (13 i) mod 7 < 4.
    fn sample() -> (Vec<f64>, Vec<f64>) {
        let confidence = |i| f64::from(i * i % 97 + 1) / 100.0 + f64::from(i) * 1e-6;
        (0..90).map(|i| (confidence(i), share(13 * i % 7 < 4))).unzip()
    }

    fn share(right: bool) -> f64 {
        f64::from(u8::from(right))
    }

    fn plain(confidence: &[f64], right: &[f64]) -> f64 {
        Binned::new(confidence, right).unwrap().of(right, &vec![1.0; right.len()], Bin::error)
    }

    fn ece(confidence: &[f64], right: &[f64], groups: &[String]) -> Interval {
        let statistic = Statistic::ece(confidence, right, &Bootstrap::default()).unwrap();
        cluster_statistic(&[statistic], groups, &Bootstrap::default()).unwrap()
    }

    #[test]
    fn the_plain_error_is_numpys() {
        // i = numpy.arange(90); c = (i * i % 97 + 1) / 100 + i * 1e-6; r = (13 * i % 7 < 4).astype(float)
        // o = numpy.argsort(c); bins = numpy.array_split(o, 15)
        // sum(len(b) / 90 * abs(r[b].mean() - c[b].mean()) for b in bins)
        let (confidence, right) = sample();
        assert!((plain(&confidence, &right) - 0.371_321_166_666_666_7).abs() < 1e-12);
    }

    #[test]
    fn the_debiased_error_is_that_of_kumar_and_others() {
        // Of the same bins, uncertainty-calibration 0.1.4: numpy.random.seed(0)
        // calibration.utils.normal_debiased_ce([list(zip(c[b], r[b])) for b in bins], resamples=200000) -> 0.34730
        // With the mean of scipy.stats.foldnorm in place of what is drawn: 0.347_326_325_485_290_47
        let (confidence, right) = sample();
        let found = Statistic::ece(&confidence, &right, &Bootstrap::default()).unwrap().value();
        assert!((found - 0.347_326_325_485_290_47).abs() < 1e-12, "{found}");
    }

    #[test]
    fn constant_confidence_is_no_trap() {
        // 30 of 100 answers are right at a confidence of 0.3, which is calibrated in whatever order they come.
        let right: Vec<f64> = (0..100).map(|i| share(i < 30)).collect();
        assert!(plain(&[0.3; 100], &right) < 1e-12);
    }

    #[test]
    fn a_calibrated_model_shows_the_stated_level() {
        // numpy, 3000 times: p = r.uniform(.2, 1, 528); y = r.random(528) < p, r = numpy.random.default_rng(0); the same
        // estimate, not below 0 -> mean 0.0335 (of the plain one: 0.0566)
        let mut random = Random::new(3);
        let confidence: Vec<f64> = (0..528).map(|_| 0.2 + 0.8 * random.unit()).collect();
        let binned = Binned::new(&confidence, &[0.0; 528]).unwrap();
        let level = binned.of_calibrated(&[1.0; 528], &Bootstrap::default());
        assert!((level - 0.0335).abs() < 0.004, "{level}");
    }

    #[test]
    fn the_interval_holds_the_value() {
        let (confidence, right) = sample();
        let groups: Vec<String> = (0..90).map(|i| (i / 3).to_string()).collect();
        let interval = ece(&confidence, &right, &groups);
        assert!(
            (interval.low..=interval.high).contains(&interval.value) && interval.low > 0.0,
            "{interval:?}"
        );
        assert!(interval.method.contains("30 groups") && interval.method.contains("calibrated"));
        assert!(interval.method.contains("debiased (Kumar et al. 2019) from 0.371"), "{interval:?}");
        let one = ece(&confidence, &right, &vec!["a".to_owned(); 90]);
        assert!((one.low, one.high) == (0.0, 1.0) && one.method.contains("no interval"), "{one:?}");
    }

    proptest! {
        #[test]
        fn bins_hold_equal_mass_whatever_the_order(
            mut items in proptest::collection::vec((0_u8..20, any::<bool>()), 1..90),
        ) {
            let diagram = |items: &[(u8, bool)]| {
                let (confidence, right): (Vec<f64>, Vec<f64>) =
                    items.iter().map(|(level, right)| (f64::from(*level) / 20.0, share(*right))).unzip();
                let binned = Binned::new(&confidence, &right).unwrap();
                let mut bins = vec![(0.0, 0.0, 0.0); binned.bins];
                for part in &binned.parts {
                    let bin = &mut bins[part.bin];
                    bin.0 += part.share;
                    bin.1 += part.share * confidence[part.item];
                    bin.2 += part.share * right[part.item];
                }
                bins
            };
            let before = diagram(&items);
            let mass = items.len() as f64 / before.len() as f64;
            prop_assert!(before.iter().all(|bin| (bin.0 - mass).abs() < 1e-6), "{:?}", before);
            items.reverse();
            for (a, b) in before.iter().zip(diagram(&items)) {
                prop_assert!((a.1 - b.1).abs() < 1e-6 && (a.2 - b.2).abs() < 1e-6);
            }
        }
    }
}
