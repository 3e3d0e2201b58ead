//! What a run continues from: weights, moments and position, in one file that is complete or absent.

use std::error::Error;
use std::path::{Path, PathBuf};

use cliptune_clip::ClipConfig;
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use tch::Device;

use crate::error::TrainError;
use crate::model::{self, Parameters};
use crate::optimizer::Optimizer;

/// The key of the position in the file's header.
const POSITION_KEY: &str = "cliptune.position";
/// What the names of the best epochs' weights begin with.
const BEST_PREFIX: &str = "best-";

/// How far a run has come. The order of the data is a function of seed and epoch, so that this is all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Epochs that are complete.
    pub epochs: usize,
    /// Steps done of the epoch after them.
    pub steps_of_epoch: usize,
    /// Optimiser steps done in all.
    pub steps: usize,
    /// The best epoch so far.
    pub best: Option<Best>,
    /// Seconds spent so far.
    pub seconds: f64,
}

impl Position {
    /// Whether a run of that many epochs and steps an epoch can be there.
    pub fn is_within(&self, epochs: usize, steps: usize) -> bool {
        self.epochs <= epochs
            && self.steps_of_epoch <= steps
            && self.steps == self.epochs * steps + self.steps_of_epoch
    }
}

/// The epoch to keep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Its number; 0 is the model before training.
    pub epoch: usize,
    /// What it was selected by, so that higher is better.
    pub merit: f64,
}

/// The checkpoints of one run.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
}

impl Checkpoints {
    /// In this folder, which is made.
    pub fn new(folder: PathBuf) -> Result<Self, TrainError> {
        fs_err::create_dir_all(&folder)?;
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
    pub fn save_last(
        &self,
        parameters: &Parameters,
        optimizer: &Optimizer,
        position: &Position,
    ) -> Result<(), TrainError> {
        let note = (POSITION_KEY, serde_json::to_string(position)?);
        model::save(&self.last_file(), parameters.named().chain(optimizer.moments()), Some(note))?;
        position.best.map_or(Ok(()), |best| self.remove_best_but(best.epoch))
    }

    /// Saves the weights of the best epoch so far.
    pub fn save_best(&self, parameters: &Parameters, epoch: usize) -> Result<(), TrainError> {
        model::save(&self.best_file(epoch), parameters.named(), None)
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

    /// The weights of the best epoch.
    pub fn best(&self, epoch: usize, config: &ClipConfig, device: Device) -> Result<Parameters, TrainError> {
        let path = self.best_file(epoch);
        model::load(&path, config, device).map_err(|error| unusable(&path, error))
    }

    /// Puts the newest weights and moments into place and returns the position; `None` without a checkpoint.
    pub fn resume(
        &self,
        parameters: &Parameters,
        optimizer: &mut Optimizer,
    ) -> Result<Option<Position>, TrainError> {
        let path = self.last_file();
        if !path.exists() {
            return Ok(None);
        }
        let position = read(&path, parameters, optimizer).map_err(|error| unusable(&path, error))?;
        optimizer.set_updates(position.steps);
        Ok(Some(position))
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

/// Copies a checkpoint's values into weights and moments.
fn read(path: &Path, parameters: &Parameters, optimizer: &Optimizer) -> Result<Position, Cause> {
    let data = fs_err::read(path)?;
    let file = model::parse(path, &data)?;
    let position = position(&data)?;
    let _guard = tch::no_grad_guard();
    for (name, tensor) in parameters.named().chain(optimizer.moments()) {
        let shape: Vec<usize> = tensor.size().iter().map(|&size| size as usize).collect();
        let values = model::tensor(path, &file, &name, &shape, tensor.device())?;
        tensor.shallow_clone().f_copy_(&values)?;
    }
    Ok(position)
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
