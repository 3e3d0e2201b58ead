//! `.trash/`: what was removed, with where it came from.
//!
//! An entry is a folder with a record and `content`, which was moved there by renaming it. A process that is killed before
//! that leaves a record alone, which means nothing; one that is killed after it leaves the whole content.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cliptune_durable::{discard, unfinished};
use cliptune_experiment::Split;
use fs_err as fs;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::any_run::{AnyRun, Listed};
use crate::dataset::Dataset;
use crate::error::{Damage, StoreError};
use crate::labels::OwnName;
use crate::lock::StoreLock;
use crate::place::Place;
use crate::record::{read_versions, write_record};
use crate::regular::is_absent;
use crate::removal::moved;
use crate::scores::FOLDER as SCORES;
use crate::store::{Store, subfolders};
use crate::utc::{age_since, utc_now};

/// The folder in the store. Readers of the store skip names with a leading dot.
pub(crate) const FOLDER: &str = ".trash";
/// The record of an entry.
pub(crate) const RECORD: &str = "trashed.json";
/// What was removed.
const CONTENT: &str = "content";
/// The version of the record. The first one knew no scores.
pub(crate) const FORMAT: u32 = 2;
const OLDEST: u32 = 1;

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
pub(crate) struct Record {
    pub(crate) format_version: u32,
    pub(crate) kind: Kind,
    pub(crate) from: Place,
    /// The split that scores are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) split: Option<Split>,
    pub(crate) removed: String,
}

/// Something that was removed and can be restored.
#[derive(Clone, Debug)]
pub struct Trashed {
    pub(crate) folder: PathBuf,
    pub(crate) record: Record,
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

    /// Returns what else a run is called: its own name, and its experiment with its seed or the name that it was imported by.
    fn other_names(&self) -> Vec<String> {
        let run = (self.record.kind == Kind::Run).then(|| AnyRun::open(self.content()).ok()).flatten();
        let Some(run) = run else { return Vec::new() };
        let other = match &run {
            AnyRun::Own(run) => format!("{}@{}", run.record().experiment, run.record().seed),
            AnyRun::Foreign(run) => run.record().name.to_string(),
        };
        run.own_name().map(|name| name.to_string()).into_iter().chain([other]).collect()
    }

    /// Moves a folder into the entry.
    pub(crate) fn filled_by(self, folder: &Path) -> Result<Self, StoreError> {
        moved(folder, &self.content()).inspect_err(|_| self.discard_empty())?;
        Ok(self)
    }

    /// Removes the entry if nothing has been moved to it: without content it means nothing.
    pub(crate) fn discard_empty(&self) {
        if !has_content(&self.folder) {
            let _ = discard(&self.folder);
        }
    }

    pub(crate) fn content(&self) -> PathBuf {
        self.folder.join(CONTENT)
    }
}

impl Trash {
    /// Returns the folders of the entries whose records are damaged or missing. What a newer cliptune has removed is not among
    /// them: its record is whole.
    pub fn lost(&self) -> impl Iterator<Item = &Path> {
        let is_lost =
            |(folder, error): &&(PathBuf, StoreError)| error.is_damage() || is_absent(&folder.join(RECORD));
        self.damaged.iter().filter(is_lost).map(|(folder, _)| folder.as_path())
    }

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
    pub(crate) fn trash_folder(&self) -> PathBuf {
        self.root().join(FOLDER)
    }

    /// Returns the name of a restored run that has come to mean something else while the run was away.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot be listed.
    pub fn lost_name(&self, run: &impl Listed) -> Result<Option<OwnName>, StoreError> {
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
            _ => (Kind::Run, AnyRun::open(content).ok()?.id()),
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

/// Checks whether an entry has content. That of weights is a folder for what is moved next.
pub(crate) fn has_content(entry: &Path) -> bool {
    fs::read_dir(entry.join(CONTENT)).is_ok_and(|mut entries| entries.next().is_some())
}
