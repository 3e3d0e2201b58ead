//! The files of checkpoints.

use std::error::Error;
use std::path::{Path, PathBuf};

use cliptune_durable::remove_unfinished;
use safetensors::SafeTensors;
use tch::Tensor;

use super::position::Position;
use super::state::{Snapshot, State};
use crate::error::TrainError;
use crate::model;
use crate::tuning::Tuned;

/// The key of the position in the file's header.
const POSITION_KEY: &str = "cliptune.position";
/// What the names of the best epochs' weights begin with.
const BEST_PREFIX: &str = "best-";

/// The checkpoints of one run.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
}

impl Checkpoints {
    /// Uses this folder, which is made; what a killed process left unfinished in it is removed.
    pub fn new(folder: PathBuf) -> Result<Self, TrainError> {
        fs_err::create_dir_all(&folder)?;
        remove_unfinished(&folder)?;
        Ok(Self { folder })
    }

    /// The newest weights, moments and position.
    pub fn last_file(&self) -> PathBuf {
        self.folder.join("last.safetensors")
    }

    /// The weights of an epoch that was the best when it ended.
    ///
    /// Its name has its number, so that a better epoch does not overwrite what the newest position still names: a
    /// crash between the two files leaves a pair that belongs together.
    pub fn best_file(&self, epoch: usize) -> PathBuf {
        self.folder.join(format!("{BEST_PREFIX}{epoch}.safetensors"))
    }

    /// Saves what [`resume`](Self::resume) needs, and lets go of epochs that are not the best any more.
    pub fn save_last(&self, state: &Snapshot, position: &Position) -> Result<(), TrainError> {
        let note = (POSITION_KEY, serde_json::to_string(position)?);
        model::save(&self.last_file(), state.tensors(), Some(note))?;
        position.best.map_or(Ok(()), |best| self.remove_best_but(best.epoch))
    }

    /// Saves what is kept of the best epoch so far.
    pub fn save_best(&self, weights: &Snapshot, epoch: usize) -> Result<(), TrainError> {
        model::save(&self.best_file(epoch), weights.tensors(), None)
    }

    fn remove_best_but(&self, epoch: usize) -> Result<(), TrainError> {
        let kept = self.best_file(epoch);
        for entry in fs_err::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with(BEST_PREFIX) && path != kept {
                fs_err::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Puts what was kept of an epoch that was the best into place.
    pub fn restore_best(&self, epoch: usize, tuned: &Tuned<'_>) -> Result<(), TrainError> {
        let path = self.best_file(epoch);
        let data = fs_err::read(&path)?;
        read(&path, &data, tuned.kept().into_iter()).map_err(|error| unusable(&path, error))
    }

    /// Puts the newest weights and moments into place and returns the position; `None` without a checkpoint.
    pub fn resume(&self, state: &State<'_>) -> Result<Option<Position>, TrainError> {
        let path = self.last_file();
        if !path.exists() {
            return Ok(None);
        }
        let data = fs_err::read(&path)?;
        let position = read(&path, &data, state.tensors()).and_then(|()| position(&data));
        position.map(Some).map_err(|error| unusable(&path, error))
    }
}

/// Removes the checkpoints of a complete run, whose weights are in its model folder.
pub(crate) fn remove(folder: &Path) -> Result<(), TrainError> {
    // A run that was not trained has none.
    if folder.exists() {
        fs_err::remove_dir_all(folder)?;
    }
    Ok(())
}

type Cause = Box<dyn Error + Send + Sync>;

/// Copies a file's values into tensors of the same names.
fn read<'a>(
    path: &Path,
    data: &[u8],
    tensors: impl Iterator<Item = (String, &'a Tensor)>,
) -> Result<(), Cause> {
    let file = model::parse(path, data)?;
    let _guard = tch::no_grad_guard();
    for (name, tensor) in tensors {
        let shape: Vec<usize> = tensor.size().iter().map(|&size| size as usize).collect();
        let values = model::tensor(path, &file, &name, &shape, tensor.device())?;
        tensor.shallow_clone().f_copy_(&values)?;
    }
    Ok(())
}

fn position(data: &[u8]) -> Result<Position, Cause> {
    let (_, header) = SafeTensors::read_metadata(data)?;
    let note = header.metadata().as_ref().and_then(|notes| notes.get(POSITION_KEY));
    Ok(serde_json::from_str(note.ok_or("it does not say how far the run has come")?)?)
}

/// The error of a checkpoint that there is no continuing from.
pub(crate) fn unusable(path: &Path, source: impl Into<Cause>) -> TrainError {
    TrainError::Checkpoint { path: path.to_owned(), source: source.into() }
}
