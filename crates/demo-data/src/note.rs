//! The note beside a contest that records how it was drawn.

use std::fmt;
use std::io;
use std::path::Path;

use fs_err as fs;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The version of the drawing code. It goes up when the same options give other cartoons or captions.
pub(crate) const FORMAT: u32 = 2;

const FILE: &str = "contest.json";

/// The options and counts of a contest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) format: u32,
    pub(crate) cartoons: usize,
    pub(crate) seed: u64,
    pub(crate) questions: usize,
    pub(crate) rows: usize,
}

impl Note {
    /// Reads the note in `folder`. Returns `None` when there is no note or it cannot be parsed.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, Error> {
        match fs::read(folder.join(FILE)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(FILE);
        let mut text = serde_json::to_string_pretty(self)
            .map_err(|source| Error::Note { path: path.clone(), source })?;
        text.push('\n');
        Ok(fs::write(path, text)?)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cartoons, seed {}, format {}", self.cartoons, self.seed, self.format)
    }
}
