//! Ways to export the runs of a store, and to read what was written.

use std::path::{Path, PathBuf};

use cliptune_exchange::ExchangeError;
use cliptune_exchange::export::{Exported, Format, Wanted, export};
use cliptune_store::{AnyRun, Run};
use fs_err as fs;

pub(crate) use crate::world::World;

impl World {
    pub(crate) fn new() -> Self {
        // Of this sum, a text that is cut would lose the last digit.
        Self::scored([[0.1 + 0.2; 2], [0.75; 2]])
    }

    /// Exports some of the runs into a folder beside the store.
    pub(crate) fn export(&self, runs: &[Run], format: Format, name: &str) -> Result<Exported, ExchangeError> {
        let runs: Vec<AnyRun> = runs.iter().cloned().map(AnyRun::from).collect();
        self.export_any(&runs, format, name)
    }

    /// Exports some runs, whoever has made them.
    pub(crate) fn export_any(
        &self,
        runs: &[AnyRun],
        format: Format,
        name: &str,
    ) -> Result<Exported, ExchangeError> {
        export(&self.store, runs, Wanted { format, weights: false }, &self.path(name))
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }
}

/// Returns the paths as texts.
pub(crate) fn texts(paths: &[PathBuf]) -> Vec<&str> {
    paths.iter().map(|path| Path::to_str(path).unwrap()).collect()
}
