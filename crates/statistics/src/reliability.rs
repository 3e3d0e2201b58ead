//! What a reliability diagram shows: how often answers of some confidence are right (DeGroot & Fienberg 1983, The Statistician
//! 32:12–22), in the bins of equal mass that the calibration error is computed from.

use crate::calibration::{Bin, Binned};
use crate::clusters::weights;
use crate::unusable::Unusable;
use crate::wilson::ends;

/// The items of one bin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reliability {
    /// The mean confidence.
    pub confidence: f64,
    /// The share of right answers.
    pub accuracy: f64,
    /// The lower end of Wilson's 95 % interval of that share, as if items were independent.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Returns the bins, from the lowest confidence. `weighing` says how much each answer counts, as
/// [`Grouping::weights`](crate::Grouping::weights) does; the bins hold equal numbers of answers, whether or not these count alike.
/// `copies` says how many answers each item has in the lists, such as one of each seed: only other items make an interval narrower.
///
/// # Errors
/// Returns an error when there is not one finite number in each list for each answer, or a weight is not positive.
pub fn reliability(
    confidence: &[f64],
    right: &[f64],
    weighing: Option<&[f64]>,
    copies: usize,
) -> Result<Vec<Reliability>, Unusable> {
    let binned = Binned::new(confidence, right)?;
    let bin = |(bin, items): (Bin, f64)| {
        let (accuracy, n) = (bin.accuracy().clamp(0.0, 1.0), items / copies.max(1) as f64);
        let (low, high) = ends(accuracy * n, n);
        Reliability { confidence: bin.confidence(), accuracy, low, high }
    };
    Ok(binned.weighed(&weights(weighing, right.len())?).into_iter().map(bin).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bootstrap, Statistic, Weighted, cluster_statistic};

    #[test]
    fn bins_are_those_of_the_calibration_error() {
        let confidence: Vec<f64> = (0..30).map(|i| f64::from(i) / 30.0).collect();
        let right: Vec<f64> = (0..30).map(|i| f64::from(u8::from(i % 3 > 0))).collect();
        let bins = reliability(&confidence, &right, None, 1).unwrap();
        // numpy.array_split(range(30), 15)[1] -> 2, 3: of confidence 2.5 / 30, and one of them is right.
        assert_eq!(bins.len(), 15);
        assert!((bins[1].confidence - 2.5 / 30.0).abs() < 1e-12 && bins[1].accuracy == 0.5, "{:?}", bins[1]);
        // statsmodels.stats.proportion.proportion_confint(1, 2, alpha=0.05, method="wilson")
        assert!((bins[1].low - 0.094_531_205_734).abs() < 1e-9, "{:?}", bins[1]);
    }

    #[test]
    fn a_second_answer_to_the_same_item_makes_no_interval_narrower() {
        let confidence: Vec<f64> = (0..60).map(|i| f64::from(i / 2) / 30.0).collect();
        let right: Vec<f64> = (0..60).map(|i| f64::from(u8::from(i / 2 % 3 > 0))).collect();
        let (twice, once) = (
            reliability(&confidence, &right, None, 2).unwrap(),
            reliability(
                &confidence.iter().step_by(2).copied().collect::<Vec<_>>(),
                &right.iter().step_by(2).copied().collect::<Vec<_>>(),
                None,
                1,
            )
            .unwrap(),
        );
        for (twice, once) in twice.iter().zip(once) {
            assert!((twice.low - once.low).abs() < 1e-12 && (twice.high - once.high).abs() < 1e-12);
        }
    }

    #[test]
    fn answers_count_as_much_as_their_weights() {
        // Four answers are two bins of two; in each, the first is right.
        let (confidence, right) = ([0.1, 0.2, 0.6, 0.8], [1.0, 0.0, 1.0, 0.0]);
        let bins = reliability(&confidence, &right, Some(&[3.0, 1.0, 1.0, 1.0]), 1).unwrap();
        assert!((bins[0].confidence - 0.125).abs() < 1e-12 && bins[0].accuracy == 0.75, "{:?}", bins[0]);
        // (3 + 1)² / (3² + 1²) -> 1.6 items; proportion_confint(1.2, 1.6, alpha=0.05, method="wilson")
        assert!(
            (bins[0].low - WILSON.0).abs() < 1e-9 && (bins[0].high - WILSON.1).abs() < 1e-9,
            "{:?}",
            bins[0]
        );
        assert_eq!(bins[1], reliability(&confidence, &right, None, 1).unwrap()[1]);
        let lacking = reliability(&confidence, &right, Some(&[1.0; 3]), 1);
        assert_eq!(lacking, Err(Unusable::Lengths { values: 3, items: 4 }));
    }

    const WILSON: (f64, f64) = (0.169137899652, 0.977881498337);

    #[test]
    fn the_bins_make_up_the_calibration_error() {
        // The plain error of fifteen bins of six answers, of which the first half count thrice: the sum over bins of their share
        // times their distance is what the interval of the error names.
        let confidence: Vec<f64> = (0..90).map(|i| f64::from(i) / 90.0).collect();
        let right: Vec<f64> = (0..90).map(|i| f64::from(u8::from(i * i % 7 < 3))).collect();
        let weights: Vec<f64> = (0..90).map(|i| if i < 45 { 3.0 } else { 1.0 }).collect();
        let bins = reliability(&confidence, &right, Some(&weights), 1).unwrap();
        let of = |bin: usize| weights[6 * bin..6 * (bin + 1)].iter().sum::<f64>();
        let distances =
            bins.iter().enumerate().map(|(at, bin)| of(at) * (bin.accuracy - bin.confidence).abs());
        let error = distances.sum::<f64>() / weights.iter().sum::<f64>();
        let items: Vec<String> = (0..90).map(|i| i.to_string()).collect();
        let weighted = Weighted { groups: &items, weights: &weights };
        let ece = Statistic::ece(&confidence, &right, &Bootstrap::default()).unwrap();
        let said = cluster_statistic(&[ece], &weighted, &Bootstrap::default()).unwrap().method;
        assert!(said.contains(&format!("from {error:.3},")), "{error} {said}");
    }
}
