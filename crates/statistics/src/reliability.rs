//! What a reliability diagram shows: how often answers of some confidence are right (DeGroot & Fienberg 1983, The Statistician
//! 32:12–22), in the bins of equal mass that the calibration error is computed from.

use crate::calibration::Binned;
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

/// Returns the bins, from the lowest confidence. `copies` says how many answers each item has in the lists, such as one of each
/// seed: only other items make an interval narrower.
///
/// # Errors
/// Returns an error when there is not one finite number in each list for each answer.
pub fn reliability(confidence: &[f64], right: &[f64], copies: usize) -> Result<Vec<Reliability>, Unusable> {
    let binned = Binned::new(confidence, right)?;
    let bin = |(mass, confidence, right): (f64, f64, f64)| {
        let (accuracy, n) = ((right / mass).clamp(0.0, 1.0), mass / copies.max(1) as f64);
        let (low, high) = ends(accuracy * n, n);
        Reliability { confidence: confidence / mass, accuracy, low, high }
    };
    Ok(binned.sums().into_iter().map(bin).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_those_of_the_calibration_error() {
        let confidence: Vec<f64> = (0..30).map(|i| f64::from(i) / 30.0).collect();
        let right: Vec<f64> = (0..30).map(|i| f64::from(u8::from(i % 3 > 0))).collect();
        let bins = reliability(&confidence, &right, 1).unwrap();
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
            reliability(&confidence, &right, 2).unwrap(),
            reliability(
                &confidence.iter().step_by(2).copied().collect::<Vec<_>>(),
                &right.iter().step_by(2).copied().collect::<Vec<_>>(),
                1,
            )
            .unwrap(),
        );
        for (twice, once) in twice.iter().zip(once) {
            assert!((twice.low - once.low).abs() < 1e-12 && (twice.high - once.high).abs() < 1e-12);
        }
    }
}
