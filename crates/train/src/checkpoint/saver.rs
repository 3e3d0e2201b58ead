//! Writes checkpoints while training goes on.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cliptune_experiment::CheckpointInterval;
use cliptune_terminal::Printer;
use fs_err::File;

use super::files::Checkpoints;
use super::position::Position;
use super::state::{Snapshot, State};
use crate::error::TrainError;
use crate::tuning::Tuned;

/// Takes checkpoints at the declared interval and writes them on a separate thread.
///
/// Training waits for a copy within memory and never for the disk. If a checkpoint falls due while the previous one is
/// still being written, it is taken once that is done. A checkpoint that cannot be written, as on a full disk, causes a
/// single warning, and the next one is tried all the same.
#[derive(Debug)]
pub struct Saver<'a> {
    checkpoints: Checkpoints,
    /// Whether checkpoints are taken. A process that helps another one to train takes none.
    takes: bool,
    interval: CheckpointInterval,
    printer: &'a Printer,
    /// The event log, which is made durable before each checkpoint: it may be ahead of the checkpoint, never behind.
    events: PathBuf,
    taken: Taken,
    /// The step of the newest checkpoint that has been written; `None` before the first.
    written: Option<usize>,
    /// The weights of the best epoch, if they are not in a file yet.
    best: Option<BestWeights>,
    writing: Option<Writing>,
    warned: bool,
}

/// The step and the time at which the newest checkpoint was taken.
#[derive(Debug)]
struct Taken {
    step: usize,
    at: Instant,
}

/// The weights of an epoch that was the best when it ended.
#[derive(Debug)]
struct BestWeights {
    epoch: usize,
    weights: Snapshot,
}

/// A checkpoint that is being written.
#[derive(Debug)]
struct Writing {
    thread: JoinHandle<Result<(), TrainError>>,
    step: usize,
    /// The epoch whose weights are written along with it, if any.
    best: Option<usize>,
}

impl<'a> Saver<'a> {
    /// Creates a saver for a run that stands at this step, with these checkpoints and that event log.
    pub fn new(
        checkpoints: Checkpoints,
        interval: CheckpointInterval,
        events: &Path,
        step: usize,
        printer: &'a Printer,
    ) -> Self {
        Self {
            checkpoints,
            takes: true,
            interval,
            printer,
            events: events.to_owned(),
            taken: Taken { step, at: Instant::now() },
            written: (step > 0).then_some(step),
            best: None,
            writing: None,
            warned: false,
        }
    }

    /// Creates the saver of a process that helps another one to train, which takes the checkpoints.
    pub fn without_files(interval: CheckpointInterval, printer: &'a Printer) -> Self {
        let mut saver = Self::new(Checkpoints::nowhere(), interval, Path::new(""), 0, printer);
        saver.takes = false;
        saver
    }

