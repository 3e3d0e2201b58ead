//! Progress in a log file, as a plain line now and then.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::{format, output};

/// The shortest time between two lines, which is used at first.
const INTERVAL: Duration = Duration::from_secs(10);
/// The longest time between two lines, which is reached in work that takes hours.
const LONGEST_INTERVAL: Duration = Duration::from_secs(300);
/// Between these limits, the interval is the elapsed time divided by this number, so that the log of a long run stays a
/// page or two.
const LINES: u32 = 60;

/// A [`Meter`] that prints to stderr and can be shared between threads.
#[derive(Debug)]
pub(super) struct Log {
    meter: Mutex<Meter>,
}

impl Log {
    pub(super) fn start(label: &str, total: u64, unit: Cow<'static, str>) -> Self {
        Self { meter: Mutex::new(Meter::new(label, total, unit, Instant::now())) }
    }

    pub(super) fn advance(&self, by: u64) {
        let mut meter = self.meter();
        let done = meter.done.saturating_add(by);
        print(meter.reach(done, Instant::now()));
    }

    pub(super) fn set(&self, done: u64) {
        print(self.meter().reach(done, Instant::now()));
    }

    pub(super) fn message(&self, text: &str) {
        text.clone_into(&mut self.meter().message);
    }

    pub(super) fn finish(&self) {
        print(Some(self.meter().last_line(Instant::now())));
    }

    fn meter(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn print(line: Option<String>) {
    if let Some(line) = line {
        output::stderr(&format!("{line}\n"));
    }
}

/// Keeps track of the amount done, when the next line is due and what it says. The caller supplies the time.
#[derive(Debug)]
struct Meter {
    label: String,
    total: u64,
    unit: Cow<'static, str>,
    message: String,
    done: u64,
    started: Instant,
    printed: Instant,
    /// The first amount reached, and when. Speed is measured from there, because work done before this process started,
    /// and a slow first step, say nothing about the rest.
    first: Option<(u64, Instant)>,
}

impl Meter {
    fn new(label: &str, total: u64, unit: Cow<'static, str>, now: Instant) -> Self {
        let (label, message) = (label.to_owned(), String::new());
        Self { label, total, unit, message, done: 0, started: now, printed: now, first: None }
    }

    /// Records the amount done and returns a line to print if one is due.
    fn reach(&mut self, done: u64, now: Instant) -> Option<String> {
        self.done = done;
        self.first.get_or_insert((done, now));
        let interval = (now.duration_since(self.started) / LINES).clamp(INTERVAL, LONGEST_INTERVAL);
        if now.duration_since(self.printed) < interval {
            return None;
        }
        self.printed = now;
        Some(self.line(now))
    }

    fn line(&self, now: Instant) -> String {
        let mut line = format!("{}: {}", self.label, amount(self.done, self.total, &self.unit));
        if let Some(percent) = self.done.saturating_mul(100).checked_div(self.total) {
            let _ = write!(line, " ({percent}%)");
        }
        if let Some(left) = self.left(now) {
            let _ = write!(line, ", {} left", format::remaining(left));
        }
        self.with_message(line)
    }

    fn last_line(&self, now: Instant) -> String {
        let took = format::duration(now.duration_since(self.started));
        self.with_message(format!("{}: {} in {took}", self.label, amount(self.done, 0, &self.unit)))
    }

    fn with_message(&self, line: String) -> String {
        if self.message.is_empty() { line } else { format!("{line}, {}", self.message) }
    }

    /// Estimates the time that the rest will take at the speed so far.
    fn left(&self, now: Instant) -> Option<Duration> {
        let (first, since) = self.first?;
        let done = self.done.checked_sub(first).filter(|done| *done > 0)?;
        let remaining = self.total.checked_sub(self.done).filter(|left| *left > 0)?;
        let seconds = now.duration_since(since).as_secs_f64() * remaining as f64 / done as f64;
        Duration::try_from_secs_f64(seconds).ok()
    }
}

/// Formats the amount done: `320/1,024 items`, `12 MiB/338 MiB`, or without the total when that is not known. The unit is
/// `bytes`, or the noun for one of what is counted; nothing is counted where it is empty.
pub(super) fn amount(done: u64, total: u64, unit: &str) -> String {
    match (unit, total) {
        ("", 0) => String::new(),
        ("bytes", 0) => format::bytes(done),
        ("bytes", _) => format!("{}/{}", format::bytes(done), format::bytes(total)),
        (_, 0) => format::counted(done, unit),
        _ => format!("{}/{}", format::count(done), format::counted(total, unit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what a meter prints when it reaches each of the amounts at each of the seconds.
    fn lines(total: u64, unit: &'static str, reached: &[(u64, u64)]) -> String {
        let start = Instant::now();
        let mut meter = Meter::new("train", total, unit.into(), start);
        let mut lines = Vec::new();
        for (second, done) in reached {
            lines.extend(meter.reach(*done, start + Duration::from_secs(*second)));
        }
        let last = reached.last().map_or(0, |(second, _)| *second);
        lines.push(meter.last_line(start + Duration::from_secs(last)));
        lines.join("\n")
    }

    #[test]
    fn a_line_is_due_every_ten_seconds() {
        let reached: Vec<_> = (1..=32).map(|step| (step, step * 32)).collect();
        insta::assert_snapshot!(lines(1_024, "item", &reached), @r"
        train: 320/1,024 items (31%), 22 s left
        train: 640/1,024 items (62%), 12 s left
        train: 960/1,024 items (93%), 2 s left
        train: 1,024 items in 32 s
        ");
    }

    #[test]
    fn the_longer_the_work_the_rarer_the_lines() {
        const HOUR: u64 = 3600;
        let start = Instant::now();
        let mut meter = Meter::new("train", 100, "step".into(), start);
        let printed = (1..=48 * HOUR).filter(|&second| {
            let line = meter.reach(second, start + Duration::from_secs(second));
            line.is_some()
        });
        let printed: Vec<u64> = printed.collect();
        let until = |hours: u64| printed.iter().filter(|second| **second <= hours * HOUR).count();
        assert_eq!([1, 5, 6, 48].map(until), [164, 259, 271, 775]);
    }

    #[test]
    fn work_done_before_does_not_count_as_speed() {
        insta::assert_snapshot!(lines(1_000, "step", &[(5, 900), (15, 910), (105, 1_000)]), @r"
        train: 910/1,000 steps (91%), 1 min 30 s left
        train: 1,000/1,000 steps (100%)
        train: 1,000 steps in 1 min 45 s
        ");
    }

    #[test]
    fn an_unknown_total_has_no_share_and_no_end() {
        insta::assert_snapshot!(lines(0, "bytes", &[(1, 2_048), (20, 5_000_000)]), @r"
        train: 4.8 MiB
        train: 4.8 MiB in 20 s
        ");
    }

    #[test]
    fn the_message_comes_last() {
        let start = Instant::now();
        let mut meter = Meter::new("train", 10, "step".into(), start);
        meter.message = "loss 2.31".to_owned();
        let line = meter.reach(3, start + INTERVAL);
        insta::assert_snapshot!(line.unwrap_or_default(), @"train: 3/10 steps (30%), loss 2.31");
    }
}
