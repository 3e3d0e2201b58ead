//! The names of the files below a folder, or in a repository.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::checkpoint::{OPEN_CLIP_WEIGHTS_FILE, WEIGHTS_FILE, WEIGHTS_INDEX_FILE};
use crate::config::{CONFIG_FILE, OPEN_CLIP_CONFIG_FILE};

const CONFIGURATIONS: [&str; 2] = [CONFIG_FILE, OPEN_CLIP_CONFIG_FILE];
const WEIGHTS: [&str; 3] = [WEIGHTS_FILE, WEIGHTS_INDEX_FILE, OPEN_CLIP_WEIGHTS_FILE];

/// Endings of files that Python's pickle writes.
const PICKLES: [&str; 6] = [".bin", ".pt", ".pth", ".ckpt", ".pkl", ".bin.index.json"];
/// What training leaves beside its weights.
const NO_WEIGHTS: [&str; 6] =
    ["training_args", "optimizer", "scheduler", "rng_state", "scaler", "random_states"];

/// How far down a folder is looked at: a store's run has its model four folders down.
const DEEPEST: usize = 4;
/// How many entries of a folder are looked at: whoever names a whole disk wants an answer as well.
const MOST_ENTRIES: usize = 10_000;

/// The names of files, with `/` between folders.
#[derive(Debug, Default)]
pub(super) struct Listing {
    files: BTreeSet<String>,
    broken: Vec<String>,
    irregular: Vec<String>,
}

impl Listing {
    /// Some names.
    pub(super) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { files: names.into_iter().map(str::to_owned).collect(), ..Self::default() }
    }

    /// What is in a folder and some way below it. Links to folders are not followed: they may go in circles.
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        let mut listing = Self::default();
        let mut left = MOST_ENTRIES;
        let mut level = listing.add(folder, "", &mut left)?;
        for _ in 1..=DEEPEST {
            let mut next = Vec::new();
            for (path, name) in level {
                // A folder below that cannot be read hides its models alone.
                next.extend(listing.add(&path, &name, &mut left).unwrap_or_default());
            }
            level = next;
        }
        Ok(listing)
    }

    /// What is in a folder itself.
    pub(super) fn flat(folder: &Path) -> io::Result<Self> {
        let mut listing = Self::default();
        listing.add(folder, "", &mut MOST_ENTRIES.clone())?;
        Ok(listing)
    }

    /// Adds the files of one folder; gives its folders, with their names from the first folder on.
    fn add(&mut self, folder: &Path, prefix: &str, left: &mut usize) -> io::Result<Vec<(PathBuf, String)>> {
        let mut folders = Vec::new();
        for entry in fs_err::read_dir(folder)? {
            let entry = entry?;
            let Some(remaining) = left.checked_sub(1) else { break };
            *left = remaining;
            // No file that a library writes has another name than UTF-8.
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

    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether there is such a file.
    pub(super) fn has(&self, name: &str) -> bool {
        self.files.contains(name)
    }

    /// Whether the folder itself says what its weights are.
    pub(super) fn has_configuration(&self) -> bool {
        CONFIGURATIONS.iter().any(|name| self.has(name))
    }

    /// Whether a folder has weights that can be read. `below` is empty, or ends in `/`.
    pub(super) fn has_weights(&self, below: &str) -> bool {
        WEIGHTS.iter().any(|name| self.has(&format!("{below}{name}")))
    }

    /// Whether a folder has what a model consists of. `below` is empty, or ends in `/`.
    pub(super) fn is_model(&self, below: &str) -> bool {
        CONFIGURATIONS.iter().any(|name| self.has(&format!("{below}{name}"))) && self.has_weights(below)
    }

    /// The folders further down that have what a model consists of.
    pub(super) fn models(&self) -> Vec<String> {
        let folders: BTreeSet<&str> =
            self.files.iter().filter_map(|name| name.rsplit_once('/')).map(|(folder, _)| folder).collect();
        let models = folders.into_iter().filter(|folder| self.is_model(&format!("{folder}/")));
        models.map(str::to_owned).collect()
    }

    /// The folders in the first one.
    pub(super) fn top_folders(&self) -> Vec<String> {
        let folders: BTreeSet<&str> =
            self.files.iter().filter_map(|name| name.split_once('/')).map(|(folder, _)| folder).collect();
        folders.into_iter().map(str::to_owned).collect()
    }

    /// A part of a model that is a link to nothing.
    pub(super) fn broken(&self) -> Option<&str> {
        self.broken.iter().map(String::as_str).find(|name| is_part(name))
    }

    /// A part of a model that is a pipe, a socket or a device.
    pub(super) fn irregular(&self) -> Option<&str> {
        self.irregular.iter().map(String::as_str).find(|name| is_part(name))
    }

    /// Pickled weights in the folder itself.
    pub(super) fn pickles(&self) -> Vec<String> {
        let is_pickle = |name: &&str| PICKLES.iter().any(|end| name.ends_with(end));
        let of_training = |name: &str| NO_WEIGHTS.iter().any(|start| name.starts_with(start));
        self.top().filter(is_pickle).filter(|name| !of_training(name)).map(str::to_owned).collect()
    }

    /// A file with one of these endings: in the folder itself, else further down.
    pub(super) fn ending(&self, ends: &[&str]) -> Option<String> {
        let has_end = |name: &&str| ends.iter().any(|end| name.ends_with(end));
        let found = self.top().find(has_end).or_else(|| self.files.iter().map(String::as_str).find(has_end));
        found.map(str::to_owned)
    }

    fn top(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str).filter(|name| !name.contains('/'))
    }
}

/// Whether the model of the folder itself cannot do without a file.
fn is_part(name: &str) -> bool {
    CONFIGURATIONS.contains(&name) || WEIGHTS.contains(&name)
}
