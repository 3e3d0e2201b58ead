//! The files of checkpoints.

use std::error::Error;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use cliptune_durable::{discard, open_regular, remove_unfinished};
use cliptune_store::Guard;
use safetensors::SafeTensors;
use tch::Tensor;

use super::position::Position;
use super::state::{Snapshot, State};
use crate::error::TrainError;
use crate::model;
use crate::tuning::Tuned;

/// The key under which the file's header holds the position.
const POSITION_KEY: &str = "cliptune.position";
/// What is wrong with a checkpoint that is further than its run can come.
pub(crate) const OUTSIDE: &str = "its position is outside of this run";
/// The prefix of the file names of the best epochs' weights.
const BEST_PREFIX: &str = "best-";

/// The checkpoints of one run.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    guard: Option<Guard>,
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
        Ok(Self { folder, guard: None })
    }

    /// Gives no file its name any more once another process has taken the run over.
    pub fn guarded_by(self, guard: Option<Guard>) -> Self {
        Self { guard, ..self }
    }

    fn require(&self) -> Result<(), TrainError> {
        Ok(self.guard.as_ref().map_or(Ok(()), Guard::require)?)
    }

    /// Returns the checkpoints of a process that has no files.
    pub(super) fn nowhere() -> Self {
        Self { folder: PathBuf::new(), guard: None }
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
        model::save_sealed(&self.last_file(), state.tensors(), Some(note), || self.require())?;
        position.best.map_or(Ok(()), |best| self.remove_best_but(best.epoch))
    }

    /// Saves the weights that are kept of the best epoch so far.
    pub fn save_best(&self, weights: &Snapshot, epoch: usize) -> Result<(), TrainError> {
        model::save_sealed(&self.best_file(epoch), weights.tensors(), None, || self.require())
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
        let data = content(&path)?;
        let copied = parsed(&path, &data).and_then(|file| {
            let tensors = fitting(&path, &file, tuned.kept().into_iter())?;
            copy(&path, &file, tensors)
        });
        copied.map_err(|error| unusable(&path, error))
    }

    /// Loads the newest weights and moments and returns the position, or `None` if there is no checkpoint.
    ///
    /// # Errors
    ///
    /// Returns [`TrainError::Checkpoint`] when a file of the checkpoint is missing or not as it was written, or when
    /// `fits` refuses its position. Nothing was loaded then.
    pub fn resume(
        &self,
        state: &State<'_>,
        fits: impl FnOnce(&Position) -> bool,
    ) -> Result<Option<Position>, TrainError> {
        let path = self.last_file();
        if fs_err::symlink_metadata(&path).is_err() {
            return Ok(None);
        }
        let data = content(&path)?;
        let whole = parsed(&path, &data).and_then(|file| Ok((file, position(&data)?)));
        let (file, position) = whole.map_err(|error| unusable(&path, error))?;
        if !fits(&position) {
            return Err(unusable(&path, OUTSIDE));
        }
        let tensors = fitting(&path, &file, state.tensors()).map_err(|error| unusable(&path, error))?;
        // Epoch 0 is the model before training, which has no file.
        position.best.filter(|best| best.epoch > 0).map_or(Ok(()), |best| self.check_best(best.epoch))?;
        copy(&path, &file, tensors).map_err(|error| unusable(&path, error))?;
        Ok(Some(position))
    }

    fn check_best(&self, epoch: usize) -> Result<(), TrainError> {
        let path = self.best_file(epoch);
        let data = content(&path)?;
        parsed(&path, &data).map(drop).map_err(|error| unusable(&path, error))
    }

    /// Gives up all checkpoints, so that the run starts from its beginning.
    pub fn clear(&self) -> Result<(), TrainError> {
        discard(&self.folder)?;
        Ok(fs_err::create_dir(&self.folder)?)
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

/// Reads a file of a checkpoint. What is missing, or is no file, is as good as damaged; a disk that cannot be read says nothing
/// about the file.
fn content(path: &Path) -> Result<Vec<u8>, TrainError> {
    let mut bytes = Vec::new();
    let read = open_regular(path).and_then(|mut file| file.read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(bytes),
        Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::InvalidInput].contains(&error.kind()) => {
            Err(unusable(path, error))
        }
        Err(error) => Err(error.into()),
    }
}

/// Parses a file that is as it was written.
fn parsed<'a>(path: &Path, data: &'a [u8]) -> Result<SafeTensors<'a>, Cause> {
    let file = model::parse(path, data)?;
    let is_whole = model::is_as_written(&file, data);
    is_whole.then_some(file).ok_or_else(|| "it was changed after it was written".into())
}

/// A tensor with its name and its shape.
type Named<'a> = (String, Vec<usize>, &'a Tensor);

/// Returns the tensors with their shapes, if a file has values for all of them.
fn fitting<'a>(
    path: &Path,
    file: &SafeTensors<'_>,
    tensors: impl Iterator<Item = (String, &'a Tensor)>,
) -> Result<Vec<Named<'a>>, Cause> {
    let shape = |tensor: &Tensor| tensor.size().iter().map(|&size| size as usize).collect::<Vec<_>>();
    let tensors: Vec<Named<'_>> = tensors.map(|(name, tensor)| (name, shape(tensor), tensor)).collect();
    tensors.iter().try_for_each(|(name, shape, _)| model::view(path, file, name, shape).map(drop))?;
    Ok(tensors)
}

/// Copies the values in a file into the tensors of the same names.
fn copy(path: &Path, file: &SafeTensors<'_>, tensors: Vec<Named<'_>>) -> Result<(), Cause> {
    let _guard = tch::no_grad_guard();
    for (name, shape, tensor) in tensors {
        let values = model::tensor(path, file, &name, &shape, tensor.device())?;
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
