//! The learning rate over time.

use std::f64::consts::PI;

use cliptune_experiment::{Decay, Schedule};

/// The factor of the peak learning rate at a step from 1 to `steps`.
///
/// Warm-up is linear and reaches the peak at step `warmup_steps`, as open_clip's `scheduler.py` has it; decay ends
/// near zero at the last step.
pub fn factor(schedule: &Schedule, step: usize, steps: usize) -> f64 {
    if step <= schedule.warmup_steps {
        return step as f64 / schedule.warmup_steps as f64;
    }
    let after = (step - schedule.warmup_steps - 1) as f64;
    let remaining = steps.saturating_sub(schedule.warmup_steps).max(1) as f64;
    let progress = (after / remaining).min(1.0);
    match schedule.decay {
        Decay::Constant => 1.0,
        Decay::Linear => 1.0 - progress,
        Decay::Cosine => 0.5 * (1.0 + (PI * progress).cos()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(warmup_steps: usize, decay: Decay) -> Schedule {
        Schedule { warmup_steps, decay }
    }

    #[test]
    fn warm_up_is_linear_and_reaches_the_peak() {
        let schedule = schedule(4, Decay::Cosine);
        let factors: Vec<f64> = (1..=5).map(|step| factor(&schedule, step, 12)).collect();
        assert_eq!(factors, [0.25, 0.5, 0.75, 1.0, 1.0]);
    }

    #[test]
    fn without_warm_up_the_first_step_is_at_the_peak() {
        assert_eq!(factor(&schedule(0, Decay::Cosine), 1, 10), 1.0);
    }

    #[test]
    fn cosine_is_half_way_down_in_the_middle() {
        assert!((factor(&schedule(0, Decay::Cosine), 6, 10) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn decay_never_rises_and_stays_positive() {
        for decay in [Decay::Cosine, Decay::Linear] {
            let factors: Vec<f64> = (3..=20).map(|step| factor(&schedule(2, decay), step, 20)).collect();
            assert!(factors.is_sorted_by(|a, b| a >= b) && factors.iter().all(|&f| f > 0.0), "{decay:?}");
        }
    }

    #[test]
    fn a_warm_up_longer_than_the_run_never_reaches_the_peak() {
        assert_eq!(factor(&schedule(100, Decay::Cosine), 10, 10), 0.1);
    }
}
