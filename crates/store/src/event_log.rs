//! `events.jsonl`: what happened in a run, a line for each event.

use std::path::Path;

use cliptune_durable::read_whole_into;

use crate::clock::Clock;
use crate::error::{Damage, StoreError};
use crate::event::{Event, Stamped};
use crate::event_row::EventRow;
use crate::guard::Guard;
use crate::lines::{Lines, checked, for_each, split};
use crate::regular::{open, read_file};
use crate::utc;

/// The log of a run, open for appending.
///
/// An event that cannot be written, for example on a full disk, is kept and written before the next one.
#[derive(Debug)]
pub struct EventLog {
    lines: Lines,
    next: u64,
    clock: Option<Clock>,
}

impl EventLog {
    /// Starts a log where none exists yet.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { lines: Lines::create(path)?, next: 0, clock: None })
    }

    /// Continues a log after whatever can be read of it, or starts one if none exists.
    pub fn open_append(path: &Path) -> Result<Self, StoreError> {
        let (lines, bytes) = Lines::open(path)?;
        let next = parse(&bytes).events.iter().map(|event| event.seq + 1).max().unwrap_or(0);
        Ok(Self { lines, next, clock: None })
    }

    /// Stamps the events that follow with the seconds that a clock counts.
    pub fn timed_by(self, clock: Clock) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// Writes nothing any more once another process has taken the run over.
    pub fn guarded_by(self, guard: Option<Guard>) -> Self {
        Self { lines: self.lines.guarded_by(guard), next: self.next, clock: self.clock }
    }

    /// Appends one event with a single write, after the events that could not be written before.
    ///
    /// # Errors
    ///
    /// Returns an error when the file cannot be written. The event is not lost: it is written with the next one, or
    /// by [`sync`](Self::sync).
    pub fn append(&mut self, event: &Event) -> Result<(), StoreError> {
        let seconds = self.clock.as_ref().map(|clock| to_the_millisecond(clock.seconds()));
        let stamped = Stamped { seq: self.next, time: unix_time(), seconds, event: event.clone() };
        self.next += 1;
        self.lines.append(&stamped)
    }

    /// Makes all appended events durable.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        self.lines.sync()
    }
}

/// Returns the seconds since the Unix epoch, by the machine's clock.
pub(crate) fn unix_time() -> f64 {
    utc::now().as_duration().as_secs_f64()
}

/// Shortens a number of seconds, which takes less room in a line then.
pub(crate) fn to_the_millisecond(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

/// The readable part of a log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Events {
    /// The events that can be read, in the order of the file.
    pub events: Vec<Stamped>,
    /// The number of lines that cannot be read.
    pub damaged_lines: usize,
    /// The number of lines of kinds that only a newer cliptune knows. They are whole, and left out.
    pub newer_lines: usize,
}

impl Events {
    /// Returns the lines that are left out.
    pub fn left_out(&self) -> LeftOut {
        LeftOut { damaged: self.damaged_lines, newer: self.newer_lines }
    }
}

/// How many lines of a log are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// The lines that cannot be read. A last line without an end is none of them: somebody is writing it, or was killed while
    /// doing so.
    pub damaged: usize,
    /// The whole lines of kinds that only a newer cliptune knows.
    pub newer: usize,
}

impl LeftOut {
    /// Returns the errors that say that these lines of a log are left out.
    pub fn errors(self, log: &Path) -> impl Iterator<Item = StoreError> {
        let path = || log.to_path_buf();
        let damaged = (self.damaged > 0)
            .then(|| StoreError::Damaged { path: path(), source: Damage::Lines(self.damaged) });
        let newer = (self.newer > 0).then(|| StoreError::NewerLines { path: path(), lines: self.newer });
        damaged.into_iter().chain(newer)
    }
}

/// Reads a log. A torn tail or a damaged line loses only that line.
pub fn read_events(path: &Path) -> Result<Events, StoreError> {
    Ok(parse(&read_file(path)?))
}

