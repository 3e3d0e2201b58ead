//! Turns looks into the usage of the time between them.

use crate::energy::joules;
use crate::gpu::GpuLook;
use crate::look::Look;
use crate::usage::{Total, Usage};

/// A period that begins with one look and goes on with each further one.
#[derive(Clone, Debug)]
pub struct Period {
    last: Look,
    /// The seconds of the run at the last look.
    at: f64,
    over: f64,
    total: Total,
}

impl Period {
    /// Begins a period with a look, after so many seconds of a run.
    pub fn begin(look: Look, seconds: f64) -> Self {
        Self { last: look, at: seconds, over: 0.0, total: Total::default() }
    }

    /// Adds the time since the last look.
    pub fn see(&mut self, look: Look, seconds: f64) {
        let over = (seconds - self.at).max(0.0);
        self.total.add(over, &usage(&self.last, &look, over));
        self.over += over;
        self.at = seconds;
        self.last = look;
    }

    /// Returns the length of the period so far, in seconds.
    pub fn over(&self) -> f64 {
        self.over
    }

    /// Ends the period, returns its usage, and begins the next one with the last look.
    pub fn end(&mut self) -> Usage {
        self.over = 0.0;
        std::mem::take(&mut self.total).usage()
    }
}

/// Returns the usage between two looks that lie so many seconds apart.
fn usage(before: &Look, now: &Look, over: f64) -> Usage {
    let (read, written) = both(before.transferred, now.transferred)
        .map(|(before, now)| (now.0.saturating_sub(before.0), now.1.saturating_sub(before.1)))
        .unzip();
    let GpuLook {
        usage: gpu, memory: gpu_memory, memory_limit: gpu_memory_limit, watts, temperature, ..
    } = now.gpu;
    Usage {
        cpu: both(before.machine, now.machine).and_then(|(before, now)| share(before, now)),
        processors: both(before.process, now.process)
            .filter(|_| over > 0.0)
            .map(|(before, now)| (now - before).max(0.0) / over),
        processors_limit: now.processors_limit,
        memory: now.memory,
        memory_peak: now.memory_peak,
        memory_used: now.memory_used,
        memory_limit: now.memory_limit,
        disk: now.disk,
        read,
        written,
        joules: joules(&before.packages, &now.packages),
        gpu,
        gpu_memory,
        gpu_memory_limit,
        watts,
        gpu_joules: both(before.gpu.joules, now.gpu.joules).map(|(before, now)| (now - before).max(0.0)),
        gpu_temperature: temperature,
    }
}

/// Returns two values if both are known.
fn both<T>(one: Option<T>, other: Option<T>) -> Option<(T, T)> {
    Some((one?, other?))
}

/// Returns the share of the time between two counts of busy ticks and of all ticks.
fn share(before: (u64, u64), now: (u64, u64)) -> Option<f64> {
    let (busy, all) = (now.0.saturating_sub(before.0), now.1.saturating_sub(before.1));
    (all > 0).then(|| (busy as f64 / all as f64).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(process: f64, memory: u64, gpu: f64) -> Look {
        Look {
            machine: Some(((process * 100.0) as u64, (process * 200.0) as u64)),
            process: Some(process),
            memory: Some(memory),
            transferred: Some((memory, 0)),
            gpu: GpuLook { usage: Some(gpu), joules: Some(process), ..GpuLook::default() },
            ..Look::default()
        }
    }

    #[test]
    fn a_period_has_means_sums_and_extremes_of_its_looks() {
        let mut period = Period::begin(look(0.0, 5, 0.0), 10.0);
        period.see(look(2.0, 9, 1.0), 12.0);
        period.see(look(6.0, 7, 0.25), 14.0);
        assert_eq!(period.over(), 4.0);
        let usage = period.end();
        assert_eq!((usage.cpu, usage.processors, usage.gpu), (Some(0.5), Some(1.5), Some(0.625)));
        assert_eq!((usage.memory, usage.read, usage.gpu_joules), (Some(9), Some(4), Some(6.0)));
        // The next period goes on from there and knows nothing of what was before.
        period.see(look(7.0, 6, 0.5), 15.0);
        let usage = period.end();
        assert_eq!((usage.processors, usage.memory, usage.gpu_joules), (Some(1.0), Some(6), Some(1.0)));
    }

    #[test]
    fn counters_that_begin_again_never_tell_nonsense() {
        let mut period = Period::begin(look(90.0, 5, 0.0), 0.0);
        period.see(look(1.0, 1, 0.0), 2.0);
        let usage = period.end();
        assert_eq!((usage.processors, usage.cpu), (Some(0.0), None));
        assert_eq!((usage.read, usage.gpu_joules), (Some(0), Some(0.0)));
    }

    #[test]
    fn two_looks_at_one_moment_tell_no_rates() {
        let mut period = Period::begin(look(1.0, 1, 0.0), 3.0);
        period.see(look(1.0, 1, 0.0), 3.0);
        assert_eq!(period.end().processors, None);
    }
}
