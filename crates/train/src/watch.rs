//! Records what a run uses of its machine, on a thread of its own.
//!
//! Training never waits for it: a disk that hangs, a driver that fails or a machine that tells nothing cost what they would have
//! told.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use cliptune_machine::{LOOK, Period, Probe, is_due};
use cliptune_store::{Run, Sample, StoreError, SystemLog};
use tch::Device;

use crate::gpu;

/// The time that the end of a run waits for the last line.
const PATIENCE: Duration = Duration::from_secs(2);

/// The thread that records a run, seen from the training.
#[derive(Debug)]
pub struct Watch {
    step: Arc<AtomicUsize>,
    seen: Receiver<Seen>,
    /// The thread writes its last line and ends as soon as this is dropped.
    alive: Option<SyncSender<()>>,
}

/// A line of the record.
#[derive(Debug)]
pub struct Seen {
    /// The content of the line.
    pub sample: Sample,
    /// The warning to give if this is the last line, because it could not be written.
    pub error: Option<String>,
}

impl Watch {
    /// Begins to record a run in its folder.
    ///
    /// # Errors
    ///
    /// Returns an error when there can be no file or no thread for it.
    pub fn begin(run: &Run, store: &Path, device: Device) -> Result<Self, StoreError> {
        let log = SystemLog::open_append(&run.system_file(), run.clock())?.guarded_by(run.guard());
        let (id, store) = (run.id(), store.to_path_buf());
        // Looking for a GPU takes a moment, in which a training can begin.
        let probe = move || Probe::new(&store, matches!(device, Device::Cuda(_)).then(gpu::open).flatten());
        Ok(Self::spawn(id, log, LOOK, probe)?)
    }

    /// Starts the thread, which looks at the machine each time that so long has passed.
    fn spawn(
        id: String,
        log: SystemLog,
        pause: Duration,
        probe: impl FnOnce() -> Probe + Send + 'static,
    ) -> std::io::Result<Self> {
        let (tell, seen) = channel();
        let (alive, end) = sync_channel(0);
        let step = Arc::new(AtomicUsize::new(0));
        let recorder = Recorder { id, log, step: Arc::clone(&step), tell };
        let record = move || recorder.record(probe(), &end, pause);
        thread::Builder::new().name("watch".to_owned()).spawn(record)?;
        Ok(Self { step, seen, alive: Some(alive) })
    }

    /// Notes how many steps have been taken.
    pub fn at_step(&self, step: usize) {
        self.step.store(step, Ordering::Relaxed);
    }

    /// Returns the lines since the last call.
    pub fn seen(&self) -> impl Iterator<Item = Seen> {
        self.seen.try_iter()
    }

    /// Has the last line written, and returns the lines since the last call.
    pub fn end(mut self) -> Vec<Seen> {
        self.finish()
    }

    fn finish(&mut self) -> Vec<Seen> {
        self.alive = None;
        std::iter::from_fn(|| self.seen.recv_timeout(PATIENCE).ok()).collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.alive.is_some() {
            self.finish();
        }
    }
}

/// Returns the warning that a run's record lacks something.
pub(crate) fn unrecorded(id: &str, error: &dyn Display) -> String {
    format!("{id}: what it uses of the machine is not recorded: {error}")
}

/// What the thread works with.
struct Recorder {
    id: String,
    log: SystemLog,
    step: Arc<AtomicUsize>,
    tell: Sender<Seen>,
}

impl Recorder {
    /// Looks and writes until the other end is dropped, and once more then.
    fn record(mut self, mut probe: Probe, end: &Receiver<()>, pause: Duration) {
        let mut period = Period::begin(probe.look(), self.log.seconds());
        loop {
            let is_last = end.recv_timeout(pause) != Err(RecvTimeoutError::Timeout);
            period.see(probe.look(), self.log.seconds());
            if (is_last || is_due(period.over(), self.log.seconds())) && !self.write(&mut period) {
                return;
            }
            if is_last {
                return;
            }
        }
    }

    /// Writes a line, and returns whether anybody is interested in more.
    fn write(&mut self, period: &mut Period) -> bool {
        let (over, step) = (period.over(), self.step.load(Ordering::Relaxed));
        let (sample, written) = self.log.append(over, step, period.end());
        let error = written.err().map(|error| unrecorded(&self.id, &error));
        self.tell.send(Seen { sample, error }).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use cliptune_store::{Clock, read_system};

    use super::*;

    /// A pause that no test waits for.
    const NEVER: Duration = Duration::from_secs(3600);

    fn begin(path: &Path, root: &Path, pause: Duration) -> Watch {
        let log = SystemLog::open_append(path, Clock::start(30.0)).unwrap();
        let (root, folder) = (root.to_path_buf(), root.to_path_buf());
        Watch::spawn("tuned/one".to_owned(), log, pause, move || Probe::below(&root, &folder, None)).unwrap()
    }

    #[test]
    fn however_short_a_run_is_its_end_is_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("system.jsonl");
        let watch = begin(&path, Path::new("/"), NEVER);
        watch.at_step(7);
        let seen = watch.end();
        let read = read_system(&path).unwrap();
        assert_eq!((read.samples.len(), read.damaged_lines, seen.len()), (1, 0, 1));
        assert_eq!(read.samples[0], seen[0].sample);
        assert_eq!((seen[0].sample.step, seen[0].error.as_ref()), (7, None));
        assert!(seen[0].sample.seconds >= 30.0);
    }

    #[test]
    fn a_run_that_fails_leaves_its_record_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("system.jsonl");
        drop(begin(&path, Path::new("/"), NEVER));
        drop(begin(&path, Path::new("/"), NEVER));
        assert_eq!(read_system(&path).unwrap().samples.len(), 2);
    }

    #[test]
    fn a_machine_that_tells_nothing_disturbs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("system.jsonl");
        let seen = begin(&path, &folder.path().join("gone"), NEVER).end();
        assert_eq!((seen[0].sample.usage.memory, seen[0].sample.usage.disk), (None, None));
    }
}
