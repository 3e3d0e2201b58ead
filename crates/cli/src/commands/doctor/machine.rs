//! What the machine has: processors, memory, GPUs, and room in the folders that cliptune writes to.

use std::env;
use std::path::{Path, PathBuf};
use std::thread;

use cliptune_machine::{NvidiaDriver, Processor, free_space, memory_limit};
use cliptune_store::Store;
use cliptune_terminal::format;
use serde::Serialize;

use crate::error::CliError;

/// What the machine tells of itself. What it does not tell is missing.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    pub(super) processor: Option<String>,
    pub(super) features: Vec<&'static str>,
    /// The threads that can run at once, within the limits of a container.
    pub(super) threads: Option<usize>,
    /// The bytes of memory that a process may have, within the limits of a container.
    pub(super) memory: Option<u64>,
    /// The version of NVIDIA's driver, if there is one.
    pub(super) nvidia_driver: Option<String>,
    pub(super) gpus: Vec<String>,
}

impl Machine {
    pub(super) fn look() -> Self {
        let processor = Processor::of_this_machine();
        let driver = NvidiaDriver::of_this_machine();
        Self {
            processor: processor.model,
            features: processor.features,
            threads: thread::available_parallelism().ok().map(usize::from),
            memory: memory_limit(),
            nvidia_driver: driver.as_ref().map(|driver| driver.version.clone().unwrap_or_else(unknown)),
            gpus: driver.map(|driver| driver.gpus).unwrap_or_default(),
        }
    }

    /// Checks whether there is a driver for NVIDIA's GPUs.
    pub(super) fn has_driver(&self) -> bool {
        self.nvidia_driver.is_some()
    }
}

fn unknown() -> String {
    "of unknown version".to_owned()
}

/// A folder that cliptune writes to.
#[derive(Debug, Serialize)]
pub(super) struct Folder {
    /// What it holds.
    pub(super) holds: &'static str,
    pub(super) path: Option<PathBuf>,
    /// Whether it is there already.
    pub(super) exists: bool,
    /// The bytes that are free on its disk.
    pub(super) free: Option<u64>,
    /// Why it is not known which folder it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unknown: Option<String>,
}

/// Returns the folders that cliptune writes to: the store, the caches and the temporary folder.
pub(super) fn folders(store: &Path) -> Result<Vec<Folder>, CliError> {
    let store = Store::open(store)?;
    let hub = cliptune_hub::Settings::from_env().map(|settings| settings.cache);
    let sources = cliptune_sources::Settings::from_env().map(|settings| settings.cache);
    Ok(vec![
        Folder::at("datasets and runs", store.root().to_path_buf()),
        Folder::at("what can be computed again", store.cache_folder()),
        hub.map_or_else(|error| Folder::unknown(MODELS, &error), |path| Folder::at(MODELS, path)),
        sources.map_or_else(|error| Folder::unknown(REMOTE, &error), |path| Folder::at(REMOTE, path)),
        Folder::at("temporary files", env::temp_dir()),
    ])
}

const MODELS: &str = "models of the hub";
const REMOTE: &str = "copies of remote data";

impl Folder {
    fn at(holds: &'static str, path: PathBuf) -> Self {
        // What is to be written into a folder that is not there yet needs room where it will be.
        let free = path.ancestors().find(|folder| folder.is_dir()).and_then(free_space);
        Self { holds, exists: path.is_dir(), free, path: Some(path), unknown: None }
    }

    fn unknown(holds: &'static str, error: &dyn std::error::Error) -> Self {
        Self { holds, path: None, exists: false, free: None, unknown: Some(format::in_one_line(error)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_has_the_room_of_where_it_will_be() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::at("runs", root.path().join("a/b"));
        assert!(!folder.exists);
        assert!(folder.free.is_some_and(|bytes| bytes > 0), "{folder:?}");
        assert!(Folder::at("runs", root.path().to_path_buf()).exists);
    }
}
