//! `.trash/`: what was removed, with where it came from.
//!
//! An entry is a folder with a record and `content`, which was moved there by renaming it. A process that is killed before
//! that leaves a record alone, which means nothing; one that is killed after it leaves the whole content.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cliptune_durable::{DurableError, StagedFolder, discard, move_folder, unfinished, write_atomic};
use cliptune_experiment::Split;
use fs_err as fs;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::error::{Damage, StoreError};
use crate::labels::OwnName;
use crate::lock::StoreLock;
use crate::place::Place;
use crate::precisions::RECORD as PRECISIONS;
use crate::record::{read_versions, write_record};
use crate::regular::{is_absent, read_file};
use crate::run::{ADAPTER, MODEL, ONNX, Run, lock, to_the_second};
use crate::store::{Store, subfolders};
use crate::utc::{age_since, utc_now};

/// The folder in the store. Readers of the store skip names with a leading dot.
const FOLDER: &str = ".trash";
/// The record of an entry.
pub(crate) const RECORD: &str = "trashed.json";
/// What was removed.
const CONTENT: &str = "content";
/// The version of the record. The first one knew no scores.
const FORMAT: u32 = 2;
const OLDEST: u32 = 1;
/// The folder of a run that its scores are in.
const SCORES: &str = "scores";
/// The parts of a run that can be made again by training and by nothing else. The graphs come first: once they are gone,
/// the run counts as one without weights, and once they are back, as one with all of them.
const WEIGHTS: [&str; 4] = [ONNX, MODEL, ADAPTER, "checkpoint"];

/// The kinds of things that can be removed and restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A run with everything in its folder.
    Run,
    /// The weights of a run whose records have stayed.
    Weights,
    /// A dataset.
    Dataset,
    /// The scores of one split of a run.
    Scores,
}

impl Kind {
    /// Returns the kind as one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Weights => "weights",
            Self::Dataset => "dataset",
            Self::Scores => "scores",
        }
    }
}

/// The record of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    format_version: u32,
    kind: Kind,
    from: Place,
    /// The split that scores are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    split: Option<Split>,
    removed: String,
}

/// Something that was removed and can be restored.
#[derive(Clone, Debug)]
pub struct Trashed {
    folder: PathBuf,
    record: Record,
}

/// Everything in the trash.
#[derive(Debug, Default)]
pub struct Trash {
    /// What can be restored, in the order in which it was removed.
    pub entries: Vec<Trashed>,
    /// The folders whose records cannot be read, each with the error.
    pub damaged: Vec<(PathBuf, StoreError)>,
}

impl Trashed {
    pub(crate) fn open(folder: PathBuf) -> Result<Self, StoreError> {
        let record = read_versions(&folder.join(RECORD), OLDEST..=FORMAT)?;
        Ok(Self { folder, record })
    }

    /// Returns what kind of thing it is.
    pub fn kind(&self) -> Kind {
        self.record.kind
    }

    /// Returns the name that it had in the store: `<experiment>/<run>`, `<experiment>/<run>/scores/<split>`, or
    /// `datasets/<hash>`.
    pub fn id(&self) -> String {
        let from = String::from(self.record.from.clone());
        self.record.split.map_or_else(|| from.clone(), |split| format!("{from}/{SCORES}/{split}"))
    }

    /// Returns the time at which it was removed, in RFC 3339 and UTC.
    pub fn removed(&self) -> &str {
        &self.record.removed
    }

    /// Returns the time that has passed since it was removed, or `None` where there is no telling.
    pub fn age(&self) -> Option<Duration> {
        age_since(&self.record.removed)
    }

    /// Returns the folder of the entry.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Checks whether one of its names matches.
    fn is_named(&self, matches: &dyn Fn(&str) -> bool) -> bool {
        matches(&self.id())
            || (self.record.kind != Kind::Scores && matches(self.record.from.name()))
            || self.other_names().iter().any(|name| matches(name))
    }

