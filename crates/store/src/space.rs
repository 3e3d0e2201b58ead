//! The space that files take on the disk.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use fs_err as fs;

use crate::error::StoreError;

/// The unit in which the file system counts the space of a file, whatever its blocks are.
const BLOCK: u64 = 512;

/// The files that are to be removed, and what that frees. A file with several hard links counts once, and only when all
/// of its names go: as long as one of them stays, nothing is freed.
#[derive(Clone, Debug, Default)]
pub struct Space {
    files: HashMap<(u64, u64), Names>,
}

/// The names of one file.
#[derive(Clone, Copy, Debug)]
struct Names {
    bytes: u64,
    all: u64,
    going: u64,
}

impl Space {
    /// Adds a file, or a folder with everything below it. Links are not followed: a symbolic link counts itself. What does
    /// not exist takes no space.
    ///
    /// # Errors
    ///
    /// Returns an error when a folder cannot be read.
    pub fn add(&mut self, path: &Path) -> Result<(), StoreError> {
        let mut paths = vec![path.to_path_buf()];
        while let Some(path) = paths.pop() {
            // Another process may be removing the same.
            let Ok(about) = fs::symlink_metadata(&path) else { continue };
            let bytes = about.blocks() * BLOCK;
            if about.is_dir() {
                self.count((about.dev(), about.ino()), Names { bytes, all: 1, going: 1 });
                for entry in fs::read_dir(&path)? {
                    paths.push(entry?.path());
                }
            } else {
                let names = Names { bytes, all: about.nlink(), going: 1 };
                self.count((about.dev(), about.ino()), names);
            }
        }
        Ok(())
    }

    /// Adds what another one has counted.
    pub fn merge(&mut self, other: Self) {
        for (file, names) in other.files {
            self.files.entry(file).and_modify(|known| known.going += names.going).or_insert(names);
        }
    }

    fn count(&mut self, file: (u64, u64), names: Names) {
        self.files.entry(file).and_modify(|known| known.going += 1).or_insert(names);
    }

    /// Returns the bytes on the disk that are free once everything that was added is gone.
    pub fn bytes(&self) -> u64 {
        let freed = self.files.values().filter(|names| names.going >= names.all);
        freed.map(|names| names.bytes).sum()
    }

    /// Returns the bytes that removing these files and folders frees.
    ///
    /// # Errors
    ///
    /// Returns an error when a folder cannot be read.
    pub fn of<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<u64, StoreError> {
        let mut space = Self::default();
        paths.into_iter().try_for_each(|path| space.add(path))?;
        Ok(space.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run's folder with weights that have two names, and the size of these weights on the disk.
    fn run() -> (tempfile::TempDir, u64) {
        let root = tempfile::tempdir().unwrap();
        for part in ["onnx", "model"] {
            fs::create_dir_all(root.path().join("run").join(part)).unwrap();
        }
        let weights = root.path().join("run/onnx/model.safetensors");
        fs::write(&weights, vec![7; 100_000]).unwrap();
        let bytes = fs::metadata(&weights).unwrap().blocks() * BLOCK;
        (root, bytes)
    }

    fn folders(root: &Path) -> u64 {
        let folders = ["run", "run/onnx", "run/model"].map(|name| root.join(name));
        folders.iter().map(|folder| fs::metadata(folder).unwrap().blocks() * BLOCK).sum()
    }

    #[test]
    fn a_symbolic_link_between_model_and_onnx_counts_the_weights_once() {
        let (root, weights) = run();
        std::os::unix::fs::symlink(
            "../onnx/model.safetensors",
            root.path().join("run/model/model.safetensors"),
        )
        .unwrap();
        let run = root.path().join("run");
        let link = fs::symlink_metadata(run.join("model/model.safetensors")).unwrap().blocks() * BLOCK;
        assert_eq!(Space::of([run.as_path()]).unwrap(), weights + link + folders(root.path()));
    }

    #[test]
    fn hard_links_count_once_and_only_when_the_last_one_goes() {
        let (root, weights) = run();
        let run = root.path().join("run");
        fs::hard_link(run.join("onnx/model.safetensors"), run.join("model/model.safetensors")).unwrap();
        assert_eq!(Space::of([run.as_path()]).unwrap(), weights + folders(root.path()));
        let onnx = fs::metadata(run.join("onnx")).unwrap().blocks() * BLOCK;
        assert_eq!(
            Space::of([run.join("onnx").as_path()]).unwrap(),
            onnx,
            "the other name keeps the weights"
        );
        fs::hard_link(run.join("onnx/model.safetensors"), root.path().join("kept")).unwrap();
        assert_eq!(Space::of([run.as_path()]).unwrap(), folders(root.path()));
        assert_eq!(Space::of([root.path().join("missing").as_path()]).unwrap(), 0);
    }
}
