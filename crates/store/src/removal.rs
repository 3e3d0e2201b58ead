//! Moves things to the trash, and back. Each is moved by renaming its folder, so that it is in one of the two places as a
//! whole.

use std::io;
use std::path::{Path, PathBuf};

use cliptune_durable::{DurableError, StagedFolder, discard, move_folder, write_atomic};
use cliptune_experiment::Split;
use fs_err as fs;

use crate::any_run::Listed;
use crate::dataset::Dataset;
use crate::error::StoreError;
use crate::hold::idle;
use crate::lock::StoreLock;
use crate::place::Place;
use crate::precisions::RECORD as PRECISIONS;
use crate::record::write_record;
use crate::regular::{is_absent, read_file};
use crate::run::{ADAPTER, MODEL, ONNX, Run, to_the_second};
use crate::scores::{FOLDER as SCORES, read_scores};
use crate::store::Store;
use crate::trash::{FORMAT, Kind, RECORD, Record, Trashed};
use crate::utc::utc_now;

/// The parts of a run that can be made again by training and by nothing else. The graphs come first: once they are gone,
/// the run counts as one without weights, and once they are back, as one with all of them.
const WEIGHTS: [&str; 4] = [ONNX, MODEL, ADAPTER, "checkpoint"];

impl Store {
    /// Moves a run to the trash.
    ///
    /// # Errors
    ///
    /// Returns an error when a process works on the run, or when it cannot be moved. The run then stays where it was.
    pub fn trash_run(&self, _: &StoreLock, run: &impl Listed) -> Result<Trashed, StoreError> {
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
        let mut held = idle(folder)?;
        let entry = self.entry(Kind::Run, Place::of(self, folder)?, None)?;
        let content = entry.content();
        let filled = entry.filled_by(folder);
        // Even where the disk does not confirm it, the claim has moved with the folder, and is not to stay there.
        if is_absent(folder) {
            held.moved_to(&content);
        }
        filled
    }

    /// Moves the scores of a split to the trash if they are damaged still, and returns whether they were: somebody may have
    /// made them again since they were looked at.
    ///
    /// # Errors
    ///
    /// Returns an error when a process works on the run, or when they cannot be moved. They then stay where they were.
    pub(crate) fn trash_damaged_scores(
        &self,
        _: &StoreLock,
        run: &Run,
        split: Split,
    ) -> Result<bool, StoreError> {
        let _held = idle(run.folder())?;
        if matches!(read_scores(run, split), Ok(Some(_))) {
            return Ok(false);
        }
        let entry = self.entry(Kind::Scores, Place::of(self, run.folder())?, Some(split))?;
        entry.filled_by(&run.scores_folder(split)).map(|_| true)
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
        let moved = fs::create_dir(entry.content())
            .map_err(StoreError::from)
            .and_then(|()| move_parts(parts.into_iter(), run.folder(), &entry.content()));
        if moved.as_ref().is_err_and(|error| !is_unconfirmed(error)) {
            // What has moved already goes back; where even that fails, the entry keeps it.
            let _ = restore_weights(&entry.content(), run.folder());
            entry.discard_empty();
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
        Err(StoreError::in_use(&self.trash_folder()))
    }

    /// Moves something back to exactly where it was, and returns its folder.
    ///
    /// # Errors
    ///
    /// Returns an error when something else stands there now, or when it cannot be moved. It then stays in the trash.
    pub fn restore(&self, _: &StoreLock, entry: &Trashed) -> Result<PathBuf, StoreError> {
        let place = entry.record.from.path(self);
        self.put_back(entry, &place).map_err(|error| match error {
            StoreError::Immovable { .. } => {
                StoreError::Unreachable { place: place.clone(), content: entry.content() }
            }
            other => other,
        })?;
        discard(&entry.folder)?;
        Ok(place)
    }

    fn put_back(&self, entry: &Trashed, place: &Path) -> Result<(), StoreError> {
        match entry.record.kind {
            Kind::Run | Kind::Dataset => {
                fs::create_dir_all(place.parent().unwrap_or(self.root()))?;
                moved(&entry.content(), place)
            }
            Kind::Weights => {
                restore_weights(&entry.content(), place)?;
                Ok(discard(&place.join(PRECISIONS))?)
            }
            Kind::Scores => restore_scores(entry, place),
        }
    }
}

/// Returns the parts of a run that hold weights.
fn weights(run: &Run) -> impl Iterator<Item = &'static str> {
    WEIGHTS.into_iter().filter(|part| !is_absent(&run.folder().join(part)))
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
    move_parts(parts().copied(), content, run)
}

/// Moves parts of a folder to another one. A disk that does not confirm a move is no reason to stop halfway.
fn move_parts(parts: impl Iterator<Item = &'static str>, from: &Path, to: &Path) -> Result<(), StoreError> {
    let mut unconfirmed = Ok(());
    for part in parts {
        match moved(&from.join(part), &to.join(part)) {
            Err(error) if is_unconfirmed(&error) => unconfirmed = Err(error),
            other => other?,
        }
    }
    unconfirmed
}

/// Checks whether an error means that something has been moved all the same.
fn is_unconfirmed(error: &StoreError) -> bool {
    matches!(error, StoreError::Durable(DurableError::Unconfirmed { .. }))
}

/// Moves a folder within the store.
pub(crate) fn moved(folder: &Path, place: &Path) -> Result<(), StoreError> {
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
