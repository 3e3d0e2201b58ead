//! What was used in some time, and what was used in several times together.

use serde::{Deserialize, Serialize};

/// The usage of one period of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The moment at which the period ended, in seconds since the Unix epoch.
    pub time: f64,
    /// The seconds that had been spent on the run by then.
    pub seconds: f64,
    /// The length of the period in seconds.
    pub over: f64,
    /// The number of optimiser steps that had been taken by then.
    pub step: usize,
    /// The usage in the period.
    pub usage: Usage,
}

/// What a process used of its machine in some time. What the machine does not tell is missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// The share of all processors of the machine that was in use, by whatever process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
    /// The number of processors that the process kept busy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processors: Option<f64>,
    /// The number of processors that the process may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processors_limit: Option<f64>,
    /// The most memory that the process had at any look, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// The most memory that the process has had since it began, in bytes, as the kernel counts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_peak: Option<u64>,
    /// The memory in use by all processes of the container, or of the machine where there is none, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_used: Option<u64>,
    /// The memory that there is: the container's limit, or the machine's memory, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_limit: Option<u64>,
    /// The least free space on the disk, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<u64>,
    /// The bytes that the process had the disks read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<u64>,
    /// The bytes that the process had the disks write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<u64>,
    /// The energy that the machine's processors took, in joules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joules: Option<f64>,
    /// The share of the time in which the GPU was computing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<f64>,
    /// The most memory of the GPU that was in use, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_memory: Option<u64>,
    /// The memory of the GPU, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_memory_limit: Option<u64>,
    /// The mean power of the GPU in watts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watts: Option<f64>,
    /// The energy that the GPU took, in joules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_joules: Option<f64>,
    /// The highest temperature of the GPU in degrees Celsius.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_temperature: Option<f64>,
}

impl Usage {
    /// Returns the energy that was told of processors and GPU together, in joules.
    pub fn all_joules(&self) -> Option<f64> {
        let known: Vec<f64> = self.joules.into_iter().chain(self.gpu_joules).collect();
        (!known.is_empty()).then(|| known.iter().sum())
    }
}

/// Formats an amount of energy with three figures: `912 J`, `4.56 MJ`.
pub fn energy(joules: f64) -> String {
    let units = [("J", 1.0), ("kJ", 1e3), ("MJ", 1e6), ("GJ", 1e9)];
    let is_fine = |(_, size): &&(&str, f64)| joules.abs() / size < 999.5;
    let (unit, size) = units.iter().find(is_fine).unwrap_or(&units[3]);
    let value = joules / size;
    let decimals = match value.abs() {
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    };
    // No machine takes that much; a damaged counter may say so.
    if value.abs() >= 1e6 { format!("{value:.1e} {unit}") } else { format!("{value:.decimals$} {unit}") }
}

/// The usage of several times together.
#[derive(Clone, Debug, Default)]
pub struct Total {
    usage: Usage,
    cpu: Mean,
    processors: Mean,
    gpu: Mean,
    watts: Mean,
}

impl Total {
    /// Returns the usage in all periods of a run together, or `None` if there are none.
    pub fn of(samples: &[Sample]) -> Option<Usage> {
        let mut total = Self::default();
        samples.iter().for_each(|sample| total.add(sample.over, &sample.usage));
        (!samples.is_empty()).then(|| total.usage())
    }

