//! Where a new experiment is written, and what it is called.

use std::path::{Component, Path, PathBuf};

use cliptune_durable::DurableError;
use cliptune_experiment::ExperimentName;
use fs_err as fs;

use crate::error::CliError;

/// The name of an experiment in a folder whose name no experiment can have.
const NAME: &str = "experiment";
/// The length of the longest name that is taken from a folder.
const LONGEST: usize = 60;

/// The place of a new experiment.
#[derive(Debug)]
pub(super) struct Place {
    /// The absolute path of its folder, which may not be there yet.
    pub(super) folder: PathBuf,
    pub(super) file: PathBuf,
    /// The path of a table that is made for it.
    pub(super) table: PathBuf,
    pub(super) name: ExperimentName,
}

impl Place {
    /// Returns the place in a folder, after checking that nothing is there.
    pub(super) fn of(folder: &Path) -> Result<Self, CliError> {
        let folder = absolute(folder)?;
        if folder.exists() && !folder.is_dir() {
            return Err(DurableError::Occupied { path: folder }.into());
        }
        let name = folder.file_name().and_then(|name| named(&name.to_string_lossy()));
        let name = match name {
            Some(name) => name,
            None => NAME.parse().map_err(|_| CliError::Unsayable { file: folder.clone() })?,
        };
        let [file, table] = ["yaml", "csv"].map(|ending| folder.join(format!("{name}.{ending}")));
        Self::refuse(&file)?;
        Ok(Self { folder, file, table, name })
    }

    /// Refuses a path at which something is.
    pub(super) fn refuse(path: &Path) -> Result<(), CliError> {
        match fs::symlink_metadata(path) {
            Ok(_) => Err(DurableError::Occupied { path: path.to_path_buf() }.into()),
            Err(_) => Ok(()),
        }
    }
}

/// Returns a path without links and dots, as far as it is there.
fn absolute(folder: &Path) -> Result<PathBuf, CliError> {
    let whole = std::path::absolute(folder)?;
    let there = whole.ancestors().find(|path| path.exists()).unwrap_or(&whole);
    let mut found = fs::canonicalize(there)?;
    for part in whole.strip_prefix(there).unwrap_or(Path::new("")).components() {
        match part {
            Component::ParentDir => {
                found.pop();
            }
            Component::Normal(name) => found.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Ok(found)
}

/// Makes the name of an experiment of that of a folder.
fn named(folder: &str) -> Option<ExperimentName> {
    let letter = |letter: char| match letter {
        letter if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.') => letter,
        _ => '-',
    };
    let name: String = folder.chars().map(letter).take(LONGEST).collect();
    let name = name.trim_start_matches(['.', '-']).trim_end_matches('-');
    let own = format!("{name}-{NAME}");
    // The first is no name where the store keeps something else under it.
    (!name.is_empty()).then(|| name.parse().or_else(|_| own.parse()).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_after_its_folder() {
        for (folder, expected) in [
            ("cartoons", Some("cartoons")),
            ("my photos (2024)", Some("my-photos--2024")),
            (".hidden", Some("hidden")),
            ("datasets", Some("datasets-experiment")),
            ("漫画", None),
            ("...", None),
        ] {
            let name = named(folder);
            assert_eq!(name.as_ref().map(ExperimentName::as_str), expected, "{folder}");
        }
        assert_eq!(named(&"a".repeat(300)).unwrap().as_str().len(), LONGEST);
    }

    #[test]
    fn a_folder_may_hold_other_things_and_no_file_of_that_name() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("own");
        fs::create_dir_all(own.join("images")).unwrap();
        let place = Place::of(&own).unwrap();
        assert_eq!(place.file, fs::canonicalize(&own).unwrap().join("own.yaml"));
        for (name, is_file) in [("own/own.yaml", false), ("other", true)] {
            fs::write(folder.path().join(name), "").unwrap();
            let asked = if is_file { folder.path().join(name) } else { own.clone() };
            let refused = Place::of(&asked).unwrap_err().to_string();
            assert!(refused.ends_with("is there already"), "{refused}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_placed_without_dots() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(&folder.path().join("a/./b/../c")).unwrap();
        assert_eq!(place.folder, fs::canonicalize(folder.path()).unwrap().join("a/c"));
        assert!(!place.folder.exists());
    }
}
