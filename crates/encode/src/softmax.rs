//! Computes probabilities from logits.

/// Returns the softmax probabilities. The largest logit is subtracted first, so that no exponential overflows.
pub fn softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let shares: Vec<f64> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let total: f64 = shares.iter().sum();
    shares.iter().map(|share| share / total).collect()
}

/// Returns ln Σ exp(logits). The negative log-likelihood of choice i is this value minus logit i.
pub fn log_sum_exp(logits: &[f64]) -> f64 {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + logits.iter().map(|logit| (logit - largest).exp()).sum::<f64>().ln()
}

/// Returns the index of the highest logit, or the first such index at a tie.
pub fn highest(logits: &[f64]) -> usize {
    (0..logits.len()).fold(0, |best, index| if logits[index] > logits[best] { index } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_scipys() {
        // scipy.special.softmax([1, 2, 4]) -> .04201007 .1141952 .84379473; logsumexp -> 4.16984602
        let probabilities = softmax(&[1.0, 2.0, 4.0]);
        for (found, expected) in probabilities.iter().zip([0.042_010_07, 0.114_195_20, 0.843_794_73]) {
            assert!((found - expected).abs() < 1e-8);
        }
        assert!((log_sum_exp(&[1.0, 2.0, 4.0]) - 4.169_846_02).abs() < 1e-8);
    }

    #[test]
    fn large_logits_do_not_overflow() {
        assert_eq!(softmax(&[1e4, 1e4]), [0.5, 0.5]);
    }

    #[test]
    fn the_first_of_equals_is_highest() {
        assert_eq!(highest(&[1.0, 3.0, 3.0]), 1);
    }
}
