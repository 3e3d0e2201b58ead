//! The paths in records. What lies near the store is recorded relative to it, so that both can move together.
//!
//! A path below the folder that holds the store is written relative to the store's own folder: `../data/images`. Every
//! other path is written as it is. A record also says where its store was, for the case that the store has moved alone:
//! what is not found from where it is now is looked for from where it was.

use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::dataset_record::DatasetRecord;
use crate::error::StoreError;
use crate::identity::{DATASET_FORMAT, RUN_FORMAT};
use crate::image_files::split_glob;
use crate::record::{read_record_and, stage_record, write_record};
use crate::run_record::RunRecord;
use crate::store::Store;

/// A record that holds paths.
pub(crate) trait Placed: Clone + Serialize + DeserializeOwned {
    /// The version of the record.
    const FORMAT: u32;

    /// Replaces every path.
    fn replace_paths(&mut self, by: &dyn Fn(&Path) -> PathBuf);
}

impl Placed for RunRecord {
    const FORMAT: u32 = RUN_FORMAT;

    fn replace_paths(&mut self, by: &dyn Fn(&Path) -> PathBuf) {
        self.plan.local_paths_mut().for_each(|path| *path = by(path));
    }
}

impl Placed for DatasetRecord {
    const FORMAT: u32 = DATASET_FORMAT;

    fn replace_paths(&mut self, by: &dyn Fn(&Path) -> PathBuf) {
        self.plan.local_paths_mut().for_each(|path| *path = by(path));
        for folder in &mut self.sources.images_folders {
            *folder = by(Path::new(folder)).to_string_lossy().into_owned();
        }
    }
}

/// Where the store of a record was when the record was written.
#[derive(Deserialize)]
struct Earlier {
    store: Option<PathBuf>,
}

/// A record as it is written.
#[derive(Serialize)]
struct Written<'a, T> {
    #[serde(flatten)]
    record: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<&'a str>,
}

/// The place of a store, from which the paths in its records are seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paths {
    /// The store's folder, without links.
    root: PathBuf,
    /// The folder that holds the store. At the top of the file system, where it would hold everything, it is the store.
    around: PathBuf,
}

impl Paths {
    /// Returns the place of the store in a folder.
    pub(crate) fn of(root: &Path) -> Self {
        let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf());
        let around = root.parent().filter(|around| around.parent().is_some()).unwrap_or(&root);
        Self { around: around.to_path_buf(), root }
    }

    /// Returns the place of the store that holds the folder of a run or of a dataset.
    pub(crate) fn around(folder: &Path) -> Self {
        Self::of(folder.ancestors().nth(2).unwrap_or(folder))
    }

    /// Writes a record with its paths as they are seen from here.
    pub(crate) fn write<T: Placed>(&self, file: &Path, record: &T) -> Result<(), StoreError> {
        write_record(file, &self.written(record))
    }

    /// Does the same in a folder that is staged.
    pub(crate) fn stage<T: Placed>(&self, file: &Path, record: &T) -> Result<(), StoreError> {
        stage_record(file, &self.written(record))
    }

    fn written<T: Placed>(&self, record: &T) -> Written<'_, T> {
        let mut record = record.clone();
        record.replace_paths(&|path| self.recorded(path));
        Written { record, store: self.root.to_str() }
    }

    /// Reads a record with absolute paths.
    pub(crate) fn read<T: Placed>(&self, file: &Path) -> Result<T, StoreError> {
        let (mut record, Earlier { store }): (T, Earlier) = read_record_and(file, T::FORMAT..=T::FORMAT)?;
        let earlier = store.filter(|store| *store != self.root).map(|store| Self::of(&store));
        record.replace_paths(&|path| self.found(path, earlier.as_ref()));
        Ok(record)
    }

    /// Returns a path as records have it.
    fn recorded(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix(&self.root), path.strip_prefix(&self.around)) {
            (Ok(below), _) if below.as_os_str().is_empty() => PathBuf::from("."),
            (Ok(below), _) => below.to_path_buf(),
            (Err(_), Ok(beside)) => Path::new("..").join(beside),
            (Err(_), Err(_)) => path.to_path_buf(),
        }
    }

    /// Returns the absolute path that a recorded one stands for.
    fn found(&self, path: &Path, earlier: Option<&Self>) -> PathBuf {
        let here = self.absolute(path);
        match earlier.map(|earlier| earlier.absolute(path)) {
            Some(there) if there != here && !is_there(&here) && is_there(&there) => there,
            _ => here,
        }
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        if path == Path::new(".") {
            return self.root.clone();
        }
        match path.strip_prefix("..") {
            Ok(beside) => self.around.join(beside),
            Err(_) => self.root.join(path),
        }
    }
}