/// Gives every event of a log that can be read to a function, in the order of the file, each as one row of a table.
///
/// This is for many long logs: it takes a fraction of the time of [`read_events`], and `memory`, whose content does not matter, serves
/// one log after the other. It returns the numbers of the lines that are left out.
///
/// # Errors
///
/// Returns an error when the log itself cannot be read.
pub fn for_each_event(
    path: &Path,
    memory: &mut Vec<u8>,
    mut on_event: impl FnMut(&EventRow<'_>),
) -> Result<LeftOut, StoreError> {
    read_whole_into(open(path)?, memory)?;
    let mut newer = 0;
    let damaged = for_each(memory, |event| {
        let Some(row) = EventRow::read(event) else { return false };
        match Event::has_kind(&row.kind) {
            true => on_event(&row),
            false => newer += 1,
        }
        true
    });
    Ok(LeftOut { damaged, newer })
}

fn parse(bytes: &[u8]) -> Events {
    let mut read = Events::default();
    for line in split(bytes) {
        let content = checked(line);
        match content.and_then(|content| serde_json::from_slice::<Stamped>(content).ok()) {
            Some(event) => read.events.push(event),
            None if content.is_some_and(is_of_newer_kind) => read.newer_lines += 1,
            None => read.damaged_lines += 1,
        }
    }
    read
}

/// Checks whether the content of a whole line is an event of a kind that is not known here.
fn is_of_newer_kind(content: &[u8]) -> bool {
    EventRow::read(content).is_some_and(|row| !Event::has_kind(&row.kind))
}

#[cfg(test)]
mod tests {
    use fs_err as fs;

    use super::*;

    fn step(step: usize, loss: f64) -> Event {
        Event::Step {
            step,
            epoch: 1,
            loss,
            learning_rate: 1e-5,
            grad_norm: 0.1 + 0.2,
            logit_scale: 100.0,
            items_per_second: 12.5,
        }
    }

    /// Writes a log of four events and returns its path and its bytes.
    fn log(folder: &Path) -> (std::path::PathBuf, Vec<u8>) {
        let path = folder.join("events.jsonl");
        let mut log = EventLog::create(&path).unwrap();
        for at in 1..=3 {
            log.append(&step(at, 1.0 / at as f64)).unwrap();
        }
        log.append(&Event::Interrupted { step: 3 }).unwrap();
        log.sync().unwrap();
        let bytes = fs::read(&path).unwrap();
        (path, bytes)
    }

    #[test]
    fn a_row_has_what_its_event_has() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let mut log = EventLog::create(&path).unwrap();
        log.append(&step(7, f64::NAN)).unwrap();
        let reason = "the loss is \"NaN\"\n".to_owned();
        log.append(&Event::Diverged {
            step: 7,
            epoch: 1,
            reason: reason.clone(),
            items: vec!["a".to_owned()],
        })
        .unwrap();
        log.append(&Event::Finished { best_epoch: 1, alpha: Some(0.5) }).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend(b"{\"crc32c\":\"00000000\",\"event\":{}}\n{\"crc32c\":\"0");
        fs::write(&path, bytes).unwrap();
        let (mut rows, mut memory) = (Vec::new(), b"what another log has left\n".repeat(100));
        let left_out = for_each_event(&path, &mut memory, |row| rows.push(format!("{row:?}"))).unwrap();
        assert_eq!((rows.len(), left_out), (3, LeftOut { damaged: 1, newer: 0 }));
        assert!(
            rows[0].contains("loss: Some(NaN)") && rows[0].contains("learning_rate: Some(1e-5)"),
            "{}",
            rows[0]
        );
        assert!(rows[1].contains(&format!("{reason:?}")), "{}", rows[1]);
        assert!(rows[2].contains("alpha: Some(0.5)") && rows[2].contains("seconds: None"), "{}", rows[2]);
    }

    #[test]
    fn whole_lines_of_kinds_that_only_a_newer_program_knows_are_left_out_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut bytes) = log(folder.path());
        for event in
            [r#"{"seq":4,"time":5.5,"type":"merged","step":3}"#, r#"{"seq":5,"time":6.5,"type":"step"}"#]
        {
            let sum = crc32c::crc32c(event.as_bytes());
            bytes.extend(format!("{{\"crc32c\":\"{sum:08x}\",\"event\":{event}}}\n").as_bytes());
        }
        fs::write(&path, bytes).unwrap();
        let read = read_events(&path).unwrap();
        assert_eq!((read.events.len(), read.damaged_lines, read.newer_lines), (4, 1, 1));
        let mut kinds = Vec::new();
        let left_out =
            for_each_event(&path, &mut Vec::new(), |row| kinds.push(row.kind.to_string())).unwrap();
        assert!(!kinds.contains(&"merged".to_owned()), "{kinds:?}");
        assert_eq!(left_out.newer, 1);
        let errors: Vec<String> = left_out.errors(&path).map(|error| error.to_string()).collect();
        assert!(errors.len() == 1 && errors[0].contains("a newer cliptune has written"), "{errors:?}");
    }

    #[test]
    fn every_event_of_a_timed_log_has_the_seconds_spent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let mut log = EventLog::create(&path).unwrap().timed_by(Clock::start(50.0));
        log.append(&step(1, 1.0)).unwrap();
        log.append(&Event::Interrupted { step: 1 }).unwrap();
        let spent: Vec<f64> =
            read_events(&path).unwrap().events.iter().filter_map(|event| event.seconds).collect();
        assert_eq!(spent.len(), 2);
        assert!(spent[0] >= 50.0 && spent.is_sorted(), "{spent:?}");
        let mut rows = Vec::new();
        for_each_event(&path, &mut Vec::new(), |row| rows.extend(row.seconds)).unwrap();
        assert_eq!(rows, spent);
    }

    #[test]
    fn the_seconds_of_epochs_that_an_earlier_version_wrote_are_read() {
        let event = r#"{"seq":4,"time":5.5,"type":"epoch","epoch":1,"step":3,"validation_loss":1.5,"validation_accuracy":0.5,"best":true,"seconds":2.25}"#;
        let line = format!(r#"{{"crc32c":"{:08x}","event":{event}}}"#, crc32c::crc32c(event.as_bytes()));
        let read = parse(line.as_bytes());
        assert_eq!((read.damaged_lines, read.events[0].seconds), (0, Some(2.25)));
        assert!(matches!(read.events[0].event, Event::Epoch { epoch: 1, best: true, .. }));
    }

    #[test]
    fn events_read_back_exactly_even_when_training_diverged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let mut log = EventLog::create(&path).unwrap();
        let losses = [0.1 + 0.2, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 3.0];
        for (at, loss) in losses.into_iter().enumerate() {
            log.append(&step(at, loss)).unwrap();
        }
        let read = read_events(&path).unwrap();
        assert_eq!(read.damaged_lines, 0);
        for (at, (event, loss)) in read.events.iter().zip(losses).enumerate() {
            assert_eq!(event.seq, at as u64);
            // NaN is not equal to itself, but its text is.
            assert_eq!(format!("{:?}", event.event), format!("{:?}", step(at, loss)));
        }
    }

    #[test]
    fn a_log_cut_at_any_byte_keeps_every_whole_line() {
        let folder = tempfile::tempdir().unwrap();
        let (_, bytes) = log(folder.path());
        for cut in 0..=bytes.len() {
            let read = parse(&bytes[..cut]);
            // A line without its newline is still complete.
            let whole = bytes[..(cut + 1).min(bytes.len())].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(read.events.len(), whole, "cut at {cut}");
            assert!(read.damaged_lines <= 1, "cut at {cut}");
        }
    }

    #[test]
    fn a_log_cut_at_any_byte_can_be_continued() {
        let folder = tempfile::tempdir().unwrap();
        let (path, bytes) = log(folder.path());
        for cut in 0..=bytes.len() {
            fs::write(&path, &bytes[..cut]).unwrap();
            let before = parse(&bytes[..cut]).events.len();
            let mut log = EventLog::open_append(&path).unwrap();
            log.append(&step(9, 0.5)).unwrap();
            let read = read_events(&path).unwrap();
            assert_eq!((read.events.len(), read.damaged_lines), (before + 1, 0), "cut at {cut}");
            assert_eq!(read.events.last().map(|event| event.seq), Some(before as u64), "cut at {cut}");
        }
    }

    #[test]
    fn a_changed_byte_never_changes_an_event() {
        let folder = tempfile::tempdir().unwrap();
        let (_, bytes) = log(folder.path());
        let whole = parse(&bytes).events;
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x01;
            let read = parse(&changed);
            assert!(read.events.len() + 2 >= whole.len(), "byte {at}");
            assert!(read.events.iter().all(|event| whole.contains(event)), "byte {at}");
        }
    }

    #[test]
    fn events_that_find_no_space_are_written_when_there_is_some() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let mut log = EventLog::create(&path).unwrap();
        log.append(&step(1, 1.0)).unwrap();
        // Every write to this device reports that the disk is full.
        let full = fs::OpenOptions::new().append(true).open("/dev/full").unwrap();
        let file = std::mem::replace(&mut log.lines.file, full);
        for at in 2..=3 {
            assert!(log.append(&step(at, 1.0)).is_err());
        }
        assert!(log.sync().is_err());
        log.lines.file = file;
        log.append(&step(4, 1.0)).unwrap();
        let read = read_events(&path).unwrap();
        assert_eq!(read.damaged_lines, 0);
        let logged: Vec<_> = read.events.into_iter().map(|event| (event.seq, event.event)).collect();
        assert_eq!(logged, [0, 1, 2, 3].map(|seq| (seq, step(seq as usize + 1, 1.0))));
    }

    #[test]
    fn a_log_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _) = log(folder.path());
        assert!(EventLog::create(&path).is_err());
    }
}
