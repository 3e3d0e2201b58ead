//! `system.jsonl`: what the processes of a run used of their machines, a line for each period.
//!
//! It is a file of its own because it is written by a thread of its own, at its own pace, and because a training, its results and
//! the readers of its events depend on nothing that is in it.

use std::path::Path;

use cliptune_machine::{Sample, Usage};

use crate::clock::Clock;
use crate::error::StoreError;
use crate::event_log::{to_the_millisecond, unix_time};
use crate::guard::Guard;
use crate::lines::{Lines, for_each};
use crate::regular::read_file;

/// The log of a run's machine, open for appending.
#[derive(Debug)]
pub struct SystemLog {
    lines: Lines,
    clock: Clock,
}

impl SystemLog {
    /// Continues a log, or starts one if none exists. The clock is the run's.
    pub fn open_append(path: &Path, clock: Clock) -> Result<Self, StoreError> {
        Ok(Self { lines: Lines::open(path)?.0, clock })
    }

    /// Writes nothing any more once another process has taken the run over.
    pub fn guarded_by(self, guard: Option<Guard>) -> Self {
        Self { lines: self.lines.guarded_by(guard), clock: self.clock }
    }

    /// Returns the seconds that have been spent on the run.
    pub fn seconds(&self) -> f64 {
        self.clock.seconds()
    }

    /// Appends the usage in a period of so many seconds that ends now, after so many steps, and returns it with its stamp.
    ///
    /// # Errors
    ///
    /// Returns an error when the file cannot be written. Nothing is lost: the line is written with the next one.
    pub fn append(&mut self, over: f64, step: usize, usage: Usage) -> (Sample, Result<(), StoreError>) {
        let (time, seconds) = (to_the_millisecond(unix_time()), to_the_millisecond(self.seconds()));
        let sample = Sample { time, seconds, over: to_the_millisecond(over), step, usage };
        let written = self.lines.append(&sample);
        (sample, written)
    }
}

/// The readable part of a log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SystemSamples {
    /// The samples that can be read, in the order of the file.
    pub samples: Vec<Sample>,
    /// The number of lines that cannot be read.
    pub damaged_lines: usize,
}

impl SystemSamples {
    /// Returns the seconds that had been spent on the run by the last sample.
    pub(crate) fn seconds(&self) -> f64 {
        self.samples.iter().map(|sample| sample.seconds).fold(0.0, f64::max)
    }
}

/// Reads a log. A torn tail or a damaged line loses only that line. A run of an earlier version, or one that has just begun,
/// has no log, and no samples.
pub fn read_system(path: &Path) -> Result<SystemSamples, StoreError> {
    let mut samples = SystemSamples::default();
    if crate::regular::is_absent(path) {
        return Ok(samples);
    }
    samples.damaged_lines = for_each(&read_file(path)?, |content| {
        serde_json::from_slice(content).map(|sample| samples.samples.push(sample)).is_ok()
    });
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use fs_err as fs;

    use super::*;

    fn memory(bytes: u64) -> Usage {
        Usage { memory: Some(bytes), ..Usage::default() }
    }

    #[test]
    fn a_log_cut_at_any_byte_can_be_continued() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("system.jsonl");
        let mut log = SystemLog::open_append(&path, Clock::start(7.0)).unwrap();
        for step in 1..=2 {
            log.append(2.0, step, memory(step as u64)).1.unwrap();
        }
        let bytes = fs::read(&path).unwrap();
        for cut in 0..=bytes.len() {
            fs::write(&path, &bytes[..cut]).unwrap();
            let before = read_system(&path).unwrap().samples.len();
            let mut log = SystemLog::open_append(&path, Clock::start(9.0)).unwrap();
            let (last, written) = log.append(2.0, 3, memory(3));
            written.unwrap();
            let read = read_system(&path).unwrap();
            assert_eq!((read.samples.len(), read.samples.last()), (before + 1, Some(&last)), "cut at {cut}");
            assert!(read.seconds() >= 9.0);
        }
    }

    #[test]
    fn samples_that_find_no_space_are_written_when_there_is_some() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("system.jsonl");
        let mut log = SystemLog::open_append(&path, Clock::start(0.0)).unwrap();
        // Every write to this device reports that the disk is full.
        let full = fs::OpenOptions::new().append(true).open("/dev/full").unwrap();
        let file = std::mem::replace(&mut log.lines.file, full);
        assert!(log.append(2.0, 1, memory(1)).1.is_err());
        log.lines.file = file;
        log.append(2.0, 2, memory(2)).1.unwrap();
        let read = read_system(&path).unwrap();
        assert_eq!(read.damaged_lines, 0);
        assert_eq!(read.samples.iter().map(|sample| sample.step).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn a_run_without_a_log_has_no_samples_and_a_folder_in_its_place_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("system.jsonl");
        assert_eq!(read_system(&path).unwrap(), SystemSamples::default());
        fs::create_dir(&path).unwrap();
        assert!(read_system(&path).is_err());
        assert!(SystemLog::open_append(&path, Clock::start(0.0)).is_err());
    }
}
