//! Stops a process that has lost its run to another host before it writes anything more there.

use std::path::PathBuf;
use std::sync::Weak;

use crate::error::StoreError;
use crate::hold::Alone;

/// Says before each write whether the run is still that of this process. It does not keep the run.
#[derive(Clone, Debug)]
pub struct Guard {
    alone: Weak<Alone>,
    folder: PathBuf,
    run: String,
}

impl Guard {
    pub(crate) fn new(alone: Weak<Alone>, folder: PathBuf, run: String) -> Self {
        Self { alone, folder, run }
    }

    /// Makes sure that no other process has taken the run over.
    ///
    /// Nothing is wrong with what is written into a folder that was removed, or after the run has ended: nobody else reads the one,
    /// and nobody else could have begun before the other.
    ///
    /// # Errors
    /// Returns an error that names the process that has.
    pub fn require(&self) -> Result<(), StoreError> {
        match self.alone.upgrade() {
            Some(alone) if alone.is_in(&self.folder) => {
                alone.require().map_err(|worker| StoreError::TakenOver { what: self.run.clone(), worker })
            }
            _ => Ok(()),
        }
    }
}
