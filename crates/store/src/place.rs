//! Where in a store a folder belongs.

use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::store::Store;

/// A folder's place in the store: the folder that it is in, and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Place(String, String);

impl Place {
    /// Returns the place of a folder of the store.
    pub(crate) fn of(store: &Store, folder: &Path) -> Result<Self, StoreError> {
        let outside = || StoreError::Immovable { path: folder.to_path_buf() };
        if fs::symlink_metadata(folder)?.is_symlink() {
            return Err(outside());
        }
        let below = folder.strip_prefix(store.root()).ok().and_then(Path::to_str).ok_or_else(outside)?;
        Self::try_from(below.to_owned()).map_err(|_| outside())
    }

    pub(crate) fn path(&self, store: &Store) -> PathBuf {
        store.root().join(&self.0).join(&self.1)
    }

    pub(crate) fn name(&self) -> &str {
        &self.1
    }
}

impl TryFrom<String> for Place {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_name = |name: &str| {
            let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
            !name.is_empty() && !name.starts_with('.') && name.chars().all(allowed)
        };
        match text.split_once('/') {
            Some((folder, name)) if is_name(folder) && is_name(name) => {
                Ok(Self(folder.to_owned(), name.to_owned()))
            }
            _ => Err("expected a folder of the store"),
        }
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        format!("{}/{}", place.0, place.1)
    }
}
