//! A run on disk, open for reading or for writing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cliptune_durable::{link_or_copy, remove_unfinished, sweep_below};
use cliptune_experiment::{Seed, Split};
use cliptune_machine::{Total, Usage};

use crate::clock::{Clock, seconds_spent};
use crate::error::{Damage, StoreError};
use crate::event_log::read_events;
use crate::foreign_run::ForeignRun;
use crate::guard::Guard;
use crate::hold::{Alone, begin, is_written, lock, writer};
use crate::paths::Paths;
use crate::regular::{check, is_absent};
use crate::run_files;
use crate::run_record::{End, Outcome, RunRecord};
use crate::scores::FOLDER as SCORES;
use crate::system_log::read_system;
use crate::utc::utc_now;
use crate::worker::Worker;

pub(crate) const RECORD: &str = "run.json";
/// The folder of the model.
pub(crate) const MODEL: &str = "model";
/// The folder of the graphs.
pub(crate) const ONNX: &str = "onnx";
/// The folder of the adapters of a run that tuned with LoRA.
pub(crate) const ADAPTER: &str = "adapter";
/// The file of the weights, which has the same name in both folders.
const WEIGHTS: &str = "model.safetensors";

/// One run. Clones share the lock of the process that writes it.
#[derive(Clone, Debug)]
pub struct Run {
    folder: PathBuf,
    record: RunRecord,
    writer: Option<Writer>,
}

/// The additional state of a run that this process writes.
#[derive(Clone, Debug)]
struct Writer {
    /// Keeps the run until it is finished or the process ends.
    alone: Arc<Alone>,
    clock: Clock,
}

impl Writer {
    fn new(alone: Alone, seconds_before: f64) -> Self {
        Self { alone: Arc::new(alone), clock: Clock::start(seconds_before) }
    }
}

/// The states that a run can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// A process is writing the run.
    Running,
    /// The run was trained and exported.
    Done,
    /// The run was stopped by a signal after saving.
    Interrupted,
    /// The run ended with an error.
    Failed,
    /// The run's process is gone and did not record how the run ended.
    Crashed,
}

impl RunStatus {
    /// Returns the status as one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
            Self::Crashed => "crashed",
        }
    }
}

impl std::fmt::Display for RunStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Returns the name of a run's folder, `<utc>-<hash6>-s<seed>`, which is derived from the run's start time, key and
/// seed.
pub fn run_name(started: &str, key: &str, seed: Seed) -> String {
    format!("{}-{}-s{seed}", to_the_second(started), key.get(..6).unwrap_or(key))
}

/// Shortens a time as records store it to the second, with nothing between its digits: `20260101T090000Z`.
pub(crate) fn to_the_second(time: &str) -> String {
    let to_the_second = time.split(['.', 'Z']).next().unwrap_or_default();
    let digits: String = to_the_second.chars().filter(|letter| !matches!(letter, '-' | ':')).collect();
    format!("{digits}Z")
}

/// Returns the name that the run in a folder has by the folder's place, `<experiment>/<run>`.
fn id_by_place(folder: &Path) -> String {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    format!("{}/{}", name(folder.parent().unwrap_or(folder)), name(folder))
}

impl Run {
    /// Opens a run for reading.
    pub(crate) fn open(folder: PathBuf) -> Result<Self, StoreError> {
        let path = folder.join(RECORD);
        if is_absent(&path) {
            return Err(match ForeignRun::is_at(&folder) {
                true => StoreError::Foreign { run: id_by_place(&folder) },
                false => StoreError::damaged(&path, Damage::Missing),
            });
        }
        Ok(Self { record: Paths::around(&folder).read(&path)?, folder, writer: None })
    }

    /// Writes the record of a new run into a staged folder and locks the run. `folder` is the place where the folder
    /// will be.
    pub(crate) fn begin(staged: &Path, folder: PathBuf, record: RunRecord) -> Result<Self, StoreError> {
        let alone = begin(staged, &folder)?;
        Paths::around(staged).write(&staged.join(RECORD), &record)?;
        Ok(Self { folder, record, writer: Some(Writer::new(alone, 0.0)) })
    }