    /// Returns what else a run is called: its own name, and its experiment with its seed.
    fn other_names(&self) -> Vec<String> {
        let run = (self.record.kind == Kind::Run).then(|| Run::open(self.content()).ok()).flatten();
        let Some(run) = run else { return Vec::new() };
        let record = run.record();
        let seeded = format!("{}@{}", record.experiment, record.seed);
        run.own_name().map(|name| name.to_string()).into_iter().chain([seeded]).collect()
    }

    /// Moves a folder into the entry.
    fn filled_by(self, folder: &Path) -> Result<Self, StoreError> {
        match moved(folder, &self.content()) {
            Ok(()) => Ok(self),
            Err(error) => {
                // Without content the entry means nothing; it need not stay.
                let _ = discard(&self.folder);
                Err(error)
            }
        }
    }

    pub(crate) fn content(&self) -> PathBuf {
        self.folder.join(CONTENT)
    }
}

impl Trash {
    /// Returns what a name can stand for: everything that was removed of one run, or of several, or a dataset.
    pub fn named(&self, name: &str) -> Vec<&Trashed> {
        let matching = |matches: &dyn Fn(&str) -> bool| -> Vec<&Trashed> {
            self.entries.iter().filter(|entry| entry.is_named(matches)).collect()
        };
        let exact = matching(&|own| own == name);
        if exact.is_empty() { matching(&|own| own.starts_with(name)) } else { exact }
    }
}

impl Store {
    /// Lists the trash.
    ///
    /// # Errors
    ///
    /// Returns an error when the trash cannot be listed. An entry that cannot be read hides no other.
    pub fn trash(&self) -> Result<Trash, StoreError> {
        let mut trash = Trash::default();
        for folder in subfolders(&self.trash_folder())? {
            if !has_content(&folder) {
                continue;
            }
            match Trashed::open(folder.clone()) {
                Ok(entry) => trash.entries.push(entry),
                Err(error) => trash.damaged.push((folder, error)),
            }
        }
        Ok(trash)
    }

    /// Returns the folder of the trash.
    pub fn trash_folder(&self) -> PathBuf {
        self.root().join(FOLDER)
    }

    /// Moves a run to the trash.
    ///
    /// # Errors
    ///
    /// Returns an error when a process works on the run, or when it cannot be moved. The run then stays where it was.
    pub fn trash_run(&self, _: &StoreLock, run: &Run) -> Result<Trashed, StoreError> {
        self.trash_run_in(run.folder())
    }

    /// Moves a run whose record cannot be read to the trash, with everything in its folder.
    ///
    /// # Errors
    ///
    /// Returns an error when a process works on the run, or when it cannot be moved. The run then stays where it was.
    pub fn trash_damaged_run(&self, _: &StoreLock, folder: &Path) -> Result<Trashed, StoreError> {
        self.trash_run_in(folder)
    }

    fn trash_run_in(&self, folder: &Path) -> Result<Trashed, StoreError> {
        let _held = idle(folder)?;
        self.trash_folder_of(Kind::Run, folder)
    }

    /// Moves the scores of a split to the trash.
    ///
    /// # Errors
    ///
    /// Returns an error when a process works on the run, or when they cannot be moved. They then stay where they were.
    pub fn trash_scores(&self, _: &StoreLock, run: &Run, split: Split) -> Result<Trashed, StoreError> {
        let _held = idle(run.folder())?;
        let entry = self.entry(Kind::Scores, Place::of(self, run.folder())?, Some(split))?;
        entry.filled_by(&run.scores_folder(split))
    }

    /// Moves the weights of a run to the trash: its model, its graphs, its adapters and its checkpoint. The records and
    /// the scores stay, as does what the reduced precisions cost.
    ///
    /// # Errors
    ///
    /// Returns an error when a process works on the run, when it has no weights, or when they cannot be moved.
    pub fn trash_weights(&self, _: &StoreLock, run: &Run) -> Result<Trashed, StoreError> {
        let _held = idle(run.folder())?;
        let parts: Vec<&str> = weights(run).collect();
        if parts.is_empty() {
            return Err(StoreError::NoWeights { run: run.id() });
        }
        let from = Place::of(self, run.folder())?;
        run.keep_precisions()?;
        let entry = self.entry(Kind::Weights, from, None)?;
        let moved = fs::create_dir(entry.content()).map_err(StoreError::from).and_then(|()| {
            parts.iter().try_for_each(|part| moved(&run.folder().join(part), &entry.content().join(part)))
        });
        if moved.is_err() {
            // What has moved already goes back; where even that fails, the entry keeps it.
            let _ = restore_weights(&entry.content(), run.folder());
        }
        moved.map(|()| entry)
    }

