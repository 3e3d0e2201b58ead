//! Schedules of the learning rate over time.

use std::f64::consts::PI;

use cliptune_experiment::{Decay, Fraction, Schedule, Warmup};

/// Returns the factor of the peak learning rate at an update from 1 to `steps`.
///
/// Warm-up is linear and reaches the peak at its last update, as in open_clip's `scheduler.py`. Decay ends near zero at
/// the last update.
pub fn factor(schedule: &Schedule, step: usize, steps: usize) -> f64 {
    let warmup = warmup_steps(schedule, steps);
    if step <= warmup {
        return step as f64 / warmup as f64;
    }
    match schedule.decay {
        Decay::Constant => 1.0,
        Decay::Linear => 1.0 - progress(step, warmup, steps),
        Decay::Cosine => 0.5 * (1.0 + (PI * progress(step, warmup, steps)).cos()),
        Decay::ConstantWithCooldown { cooldown } => {
            1.0 - progress(step, steps.saturating_sub(part(cooldown, steps)), steps)
        }
    }
}

/// Returns the number of warm-up updates in a training of so many.
pub(crate) fn warmup_steps(schedule: &Schedule, steps: usize) -> usize {
    match schedule.warmup {
        Warmup::Steps(warmup) => warmup,
        Warmup::Share(share) => part(share, steps),
    }
}

/// Returns how far an update has come from the one after `start` (0) to the one after `steps` (1).
fn progress(step: usize, start: usize, steps: usize) -> f64 {
    let after = step.saturating_sub(start + 1) as f64;
    (after / steps.saturating_sub(start).max(1) as f64).min(1.0)
}

fn part(share: Fraction, steps: usize) -> usize {
    (share.get() * steps as f64).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(warmup_steps: usize, decay: Decay) -> Schedule {
        Schedule { warmup: Warmup::Steps(warmup_steps), decay }
    }

    fn share(value: f64) -> Fraction {
        Fraction::try_from(value).unwrap()
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
        let cooldown = Decay::ConstantWithCooldown { cooldown: share(1.0) };
        for decay in [Decay::Cosine, Decay::Linear, cooldown] {
            let factors: Vec<f64> = (3..=20).map(|step| factor(&schedule(2, decay), step, 20)).collect();
            assert!(factors.is_sorted_by(|a, b| a >= b) && factors.iter().all(|&f| f > 0.0), "{decay:?}");
        }
    }

    #[test]
    fn a_warm_up_longer_than_the_run_never_reaches_the_peak() {
        assert_eq!(factor(&schedule(100, Decay::Cosine), 10, 10), 0.1);
    }

    #[test]
    fn a_share_of_the_updates_is_as_many_as_it_says() {
        let shared = Schedule { warmup: Warmup::Share(share(0.07)), decay: Decay::Linear };
        for step in 1..=100 {
            assert_eq!(factor(&shared, step, 100), factor(&schedule(7, Decay::Linear), step, 100));
        }
    }

    /// ```python
    /// o = torch.optim.SGD([torch.zeros(1)], lr=1.)
    /// s = open_clip_train.scheduler.const_lr_cooldown(o, 1., 2, 10, 4)
    /// [s(n) for n in range(10)]  # open_clip 4.0
    /// ```
    #[test]
    fn cooldown_is_that_of_open_clip() {
        let schedule = schedule(2, Decay::ConstantWithCooldown { cooldown: share(0.4) });
        let factors: Vec<f64> = (1..=10).map(|step| factor(&schedule, step, 10)).collect();
        assert_eq!(factors, [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25]);
    }
}