    /// Adds the usage of so many seconds.
    pub fn add(&mut self, seconds: f64, usage: &Usage) {
        self.cpu.add(seconds, usage.cpu);
        self.processors.add(seconds, usage.processors);
        self.gpu.add(seconds, usage.gpu);
        self.watts.add(seconds, usage.watts);
        let all = &mut self.usage;
        sum(&mut all.read, usage.read, u64::saturating_add);
        sum(&mut all.written, usage.written, u64::saturating_add);
        sum(&mut all.joules, usage.joules, |one, other| one + other);
        sum(&mut all.gpu_joules, usage.gpu_joules, |one, other| one + other);
        sum(&mut all.memory, usage.memory, u64::max);
        sum(&mut all.memory_peak, usage.memory_peak, u64::max);
        sum(&mut all.memory_used, usage.memory_used, u64::max);
        sum(&mut all.disk, usage.disk, u64::min);
        sum(&mut all.gpu_memory, usage.gpu_memory, u64::max);
        sum(&mut all.gpu_temperature, usage.gpu_temperature, f64::max);
        sum(&mut all.processors_limit, usage.processors_limit, |_, last| last);
        sum(&mut all.memory_limit, usage.memory_limit, |_, last| last);
        sum(&mut all.gpu_memory_limit, usage.gpu_memory_limit, |_, last| last);
    }

    /// Returns the usage of all that was added.
    pub fn usage(&self) -> Usage {
        Usage {
            cpu: self.cpu.value(),
            processors: self.processors.value(),
            gpu: self.gpu.value(),
            watts: self.watts.value(),
            ..self.usage.clone()
        }
    }
}

/// Puts two values together. Where one of them is missing, the other one counts.
fn sum<T: Copy>(all: &mut Option<T>, one: Option<T>, together: impl Fn(T, T) -> T) {
    *all = match (*all, one) {
        (Some(all), Some(one)) => Some(together(all, one)),
        (all, one) => all.or(one),
    };
}

/// A mean over the time in which a value is known.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    seconds: f64,
}

impl Mean {
    fn add(&mut self, seconds: f64, value: Option<f64>) {
        if let Some(value) = value {
            self.sum += seconds * value;
            self.seconds += seconds;
        }
    }

    fn value(self) -> Option<f64> {
        // One part in ten thousand is finer than any of these values is known, and keeps lines short.
        (self.seconds > 0.0).then(|| (self.sum / self.seconds * 1e4).round() / 1e4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_averaged_over_time_amounts_are_summed_and_levels_are_at_their_extremes() {
        let one = Usage {
            cpu: Some(1.0),
            read: Some(10),
            joules: Some(5.0),
            memory: Some(700),
            disk: Some(50),
            ..Usage::default()
        };
        let other = Usage {
            cpu: Some(0.0),
            read: Some(1),
            joules: Some(0.5),
            memory: Some(300),
            disk: Some(40),
            ..Usage::default()
        };
        let mut total = Total::default();
        total.add(3.0, &one);
        total.add(1.0, &other);
        let expected = Usage {
            cpu: Some(0.75),
            read: Some(11),
            joules: Some(5.5),
            memory: Some(700),
            disk: Some(40),
            ..Usage::default()
        };
        assert_eq!(total.usage(), expected);
    }

    #[test]
    fn what_is_unknown_for_a_while_is_averaged_over_the_rest() {
        let mut total = Total::default();
        total.add(100.0, &Usage::default());
        total.add(2.0, &Usage { gpu: Some(0.5), gpu_joules: Some(7.0), ..Usage::default() });
        let usage = total.usage();
        assert_eq!((usage.gpu, usage.gpu_joules, usage.cpu), (Some(0.5), Some(7.0), None));
        assert_eq!(Total::of(&[]), None);
    }

    #[test]
    fn energy_has_three_figures() {
        let read = [0.0, 9.99, 12.34, 912.0, 999.7, 4_560_000.0, 7.5e12, 1e300].map(energy);
        assert_eq!(
            read,
            ["0.00 J", "9.99 J", "12.3 J", "912 J", "1.00 kJ", "4.56 MJ", "7500 GJ", "1.0e291 GJ"]
        );
    }

    #[test]
    fn what_is_missing_is_not_written_and_what_is_unknown_is_not_read() {
        let usage = Usage { memory: Some(7), ..Usage::default() };
        let text = serde_json::to_string(&usage).unwrap();
        assert_eq!(text, r#"{"memory":7}"#);
        let newer = r#"{"memory":7,"fans":3}"#;
        assert_eq!(serde_json::from_str::<Usage>(newer).unwrap(), usage);
    }
}