    /// Moves a dataset to the trash.
    ///
    /// # Errors
    ///
    /// Returns an error when it cannot be moved. The dataset then stays where it was.
    pub fn trash_dataset(&self, _: &StoreLock, dataset: &Dataset) -> Result<Trashed, StoreError> {
        self.trash_folder_of(Kind::Dataset, dataset.folder())
    }

    fn trash_folder_of(&self, kind: Kind, folder: &Path) -> Result<Trashed, StoreError> {
        self.entry(kind, Place::of(self, folder)?, None)?.filled_by(folder)
    }

    /// Makes an entry that has no content yet.
    fn entry(&self, kind: Kind, from: Place, split: Option<Split>) -> Result<Trashed, StoreError> {
        let removed = utc_now();
        let name = to_the_second(&removed);
        let record = Record { format_version: FORMAT, kind, from, split, removed };
        for attempt in 1_u32.. {
            let folder = self.trash_folder().join(format!("{name}-{attempt}"));
            let staged = StagedFolder::beside(&folder)?;
            write_record(&staged.path().join(RECORD), &record)?;
            if staged.try_claim()? {
                return Ok(Trashed { folder, record });
            }
        }
        Err(StoreError::InUse { path: self.trash_folder() })
    }

    /// Moves something back to exactly where it was, and returns its folder.
    ///
    /// # Errors
    ///
    /// Returns an error when something else stands there now, or when it cannot be moved. It then stays in the trash.
    pub fn restore(&self, _: &StoreLock, entry: &Trashed) -> Result<PathBuf, StoreError> {
        let place = entry.record.from.path(self);
        match entry.record.kind {
            Kind::Run | Kind::Dataset => {
                fs::create_dir_all(place.parent().unwrap_or(self.root()))?;
                moved(&entry.content(), &place)?;
            }
            Kind::Weights => {
                restore_weights(&entry.content(), &place)?;
                discard(&place.join(PRECISIONS))?;
            }
            Kind::Scores => restore_scores(entry, &place)?,
        }
        discard(&entry.folder)?;
        Ok(place)
    }

    /// Returns the name of a restored run that has come to mean something else while the run was away.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot be listed.
    pub fn lost_name(&self, run: &Run) -> Result<Option<OwnName>, StoreError> {
        let Some(name) = run.own_name() else { return Ok(None) };
        Ok(self.taken_by(run, &name)?.map(|_| name))
    }

    /// Returns what killed processes have left in the store: unfinished files and folders, and entries of the trash that
    /// nothing was moved to.
    ///
    /// # Errors
    ///
    /// Returns an error when a folder cannot be read.
    pub fn leftovers(&self) -> Result<Vec<PathBuf>, StoreError> {
        if !self.root().is_dir() {
            return Ok(Vec::new());
        }
        let mut found = unfinished(self.root())?.left;
        found.extend(subfolders(&self.trash_folder())?.into_iter().filter(|entry| !has_content(entry)));
        Ok(found)
    }

    /// Writes the record of an entry again whose own cannot be read, from what lies in it: a whole run or a whole dataset says
    /// where it was. Of weights and of scores nothing says that.
    ///
    /// # Errors
    ///
    /// Returns an error when the content does not say what it is, or when the record cannot be written.
    pub(crate) fn describe_again(&self, entry: &Path) -> Result<(), StoreError> {
        let unknown = || StoreError::damaged(&entry.join(RECORD), Damage::Missing);
        let (kind, from) = self.place_told_by(entry).ok_or_else(unknown)?;
        let removed = fs::metadata(entry)?.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
        let removed = removed.map_or_else(utc_now, |time| format!("{time:.3}"));
        let record = Record { format_version: FORMAT, kind, from, split: None, removed };
        // A folder, a FIFO or a link that has the record's name makes way.
        discard(&entry.join(RECORD))?;
        write_record(&entry.join(RECORD), &record)
    }

