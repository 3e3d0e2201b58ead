//! What a run continues from: weights, moments and position, in one file that is complete or absent.

use std::path::{Path, PathBuf};

use cliptune_clip::ClipConfig;
use serde::{Deserialize, Serialize};
use tch::Device;

use crate::error::TrainError;
use crate::model::{self, Parameters};
use crate::optimizer::Optimizer;

/// The key of the position in the file's header.
const POSITION_KEY: &str = "cliptune.position";

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

    /// The weights of the best epoch.
    pub fn best_file(&self) -> PathBuf {
        self.folder.join("best.safetensors")
    }

    /// Saves what [`resume`](Self::resume) needs.
    pub fn save_last(
        &self,
        parameters: &Parameters,
        optimizer: &Optimizer,
        position: &Position,
    ) -> Result<(), TrainError> {
        let note = (POSITION_KEY, serde_json::to_string(position)?);
        model::save(&self.last_file(), parameters.named().chain(optimizer.moments()), Some(note))
    }

    /// Saves the weights of the best epoch.
    pub fn save_best(&self, parameters: &Parameters) -> Result<(), TrainError> {
        model::save(&self.best_file(), parameters.named(), None)
    }

    /// The weights of the best epoch.
    pub fn best(&self, config: &ClipConfig, device: Device) -> Result<Parameters, TrainError> {
        model::load(&self.best_file(), config, device)
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
        let data = fs_err::read(&path)?;
        let position = position(&path, &data)?;
        let file = model::parse(&path, &data)?;
        let _guard = tch::no_grad_guard();
        for (name, tensor) in parameters.named().chain(optimizer.moments()) {
            let shape: Vec<usize> = tensor.size().iter().map(|&size| size as usize).collect();
            let values = model::tensor(&path, &file, &name, &shape, tensor.device())?;
            tensor.shallow_clone().f_copy_(&values)?;
        }
        optimizer.set_updates(position.steps);
        Ok(Some(position))
    }

    /// Removes them; a complete run's weights are in its model folder.
    pub fn remove(self) -> Result<(), TrainError> {
        Ok(fs_err::remove_dir_all(self.folder)?)
    }
}

fn position(path: &Path, data: &[u8]) -> Result<Position, TrainError> {
    let (_, header) = safetensors::SafeTensors::read_metadata(data)
        .map_err(|source| TrainError::Safetensors { path: path.to_owned(), source })?;
    let note = header.metadata().as_ref().and_then(|notes| notes.get(POSITION_KEY));
    let note = note.map(String::as_str).unwrap_or_default();
    Ok(serde_json::from_str(note)?)
}
