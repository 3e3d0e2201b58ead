//! The files of checkpoints.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use cliptune_durable::remove_unfinished;
use safetensors::SafeTensors;
use tch::Tensor;

use super::position::Position;
use super::state::{Snapshot, State};
use crate::error::TrainError;
use crate::model;
use crate::tuning::Tuned;

/// The key under which the file's header holds the position.
const POSITION_KEY: &str = "cliptune.position";
/// The prefix of the file names of the best epochs' weights.
const BEST_PREFIX: &str = "best-";

/// The checkpoints of one run.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
}

impl Checkpoints {
    /// Creates the folder if needed, and removes unfinished files that a killed process left in it.
    pub fn new(folder: PathBuf) -> Result<Self, TrainError> {
        match fs_err::create_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // The folder of a run that was removed must not come back as one with nothing but a checkpoint.
            made => made?,
        }
        remove_unfinished(&folder)?;
        Ok(Self { folder })
    }

    /// Returns the path of the newest weights, moments and position.
    pub fn last_file(&self) -> PathBuf {
        self.folder.join("last.safetensors")
    }

    /// Returns the path of the weights of an epoch that was the best when it ended.
    ///
    /// The name contains the epoch's number, so that a better epoch does not overwrite the file that the newest
    /// position still names. A crash between the two writes leaves a pair that belongs together.
    pub fn best_file(&self, epoch: usize) -> PathBuf {
        self.folder.join(format!("{BEST_PREFIX}{epoch}.safetensors"))
    }

    /// Saves what [`resume`](Self::resume) needs, and removes the weights of epochs that are no longer the best.
    pub fn save_last(&self, state: &Snapshot, position: &Position) -> Result<(), TrainError> {
        let note = (POSITION_KEY, serde_json::to_string(position)?);
        model::save(&self.last_file(), state.tensors(), Some(note))?;
        position.best.map_or(Ok(()), |best| self.remove_best_but(best.epoch))
    }

    /// Saves the weights that are kept of the best epoch so far.
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

    /// Loads the weights that were kept of a best epoch into the model.
    pub fn restore_best(&self, epoch: usize, tuned: &Tuned<'_>) -> Result<(), TrainError> {
        let path = self.best_file(epoch);
        let data = fs_err::read(&path)?;
        read(&path, &data, tuned.kept().into_iter()).map_err(|error| unusable(&path, error))
    }

    /// Loads the newest weights and moments and returns the position, or `None` if there is no checkpoint.
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

/// Removes the checkpoints of a complete run, whose weights are in its model folder by then.
pub(crate) fn remove(folder: &Path) -> Result<(), TrainError> {
    // A run that was not trained has no checkpoints.
    if folder.exists() {
        fs_err::remove_dir_all(folder)?;
    }
    Ok(())
}

type Cause = Box<dyn Error + Send + Sync>;

/// Copies the values in a file into the tensors of the same names.
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

/// Returns the error for a checkpoint that a run cannot continue from.
pub(crate) fn unusable(path: &Path, source: impl Into<Cause>) -> TrainError {
    TrainError::Checkpoint { path: path.to_owned(), source: source.into() }
}
