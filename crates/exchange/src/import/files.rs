//! The files of another tool. They are read whole, within bounds, and no link among them is followed.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use cliptune_durable::read_regular;
use cliptune_experiment::plain_yaml;
use cliptune_query::quote_words;
use fs_err as fs;
use serde_json::Value;

use super::error::ImportError;

/// The most bytes of a file.
const LONGEST: u64 = 16 << 20;
/// The most bytes of all files of one run, in MiB: all of them are in memory at once.
const LARGEST: usize = 128;
/// The most files of one run.
const MOST: usize = 20_000;
/// The most folders within each other.
const DEEPEST: usize = 16;

/// A folder of another tool, with the hashes of the files that were read in it.
pub(super) struct Files {
    root: PathBuf,
    hashes: BTreeMap<String, String>,
    /// The number of bytes that were read.
    read: usize,
}

impl Files {
    pub(super) fn below(root: &Path) -> Self {
        Self { root: root.to_path_buf(), hashes: BTreeMap::new(), read: 0 }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the BLAKE3 of every file that was read, by its path.
    pub(super) fn into_hashes(self) -> BTreeMap<String, String> {
        self.hashes
    }

    /// Returns an error about a file.
    pub(super) fn unreadable(&self, relative: &str, problem: impl Into<String>) -> ImportError {
        ImportError::Unreadable { path: self.root.join(relative), problem: problem.into() }
    }

    /// Checks whether there is a file or a folder.
    pub(super) fn is_there(&self, relative: &str) -> Result<bool, ImportError> {
        let path = self.place(relative)?;
        path.try_exists().map_err(|error| self.unreadable(relative, error.to_string()))
    }

    /// Reads a file as text, if it is there.
    pub(super) fn text(&mut self, relative: &str) -> Result<Option<String>, ImportError> {
        if !self.is_there(relative)? {
            return Ok(None);
        }
        let path = self.place(relative)?;
        if self.hashes.len() == MOST {
            return Err(ImportError::TooMany { path: self.root.clone(), what: "files", limit: MOST });
        }
        let bytes = read_regular(&path, LONGEST)?;
        self.read += bytes.len();
        if self.read > LARGEST << 20 {
            return Err(ImportError::TooMany {
                path: self.root.clone(),
                what: "MiB of files",
                limit: LARGEST,
            });
        }
        self.hashes.insert(relative.to_owned(), blake3::hash(&bytes).to_hex().to_string());
        let text = String::from_utf8(bytes).map_err(|_| self.unreadable(relative, "it is not UTF-8"))?;
        Ok(Some(text))
    }

    /// Reads a file of YAML, if it is there.
    pub(super) fn yaml(&mut self, relative: &str) -> Result<Option<Value>, ImportError> {
        let Some(text) = self.text(relative)? else { return Ok(None) };
        plain_yaml(&text).map(Some).map_err(|problem| self.unreadable(relative, problem))
    }

    /// Reads a file of JSON, if it is there. Python's words for what is no finite number, which JSON does not have, become texts.
    pub(super) fn json(&mut self, relative: &str) -> Result<Option<Value>, ImportError> {
        let Some(text) = self.text(relative)? else { return Ok(None) };
        let read = serde_json::from_str(&quote_words(&text));
        read.map(Some).map_err(|error| self.unreadable(relative, error.to_string()))
    }

    /// Lists all files below a folder, by their paths in it; none where there is no such folder.
    pub(super) fn list(&self, folder: &str) -> Result<Vec<String>, ImportError> {
        let mut found = Vec::new();
        let mut open = vec![(self.place(folder)?, String::new(), 0)];
        while let Some((path, prefix, depth)) = open.pop() {
            if !path.is_dir() {
                continue;
            }
            for entry in fs::read_dir(&path)? {
                let entry = entry?;
                let name = entry.file_name();
                let name =
                    name.to_str().ok_or_else(|| self.unreadable(folder, "a file name is not UTF-8"))?;
                let below = format!("{prefix}{name}");
                let kind = entry.file_type()?;
                match () {
                    () if kind.is_dir() && depth < DEEPEST => {
                        open.push((entry.path(), format!("{below}/"), depth + 1));
                    }
                    () if kind.is_file() => found.push(below),
                    () => return Err(self.unreadable(&format!("{folder}/{below}"), "it is no regular file")),
                }
                if found.len() + open.len() > MOST {
                    return Err(ImportError::TooMany { path: self.root.clone(), what: "files", limit: MOST });
                }
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Returns the path of something below the folder. Nothing on the way to it is a link.
    fn place(&self, relative: &str) -> Result<PathBuf, ImportError> {
        let mut path = self.root.clone();
        for part in Path::new(relative).components() {
            match part {
                Component::CurDir => continue,
                Component::Normal(name) => path.push(name),
                _ => return Err(self.unreadable(relative, "it does not lie in the folder that was named")),
            }
            if std::fs::symlink_metadata(&path).is_ok_and(|about| about.is_symlink()) {
                return Err(self.unreadable(relative, "it is a link, and none is followed"));
            }
        }
        Ok(path)
    }
}
