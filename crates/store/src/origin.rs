//! `origin.json`: what a model folder was made from, if cliptune made it from runs.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::record::{read_record, write_record};
use crate::regular::{check, is_absent};
use crate::run::Run;

/// The version of the record.
const FORMAT: u32 = 2;
/// The largest size of a record in bytes. The limit exists because a folder may come from anywhere.
const LONGEST: u64 = 1 << 20;
/// The number of hexadecimal digits of a dataset's hash.
const DIGITS: usize = 64;

/// The runs that a model was made from, and the datasets that they have seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The version of this record.
    pub format_version: u32,
    /// The runs, each as `<experiment>/<run>`.
    pub runs: Vec<String>,
    /// The hashes of the datasets whose train and validation splits these weights have seen, oldest first.
    pub lineage: Vec<String>,
}

impl Origin {
    /// The name of the file in the model folder.
    pub(crate) const FILE: &str = "origin.json";

    /// Returns the origin of a model that is made from some runs, with everything that their models have seen.
    pub fn of(runs: &[Run]) -> Self {
        let mut lineage: Vec<String> = Vec::new();
        for hash in runs.iter().flat_map(Run::seen) {
            if !lineage.contains(&hash) {
                lineage.push(hash);
            }
        }
        Self { format_version: FORMAT, runs: runs.iter().map(Run::id).collect(), lineage }
    }

    /// Writes the record into the model's folder.
    pub fn write(&self, folder: &Path) -> Result<(), StoreError> {
        write_record(&folder.join(Self::FILE), self)
    }

    /// Reads the record of a model folder. Returns `None` for a folder that was not made from runs.
    ///
    /// # Errors
    ///
    /// Returns an error when there is a record that cannot be read or names no datasets, because what it fails to say
    /// may matter.
    pub fn read(folder: &Path) -> Result<Option<Self>, StoreError> {
        let path = folder.join(Self::FILE);
        if is_absent(&path) {
            return Ok(None);
        }
        check(&path)?;
        if fs_err::metadata(&path)?.len() > LONGEST {
            return Err(StoreError::Origin { path });
        }
        let origin: Self = read_record(&path, FORMAT)?;
        match origin.lineage.iter().all(|hash| is_hash(hash)) {
            true => Ok(Some(origin)),
            false => Err(StoreError::Origin { path }),
        }
    }
}

/// Checks whether a text can name a dataset. Nothing else may become part of a path or be shown.
fn is_hash(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written_and_a_newer_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Origin::read(folder.path()).unwrap(), None);
        let origin = Origin {
            format_version: FORMAT,
            runs: vec!["tuned/a".to_owned(), "tuned/b".to_owned()],
            lineage: vec!["0123456789abcdef".repeat(4)],
        };
        origin.write(folder.path()).unwrap();
        assert_eq!(Origin::read(folder.path()).unwrap(), Some(origin.clone()));
        Origin { format_version: FORMAT + 1, ..origin }.write(folder.path()).unwrap();
        assert!(matches!(Origin::read(folder.path()), Err(StoreError::Version { .. })));
    }

    #[test]
    fn what_names_no_dataset_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let read = |bytes: &[u8]| {
            fs_err::write(folder.path().join(Origin::FILE), bytes).unwrap();
            Origin::read(folder.path()).unwrap_err()
        };
        for hash in ["../../../../etc", "\u{1b}]0;", ""] {
            let origin = Origin { format_version: FORMAT, runs: Vec::new(), lineage: vec![hash.to_owned()] };
            origin.write(folder.path()).unwrap();
            let error = Origin::read(folder.path()).unwrap_err();
            assert!(matches!(error, StoreError::Origin { .. }), "{hash}: {error}");
        }
        assert!(matches!(read(&vec![b' '; LONGEST as usize + 1]), StoreError::Origin { .. }));
        assert!(read(b"{").is_damage());
    }
}