impl Store {
    /// Returns the folder that holds the store. Paths below it are relative in records.
    pub fn surroundings(&self) -> PathBuf {
        Paths::of(self.root()).around
    }
}

/// Checks whether there is something at a path, or a folder that its glob is about.
fn is_there(path: &Path) -> bool {
    let (folder, pattern) = split_glob(path);
    path.exists() || (!pattern.as_os_str().is_empty() && folder.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beside_the_store_moves_with_it_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let project = fs::canonicalize(folder.path()).unwrap().join("project");
        fs::create_dir_all(project.join("runs")).unwrap();
        let before = Paths::of(&project.join("runs"));
        let moved = project.with_file_name("elsewhere");
        let paths = ["data/images", "runs/base/run/model", "runs", "data/**/*.png"];
        let recorded: Vec<PathBuf> = paths.iter().map(|path| before.recorded(&project.join(path))).collect();
        assert_eq!(
            recorded,
            ["../data/images", "base/run/model", ".", "../data/**/*.png"].map(PathBuf::from)
        );
        fs::rename(&project, &moved).unwrap();
        let after = Paths::of(&moved.join("runs"));
        for (path, recorded) in paths.iter().zip(&recorded) {
            assert_eq!(after.found(recorded, Some(&before)), moved.join(path));
        }
        let outside = Path::new("/srv/images");
        assert_eq!(before.recorded(outside), outside);
        assert_eq!(after.found(outside, Some(&before)), outside);
    }

    #[test]
    fn a_store_that_moves_alone_finds_what_stayed_behind() {
        let folder = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(folder.path()).unwrap();
        for made in ["project/data", "project/runs", "big/disk"] {
            fs::create_dir_all(home.join(made)).unwrap();
        }
        let before = Paths::of(&home.join("project/runs"));
        let globs = ["project/data", "project/data/*.png"].map(|path| home.join(path));
        let recorded = globs.clone().map(|path| before.recorded(&path));
        fs::rename(home.join("project/runs"), home.join("big/disk/runs")).unwrap();
        let after = Paths::of(&home.join("big/disk/runs"));
        assert_eq!(recorded.each_ref().map(|path| after.found(path, Some(&before))), globs);
        // Once it has followed, it is found beside the store again.
        fs::rename(home.join("project/data"), home.join("big/disk/data")).unwrap();
        assert_eq!(after.found(&recorded[0], Some(&before)), home.join("big/disk/data"));
    }

    #[test]
    fn a_store_behind_a_link_has_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir_all(home.join("disk/runs/tuned/run")).unwrap();
        fs::create_dir_all(home.join("project")).unwrap();
        std::os::unix::fs::symlink(home.join("disk/runs"), home.join("project/runs")).unwrap();
        let through = Paths::around(&home.join("project/runs/tuned/run"));
        assert_eq!(through, Paths::of(&home.join("disk/runs")));
        let data = home.join("project/data");
        assert_eq!(through.recorded(&data), data, "it does not lie beside the real store");
    }

    #[test]
    fn a_store_at_the_top_of_the_file_system_is_beside_nothing() {
        let paths = Paths::of(Path::new("/no-such-store"));
        assert_eq!(paths.recorded(Path::new("/data")), Path::new("/data"));
        assert_eq!(paths.recorded(Path::new("/no-such-store/a/b")), Path::new("a/b"));
    }
}
