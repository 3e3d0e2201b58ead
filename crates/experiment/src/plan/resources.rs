//! `resources`: what a scheduler sets aside for each run.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use cliptune_terminal::format;
use serde::{Deserialize, Serialize};

use crate::language::options;
use crate::shape::Shape;
use crate::values::Impossible;

options! {
    /// `resources`: what a scheduler such as Slurm sets aside for each run. It changes no result and is no part of a run's
    /// identity, and `cliptune run` on one machine does not heed it. What is not named is the scheduler's choice.
    #[derive(Default, Eq)]
    pub struct Resources {
        /// The number of processors, and with it of threads.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cpus: Option<NonZeroUsize>, Shape::Whole { min: 1, max: 65_536 };
        /// The memory. `cliptune train --dry-run` estimates the need of a run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        memory: Option<MemorySize>;
        /// The number of GPUs. Only training is given any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gpus: Option<NonZeroUsize>, Shape::Whole { min: 1, max: 1024 };
        /// The longest time that the work on a run may take at a stretch. What is stopped by it goes on from its checkpoint when it
        /// is submitted again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time: Option<TimeLimit>;
        /// The partition, or several with commas between them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partition: Option<Partition>;
    }
}

impl Resources {
    /// Returns what two pieces of work need that are done one after the other in the same place: of each kind as much as either of
    /// them, in the place of the first. Nothing is said of the time, which nobody knows of both together.
    #[must_use]
    pub fn or_more(self, other: Self) -> Self {
        Self {
            cpus: self.cpus.max(other.cpus),
            memory: self.memory.max(other.memory),
            gpus: self.gpus.max(other.gpus),
            time: None,
            partition: self.partition.or(other.partition),
        }
    }
}

/// An amount of memory: at least one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MemorySize(u64);

impl MemorySize {
    /// What is expected where a size is written.
    pub(crate) const EXPECTED: &'static str = "a size such as `16GiB`";

    /// Returns the size in bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for MemorySize {
    type Err = Impossible;

    fn from_str(written: &str) -> Result<Self, Impossible> {
        let size = format::parse_bytes(written.trim()).map(Self);
        size.ok_or_else(|| Impossible(format!("expected {}", Self::EXPECTED)))
    }
}

impl fmt::Display for MemorySize {
    /// Writes the exact size, in the largest unit of which it is a whole number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u64); 8] = [
            ("TiB", 1 << 40),
            ("GiB", 1 << 30),
            ("MiB", 1 << 20),
            ("KiB", 1 << 10),
            ("TB", 1_000_000_000_000),
            ("GB", 1_000_000_000),
            ("MB", 1_000_000),
            ("kB", 1_000),
        ];
        let (unit, bytes) =
            UNITS.into_iter().find(|(_, bytes)| self.0.is_multiple_of(*bytes)).unwrap_or(("B", 1));
        write!(f, "{}{unit}", self.0 / bytes)
    }
}

/// A limit of time: whole seconds, at least one and at most a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeLimit(u64);

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

impl TimeLimit {
    /// What is expected where a time is written.
    pub(crate) const EXPECTED: &'static str =
        "a time such as `90min`, `12h`, `2d`, `08:30:00` or `1-12:00:00`";
    const LONGEST: u64 = 366 * DAY;

    /// Returns the time.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }

    /// Returns the time as a clock shows it, with the days before it: `1-12:00:00`.
    pub fn clock(self) -> String {
        let (days, rest) = (self.0 / DAY, self.0 % DAY);
        format!("{days}-{:02}:{:02}:{:02}", rest / HOUR, rest / MINUTE % 60, rest % 60)
    }
}

impl FromStr for TimeLimit {
    type Err = Impossible;

    fn from_str(written: &str) -> Result<Self, Impossible> {
        let written = written.trim();
        let seconds = with_unit(written).or_else(|| clock(written));
        let possible = seconds.filter(|seconds| (1..=Self::LONGEST).contains(seconds));
        possible.map(Self).ok_or_else(|| Impossible(format!("expected {}", Self::EXPECTED)))
    }
}

/// Reads a whole number with a unit.
fn with_unit(written: &str) -> Option<u64> {
    let units = [("min", MINUTE), ("h", HOUR), ("d", DAY), ("s", 1)];
    let (number, seconds) =
        units.into_iter().find_map(|(unit, seconds)| Some((written.strip_suffix(unit)?, seconds)))?;
    whole(number.trim_end())?.checked_mul(seconds)
}

/// Reads `HH:MM:SS` or `D-HH:MM:SS`.
fn clock(written: &str) -> Option<u64> {
    let (days, clock) = written.split_once('-').unwrap_or(("0", written));
    let parts: Vec<u64> = clock.split(':').map(whole).collect::<Option<_>>()?;
    let [hours, minutes, seconds] = parts[..] else { return None };
    if minutes >= 60 || seconds >= 60 {
        return None;
    }
    let days = whole(days)?.checked_mul(DAY)?;
    days.checked_add(hours.checked_mul(HOUR)?)?.checked_add(minutes * MINUTE + seconds)
}

