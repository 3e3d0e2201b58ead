//! Gives a file a second name.

use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use fs_err as fs;

use crate::error::{DurableError, named};
use crate::file::AtomicFile;
use crate::names::{parent, sync_folder, unfinished_prefix};

/// Makes `link` lead to `original`, a path relative to the link's folder. Where the file system has no links, a copy is
/// made.
///
/// Anything that already has the link's name is replaced.
///
/// # Errors
/// When neither a link nor a copy can be made.
pub fn link_or_copy(original: &Path, link: &Path) -> Result<(), DurableError> {
    let folder = parent(link);
    let mut builder = tempfile::Builder::new();
    let linked = builder.prefix(unfinished_prefix()).make_in(folder, |path| symlink(original, path));
    match linked {
        Ok(made) => {
            made.persist(link).map_err(|failed| named(link, &failed.error))?;
            sync_folder(folder)
        }
        Err(_) => copy(&folder.join(original), link),
    }
}

fn copy(original: &Path, path: &Path) -> Result<(), DurableError> {
    let mut file = AtomicFile::create(path)?;
    io::copy(&mut fs::File::open(original)?, &mut file)?;
    file.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_replaces_what_was_there_and_survives_a_moved_folder() {
        let root = tempfile::tempdir().unwrap();
        let [run, moved] = ["run", "moved"].map(|name| root.path().join(name));
        for folder in ["model", "onnx"] {
            fs::create_dir_all(run.join(folder)).unwrap();
        }
        fs::write(run.join("onnx/weights"), "new").unwrap();
        fs::write(run.join("model/weights"), "old").unwrap();
        link_or_copy(Path::new("../onnx/weights"), &run.join("model/weights")).unwrap();
        fs::rename(&run, &moved).unwrap();
        assert_eq!(fs::read(moved.join("model/weights")).unwrap(), b"new");
        assert!(fs::symlink_metadata(moved.join("model/weights")).unwrap().is_symlink());
        assert_eq!(fs::read_dir(moved.join("model")).unwrap().count(), 1);
    }

    #[test]
    fn a_copy_is_as_good_as_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let [original, path] = ["original", "copy"].map(|name| folder.path().join(name));
        fs::write(&original, "weights").unwrap();
        copy(&original, &path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"weights");
    }
}
