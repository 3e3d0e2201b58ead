//! Lists the names of the files in a folder and below it, or in a repository.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::checkpoint::{OPEN_CLIP_WEIGHTS_FILE, WEIGHTS_FILE, WEIGHTS_INDEX_FILE};
use crate::config::{CONFIG_FILE, OPEN_CLIP_CONFIG_FILE};

const CONFIGURATIONS: [&str; 2] = [CONFIG_FILE, OPEN_CLIP_CONFIG_FILE];
const WEIGHTS: [&str; 3] = [WEIGHTS_FILE, WEIGHTS_INDEX_FILE, OPEN_CLIP_WEIGHTS_FILE];

/// The endings of files that Python's pickle writes.
const PICKLES: [&str; 6] = [".bin", ".pt", ".pth", ".ckpt", ".pkl", ".bin.index.json"];
/// The beginnings of the names of files that training writes beside its weights.
const NO_WEIGHTS: [&str; 6] =
    ["training_args", "optimizer", "scheduler", "rng_state", "scaler", "random_states"];

/// The number of levels of subfolders that are searched: in a store, the model of a run is four folders down.
const DEEPEST: usize = 4;
/// The largest number of entries that are looked at, so that a user who names a whole disk gets an answer too.
const MOST_ENTRIES: usize = 10_000;

/// The names of files, with `/` between folder names.
#[derive(Debug, Default)]
pub(super) struct Listing {
    files: BTreeSet<String>,
    broken: Vec<String>,
    irregular: Vec<String>,
}

impl Listing {
    /// Creates a listing from names.
    pub(super) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { files: names.into_iter().map(str::to_owned).collect(), ..Self::default() }
    }

    /// Lists a folder and its subfolders to a limited depth. Links to folders are not followed, because they may form
    /// cycles.
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        let mut listing = Self::default();
        let mut left = MOST_ENTRIES;
        let mut level = listing.add(folder, "", &mut left)?;
        for _ in 1..=DEEPEST {
            let mut next = Vec::new();
            for (path, name) in level {
                // A subfolder that cannot be read hides only its own models.
                next.extend(listing.add(&path, &name, &mut left).unwrap_or_default());
            }
            level = next;
        }
        Ok(listing)
    }

    /// Lists a folder without its subfolders.
    pub(super) fn flat(folder: &Path) -> io::Result<Self> {
        let mut listing = Self::default();
        listing.add(folder, "", &mut MOST_ENTRIES.clone())?;
        Ok(listing)
    }

    /// Adds the files of one folder, and returns its subfolders with their names relative to the top folder.
    fn add(&mut self, folder: &Path, prefix: &str, left: &mut usize) -> io::Result<Vec<(PathBuf, String)>> {
        let mut folders = Vec::new();
        for entry in fs_err::read_dir(folder)? {
            let entry = entry?;
            let Some(remaining) = left.checked_sub(1) else { break };
            *left = remaining;
            // No library writes files with names that are not UTF-8.
            let Ok(own) = entry.file_name().into_string() else { continue };
            let name = format!("{prefix}{own}");
            match (entry.file_type(), fs_err::metadata(entry.path())) {
                (Ok(kind), _) if kind.is_dir() => folders.push((entry.path(), format!("{name}/"))),
                (_, Ok(target)) if target.is_file() => _ = self.files.insert(name),
                (_, Ok(target)) if target.is_dir() => {}
                (_, Ok(_)) => self.irregular.push(name),
                (_, Err(_)) => self.broken.push(name),
            }
        }
        folders.sort();
        Ok(folders)
    }

    /// Checks whether the listing is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Checks whether there is a file with this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.files.contains(name)
    }

    /// Checks whether the folder itself has a configuration that says what its weights are.
    pub(super) fn has_configuration(&self) -> bool {
        CONFIGURATIONS.iter().any(|name| self.has(name))
    }

    /// Checks whether a folder has weights that can be read. `below` is empty or ends in `/`.
    pub(super) fn has_weights(&self, below: &str) -> bool {
        WEIGHTS.iter().any(|name| self.has(&format!("{below}{name}")))
    }

    /// Checks whether a folder has the files that make up a model. `below` is empty or ends in `/`.
    pub(super) fn is_model(&self, below: &str) -> bool {
        CONFIGURATIONS.iter().any(|name| self.has(&format!("{below}{name}"))) && self.has_weights(below)
    }

    /// Returns the folders further down that have the files that make up a model.
    pub(super) fn models(&self) -> Vec<String> {
        let folders: BTreeSet<&str> =
            self.files.iter().filter_map(|name| name.rsplit_once('/')).map(|(folder, _)| folder).collect();
        let models = folders.into_iter().filter(|folder| self.is_model(&format!("{folder}/")));
        models.map(str::to_owned).collect()
    }

    /// Returns the folders directly below the top folder.
    pub(super) fn top_folders(&self) -> Vec<String> {
        let folders: BTreeSet<&str> =
            self.files.iter().filter_map(|name| name.split_once('/')).map(|(folder, _)| folder).collect();
        folders.into_iter().map(str::to_owned).collect()
    }

    /// Returns a file of a model that is a link to nothing.
    pub(super) fn broken(&self) -> Option<&str> {
        self.broken.iter().map(String::as_str).find(|name| is_part(name))
    }

    /// Returns a file of a model that is in fact a pipe, a socket or a device.
    pub(super) fn irregular(&self) -> Option<&str> {
        self.irregular.iter().map(String::as_str).find(|name| is_part(name))
    }

    /// Returns the files with pickled weights in the folder itself.
    pub(super) fn pickles(&self) -> Vec<String> {
        let is_pickle = |name: &&str| PICKLES.iter().any(|end| name.ends_with(end));
        let of_training = |name: &str| NO_WEIGHTS.iter().any(|start| name.starts_with(start));
        self.top().filter(is_pickle).filter(|name| !of_training(name)).map(str::to_owned).collect()
    }

    /// Returns a file with one of these endings, preferably in the folder itself, otherwise further down.
    pub(super) fn ending(&self, ends: &[&str]) -> Option<String> {
        let has_end = |name: &&str| ends.iter().any(|end| name.ends_with(end));
        let found = self.top().find(has_end).or_else(|| self.files.iter().map(String::as_str).find(has_end));
        found.map(str::to_owned)
    }

    fn top(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str).filter(|name| !name.contains('/'))
    }
}

/// Checks whether a file is one of those that make the folder itself a model.
fn is_part(name: &str) -> bool {
    CONFIGURATIONS.contains(&name) || WEIGHTS.contains(&name)
}