    /// Returns the run's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the run's record.
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    /// Returns the run's name in the store, `<experiment>/<run>`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.record.experiment, self.record.run)
    }

    /// Returns the hashes of the datasets whose train and validation splits the run's weights have seen, oldest
    /// first.
    pub fn seen(&self) -> Vec<String> {
        let mut seen = self.record.lineage.clone();
        if self.record.plan.train.is_some() && !seen.contains(&self.record.dataset) {
            seen.push(self.record.dataset.clone());
        }
        seen
    }

    /// Returns the folder of the tuned model in the layout of Hugging Face.
    pub fn model_folder(&self) -> PathBuf {
        self.folder.join(MODEL)
    }

    /// Returns the folder of the exported graphs.
    pub fn onnx_folder(&self) -> PathBuf {
        self.folder.join(ONNX)
    }

    /// Returns the file of the weights. The graphs beside it refer to it, and `model/` has a link to it.
    ///
    /// The link does not go the other way, because ONNX Runtime and ONNX's checker refuse weights that are a symbolic
    /// link or lie outside the graph's folder, and the checker refuses a file that has two hard links. Libraries that
    /// load model folders follow links, since the Hugging Face cache consists of them.
    pub fn weights_file(&self) -> PathBuf {
        self.onnx_folder().join(WEIGHTS)
    }

    /// Returns the name that the weights have in `model/`.
    pub(crate) fn model_weights_file(&self) -> PathBuf {
        self.model_folder().join(WEIGHTS)
    }

    /// Makes a link to [`weights_file`](Self::weights_file) in `model/`, or a copy where the file system has no
    /// links.
    ///
    /// # Errors
    /// Returns an error when the link or the copy cannot be made.
    pub fn link_weights(&self) -> Result<(), StoreError> {
        let original = Path::new("..").join(ONNX).join(WEIGHTS);
        Ok(link_or_copy(&original, &self.model_weights_file())?)
    }

    /// Returns the folder of the adapters of a run that tuned with LoRA.
    pub fn adapter_folder(&self) -> PathBuf {
        self.folder.join(ADAPTER)
    }

    /// Returns the file of the logits that libtorch computed for a few items.
    pub fn parity_file(&self) -> PathBuf {
        self.onnx_folder().join("parity.json")
    }

    /// Returns the folder of the checkpoint, which holds the weights, the moments and the position to continue from.
    pub fn checkpoint_folder(&self) -> PathBuf {
        self.folder.join("checkpoint")
    }

    /// Returns the file of the event log.
    pub fn events_file(&self) -> PathBuf {
        self.folder.join("events.jsonl")
    }

    /// Returns the file of what the run's processes used of their machines.
    pub fn system_file(&self) -> PathBuf {
        self.folder.join("system.jsonl")
    }

    /// Checks whether the run has an event log.
    ///
    /// # Errors
    /// Returns an error when something that is no file has its name.
    pub fn has_log(&self) -> Result<bool, StoreError> {
        let path = self.events_file();
        if is_absent(&path) { Ok(false) } else { check(&path).map(|()| true) }
    }

    /// Returns the folder of a split's scores.
    pub fn scores_folder(&self, split: Split) -> PathBuf {
        self.folder.join(SCORES).join(split.as_str())
    }

    /// Returns the current status of the run.
    pub fn status(&self) -> RunStatus {
        match &self.record.end {
            Some(end) => end.outcome.status(),
            None if self.writer.is_some() || is_written(&self.folder) => RunStatus::Running,
            None => self.status_now(),
        }
    }

    /// Returns the status of a run that nobody writes any more. It may have ended after this record of it was read.
    fn status_now(&self) -> RunStatus {
        let end = Self::open(self.folder.clone()).ok().and_then(|now| now.record.end);
        end.map_or(RunStatus::Crashed, |end| end.outcome.status())
    }

    /// Returns the process that writes the run, where there is one.
    pub fn worker(&self) -> Option<Worker> {
        let is_running = self.status() == RunStatus::Running;
        is_running.then(|| writer(&self.folder)).flatten()
    }

    /// Makes sure that the folder is still the one that this process writes: it can be removed at any time, and files
    /// that are open take no notice. A process that was not heard of for minutes may have lost it to another host.
    ///
    /// # Errors
    /// Returns an error when the folder was removed or replaced, or this process does not write the run any more.
    pub fn still_there(&self) -> Result<(), StoreError> {
        let Some(Writer { alone, .. }) = &self.writer else { return Err(StoreError::in_use(&self.folder)) };
        if !alone.is_in(&self.folder) {
            return Err(StoreError::Gone { path: self.folder.clone() });
        }
        alone.require().map_err(|worker| StoreError::TakenOver { what: self.id(), worker })
    }

    /// Returns what says before each write whether the run is still that of this process; `None` where it does not write it.
    pub fn guard(&self) -> Option<Guard> {
        let guard =
            |writer: &Writer| Guard::new(Arc::downgrade(&writer.alone), self.folder.clone(), self.id());
        self.writer.as_ref().map(guard)
    }

    /// Becomes the writer of a run that was interrupted, failed or crashed, in order to continue it.
    pub fn resume(&mut self) -> Result<(), StoreError> {
        if self.writer.is_some() {
            return Ok(());
        }
        let mut alone = lock(&self.folder)?;
        // Another process may have changed the record before this one got the lock.
        let (paths, path) = (Paths::around(&self.folder), self.folder.join(RECORD));
        let mut record: RunRecord = paths.read(&path)?;
        if matches!(record.end, Some(End { outcome: Outcome::Done { .. }, .. })) {
            return Err(StoreError::Finished { path: self.folder.clone() });
        }
        let before = record.end.take().map_or_else(|| self.logged_seconds(), |end| end.seconds);
        self.clear();
        alone.sign();
        paths.write(&path, &record)?;
        (self.record, self.writer) = (record, Some(Writer::new(alone, before)));
        Ok(())
    }

    /// Records how the run ended, and releases the run's lock.
    pub fn finish(&mut self, outcome: Outcome, peak_memory: Option<u64>) -> Result<(), StoreError> {
        self.still_there()?;
        let files = match &outcome {
            Outcome::Done { .. } => run_files::hashes(&self.folder)?,
            Outcome::Interrupted | Outcome::Failed { .. } => BTreeMap::new(),
        };
        let seconds = self.clock().seconds();
        // A log that cannot be read is no reason to lose a run.
        let usage = self.usage();
        let peak_memory = peak_memory.max(usage.as_ref().and_then(|usage| usage.memory_peak));
        // A large model takes a while to be hashed.
        self.still_there()?;
        self.record.end = Some(End { at: utc_now(), outcome, seconds, peak_memory, usage, files });
        Paths::around(&self.folder).write(&self.folder.join(RECORD), &self.record)?;
        self.writer = None;
        sweep_below(&self.folder);
        Ok(())
    }

    /// Removes what killed processes have left in the run's folder. Nobody but its writer makes anything in the folders of
    /// a model that is not complete; beside them, somebody may be writing labels.
    fn clear(&self) {
        for part in [MODEL, ONNX, ADAPTER] {
            // What stays is passed over by whoever reads.
            let _ = remove_unfinished(&self.folder.join(part));
        }
        sweep_below(&self.folder);
    }

    /// Returns a clock that counts the seconds spent on the run while this process writes it.
    pub fn clock(&self) -> Clock {
        let ended = || Clock::start(self.record.end.as_ref().map_or(0.0, |end| end.seconds));
        self.writer.as_ref().map_or_else(ended, |writer| writer.clock.clone())
    }

    /// Returns the seconds spent on the run: those of its record once it has ended, and of the last lines of its logs while it
    /// runs or when it was killed. `None` where nothing tells.
    pub fn seconds(&self) -> Option<f64> {
        let logged = || Some(self.logged_seconds()).filter(|seconds| *seconds > 0.0);
        self.record.end.as_ref().map(|end| end.seconds).or_else(logged)
    }

    /// Returns what the run has used of its machines so far; `None` where nothing was recorded or can be read.
    pub fn usage(&self) -> Option<Usage> {
        let logged = || Total::of(&read_system(&self.system_file()).ok()?.samples);
        self.record.end.as_ref().and_then(|end| end.usage.clone()).or_else(logged)
    }

    /// Returns the seconds that a crashed process had spent, as its logs tell; 0 when they cannot be read.
    fn logged_seconds(&self) -> f64 {
        let events = read_events(&self.events_file()).map_or(0.0, |read| seconds_spent(&read.events));
        let samples = read_system(&self.system_file()).map_or(0.0, |read| read.seconds());
        events.max(samples)
    }
}