/// Reads digits and nothing else: no sign, no spaces.
fn whole(written: &str) -> Option<u64> {
    written.bytes().all(|digit| digit.is_ascii_digit()).then(|| written.parse().ok()).flatten()
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [("d", DAY), ("h", HOUR), ("min", MINUTE)];
        match units.into_iter().find(|(_, seconds)| self.0.is_multiple_of(*seconds)) {
            Some((unit, seconds)) => write!(f, "{}{unit}", self.0 / seconds),
            None => f.write_str(&self.clock()),
        }
    }
}

/// The name of a partition, or several with commas between them: letters, digits, `-`, `_` and `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Partition(String);

impl Partition {
    /// What is expected where a partition is written.
    pub(crate) const EXPECTED: &'static str = "the name of a partition";
    const LONGEST: usize = 200;

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Partition {
    type Err = Impossible;

    fn from_str(written: &str) -> Result<Self, Impossible> {
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        let is_name = |name: &str| !name.is_empty() && !name.starts_with('-') && name.chars().all(allowed);
        match written.len() <= Self::LONGEST && written.split(',').all(is_name) {
            true => Ok(Self(written.to_owned())),
            false => {
                Err(Impossible(format!("expected {} of letters, digits, '-', '_' or '.'", Self::EXPECTED)))
            }
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes a record hold a value as the text that a person writes.
macro_rules! as_text {
    ($($Value:ty),+) => {
        $(
            impl TryFrom<String> for $Value {
                type Error = Impossible;

                fn try_from(written: String) -> Result<Self, Impossible> {
                    written.parse()
                }
            }

            impl From<$Value> for String {
                fn from(value: $Value) -> Self {
                    value.to_string()
                }
            }
        )+
    };
}

as_text!(MemorySize, TimeLimit, Partition);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_written_as_it_was_read() {
        for written in ["16GiB", "500MB", "1536MiB", "3TiB", "1GB", "7B", "1000kB"] {
            let size: MemorySize = written.parse().unwrap();
            assert_eq!(size.to_string().parse::<MemorySize>().unwrap(), size, "{written}");
        }
        let size = |written: &str| written.parse::<MemorySize>().map(|size| (size.bytes(), size.to_string()));
        assert_eq!(size("16GiB").unwrap(), (16 << 30, "16GiB".to_owned()));
        assert_eq!(size("1000kB").unwrap().1, "1MB");
        for wrong in ["16", "16G", "0GiB", "-1GiB", "lots", ""] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_time_has_a_unit_or_is_a_clock() {
        let time = |written: &str| written.parse::<TimeLimit>();
        for (written, seconds, shown, clock) in [
            ("90min", 5400, "90min", "0-01:30:00"),
            ("12h", 43_200, "12h", "0-12:00:00"),
            ("48 h", 172_800, "2d", "2-00:00:00"),
            ("08:30:00", 30_600, "510min", "0-08:30:00"),
            ("1-12:00:30", 129_630, "1-12:00:30", "1-12:00:30"),
            ("45s", 45, "0-00:00:45", "0-00:00:45"),
        ] {
            let time = time(written).unwrap();
            assert_eq!(time.duration(), Duration::from_secs(seconds), "{written}");
            assert_eq!((time.to_string().as_str(), time.clock().as_str()), (shown, clock), "{written}");
            assert_eq!(time.to_string().parse::<TimeLimit>().unwrap(), time, "{written}");
        }
        for wrong in ["90", "12:00", "1:2:3:4", "0min", "00:60:00", "-1h", "1-", "400d", "1.5h", "+1h", ""] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_partition_is_a_name_that_no_shell_reads_otherwise() {
        for right in ["gpu", "gpu-a100", "long,short", "a.b_c"] {
            assert_eq!(right.parse::<Partition>().unwrap().as_str(), right);
        }
        for wrong in ["", "a b", "a,", "-x", "$(x)", "a;b", "a\nb", "ä"] {
            assert!(wrong.parse::<Partition>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_two_need_is_what_either_needs() {
        let of = |cpus, memory: &str, time: Option<&str>| Resources {
            cpus: NonZeroUsize::new(cpus),
            memory: Some(memory.parse().unwrap()),
            time: time.map(|time| time.parse().unwrap()),
            ..Resources::default()
        };
        assert_eq!(of(2, "4GiB", Some("1h")).or_more(of(8, "1GiB", None)), of(8, "4GiB", None));
        assert_eq!(Resources::default().or_more(of(1, "1GiB", None)), of(1, "1GiB", None));
    }
}