    /// Returns the checkpoint files.
    pub fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }

    /// Keeps the weights of an epoch that is the best so far. They stay in memory until the next checkpoint.
    pub fn keep_best(&mut self, tuned: &Tuned<'_>, epoch: usize) -> Result<(), TrainError> {
        if !self.takes {
            return Ok(());
        }
        self.best = Some(BestWeights { epoch, weights: Snapshot::of(tuned.kept().into_iter())? });
        Ok(())
    }

    /// Takes a checkpoint if one is due and the previous one has been written.
    pub fn offer(&mut self, state: &State<'_>, position: &Position) {
        if self.takes && self.is_due(position.steps) && self.is_idle() {
            self.settle();
            if let Err(error) = self.take(state, position) {
                self.warn(&error);
            }
        }
    }

    /// Takes a checkpoint, waits until it is written, and returns whether it was.
    pub fn save(&mut self, state: &State<'_>, position: &Position) -> bool {
        self.save_now(state, position).map_err(|error| self.warn(&error)).is_ok()
    }

    /// Takes a checkpoint before the process ends, and returns a message if it cannot be written. Whoever stops a run
    /// counts on resuming it from there, so the message is returned even if an earlier checkpoint has already failed.
    pub fn save_to_stop(&mut self, state: &State<'_>, position: &Position) -> Option<String> {
        let error = self.save_now(state, position).err()?;
        let place = match self.written {
            Some(step) => format!("from step {step}, the last one that was saved"),
            None => "from its beginning".to_owned(),
        };
        let step = position.steps;
        Some(format!("step {step} cannot be saved, so that the run goes on {place}: {error}"))
    }

    fn save_now(&mut self, state: &State<'_>, position: &Position) -> Result<(), TrainError> {
        if !self.takes {
            return Ok(());
        }
        self.settle();
        self.take(state, position)?;
        self.written()
    }

    /// Restores the weights of the best epoch, from memory if they are not in a file yet.
    pub fn restore_best(&mut self, epoch: usize, tuned: &Tuned<'_>) -> Result<(), TrainError> {
        self.settle();
        match &self.best {
            Some(best) if best.epoch == epoch => best.weights.restore(tuned.kept().into_iter()),
            _ => self.checkpoints.restore_best(epoch, tuned),
        }
    }

    fn is_due(&self, step: usize) -> bool {
        match self.interval {
            CheckpointInterval::EverySteps(steps) => step >= self.taken.step + steps.get(),
            CheckpointInterval::EveryMinutes(minutes) => {
                Duration::try_from_secs_f64(minutes * 60.0).is_ok_and(|due| self.taken.at.elapsed() >= due)
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.writing.as_ref().is_none_or(|writing| writing.thread.is_finished())
    }

    /// Copies the state and starts to write it.
    fn take(&mut self, state: &State<'_>, position: &Position) -> Result<(), TrainError> {
        self.taken = Taken { step: position.steps, at: Instant::now() };
        state.snapshot().and_then(|snapshot| self.start(snapshot, position.clone()))
    }

    fn start(&mut self, snapshot: Snapshot, position: Position) -> Result<(), TrainError> {
        let (checkpoints, events) = (self.checkpoints.clone(), self.events.clone());
        let best = self.best.as_ref().map(BestWeights::shared);
        let (epoch, step) = (best.as_ref().map(|best| best.epoch), position.steps);
        let work = move || write(&checkpoints, &events, &snapshot, &position, best.as_ref());
        let thread = thread::Builder::new().name("checkpoint".to_owned()).spawn(work)?;
        self.writing = Some(Writing { thread, step, best: epoch });
        Ok(())
    }

    /// Waits for the checkpoint that is being written, and warns once if it cannot be written.
    fn settle(&mut self) {
        if let Err(error) = self.written() {
            self.warn(&error);
        }
    }

    /// Waits until the checkpoint that is being written is in its files.
    fn written(&mut self) -> Result<(), TrainError> {
        let Some(writing) = self.writing.take() else { return Ok(()) };
        let died = |_| Err(io::Error::other("the thread that writes checkpoints has died").into());
        let written = writing.thread.join().unwrap_or_else(died);
        if written.is_ok() {
            self.written = Some(writing.step);
            // In the meantime a better epoch may have replaced the one that was written.
            self.best = self.best.take().filter(|best| Some(best.epoch) != writing.best);
        }
        written
    }

    fn warn(&mut self, error: &TrainError) {
        if !self.warned {
            self.printer.warn(&format!(
                "cannot write a checkpoint, so that a run that is stopped goes on from an older one: {error}"
            ));
        }
        self.warned = true;
    }
}

impl Drop for Saver<'_> {
    /// Waits for the writing thread: a process that ends in the middle of a write leaves an unfinished file.
    fn drop(&mut self) {
        self.settle();
    }
}

impl BestWeights {
    /// Shares the copies with another thread.
    fn shared(&self) -> Self {
        Self { epoch: self.epoch, weights: self.weights.shared() }
    }
}

/// Writes a checkpoint: first the files that it refers to, then the checkpoint itself.
fn write(
    checkpoints: &Checkpoints,
    events: &Path,
    snapshot: &Snapshot,
    position: &Position,
    best: Option<&BestWeights>,
) -> Result<(), TrainError> {
    File::open(events)?.sync_all()?;
    if let Some(best) = best {
        checkpoints.save_best(&best.weights, best.epoch)?;
    }
    checkpoints.save_last(snapshot, position)
}