    /// Checks whether the content of an entry says what it is and where it was.
    pub(crate) fn tells_its_place(&self, entry: &Path) -> bool {
        self.place_told_by(entry).is_some()
    }

    fn place_told_by(&self, entry: &Path) -> Option<(Kind, Place)> {
        let content = entry.join(CONTENT);
        let (kind, from) = match Dataset::open(content.clone()) {
            Ok(Some(dataset)) => (Kind::Dataset, self.id_of(&self.dataset_folder(&dataset.record().hash))),
            _ => (Kind::Run, Run::open(content).ok()?.id()),
        };
        Some((kind, Place::try_from(from).ok()?))
    }

    /// Removes something from the trash for good.
    ///
    /// # Errors
    ///
    /// Returns an error when it cannot be removed.
    pub fn forget(&self, _: &StoreLock, entry: &Trashed) -> Result<(), StoreError> {
        Ok(discard(&entry.folder)?)
    }
}

/// Returns the parts of a run that hold weights.
fn weights(run: &Run) -> impl Iterator<Item = &'static str> {
    WEIGHTS.into_iter().filter(|part| !is_absent(&run.folder().join(part)))
}

/// Checks whether an entry has content. That of weights is a folder for what is moved next.
pub(crate) fn has_content(entry: &Path) -> bool {
    fs::read_dir(entry.join(CONTENT)).is_ok_and(|mut entries| entries.next().is_some())
}

/// Keeps the run in a folder as it is for as long as the result lives.
fn idle(folder: &Path) -> Result<Option<fs::File>, StoreError> {
    let held = match lock(folder) {
        // Nobody can have locked what is no file.
        Err(error) if error.is_damage() => None,
        held => Some(held?),
    };
    match unfinished(folder)?.held.is_empty() {
        true => Ok(held),
        false => Err(StoreError::InUse { path: folder.to_path_buf() }),
    }
}

fn restore_scores(entry: &Trashed, run: &Path) -> Result<(), StoreError> {
    if is_absent(run) {
        return Err(StoreError::NothingToRestoreTo { path: run.to_path_buf() });
    }
    let split = entry.record.split.map_or("", Split::as_str);
    fs::create_dir_all(run.join(SCORES))?;
    moved(&entry.content(), &run.join(SCORES).join(split))
}

fn restore_weights(content: &Path, run: &Path) -> Result<(), StoreError> {
    if is_absent(run) {
        return Err(StoreError::NothingToRestoreTo { path: run.to_path_buf() });
    }
    let parts = || WEIGHTS.iter().rev().filter(|part| !is_absent(&content.join(part)));
    if let Some(part) = parts().find(|part| !is_absent(&run.join(part))) {
        return Err(StoreError::Occupied { path: run.join(part) });
    }
    parts().try_for_each(|part| moved(&content.join(part), &run.join(part)))
}

/// Moves a folder within the store.
fn moved(folder: &Path, place: &Path) -> Result<(), StoreError> {
    match move_folder(folder, place) {
        Err(DurableError::Occupied { path }) => Err(StoreError::Occupied { path }),
        Err(DurableError::Io(error)) if error.kind() == io::ErrorKind::CrossesDevices => {
            Err(StoreError::Immovable { path: folder.to_path_buf() })
        }
        other => Ok(other?),
    }
}

impl Run {
    /// Returns the folders that [`Store::trash_weights`] takes away.
    pub fn weights_folders(&self) -> Vec<PathBuf> {
        weights(self).map(|part| self.folder().join(part)).collect()
    }

    /// Copies the record of the reduced precisions to where it is read while `onnx/` is away.
    fn keep_precisions(&self) -> Result<(), StoreError> {
        let [record, kept] = self.precisions_files();
        if is_absent(&record) {
            return Ok(());
        }
        Ok(write_atomic(&kept, &read_file(&record)?)?)
    }
}
