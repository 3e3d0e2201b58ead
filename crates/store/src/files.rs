//! Files that are complete or absent, whatever happens while they are written.

use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

use crate::error::StoreError;

/// What unfinished files and folders are called. Readers skip names with a leading dot.
pub(crate) const UNFINISHED: &str = ".unfinished-";

/// Writes a file that is complete or absent: a crash or a full disk leaves the previous file, if any.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes)?;
    file.commit()
}

/// A file that gets its name when it is complete, for what is too large to be held in memory as a whole.
///
/// Dropped without [`commit`](Self::commit), it leaves the previous file, if any.
#[derive(Debug)]
pub struct AtomicFile {
    file: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl AtomicFile {
    /// Begins a file that will have this name.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        // In the same folder, because a rename is only atomic within one file system.
        let file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            // What the umask leaves of it, as for any file; the default of temporary files is 0600.
            .permissions(std::fs::Permissions::from_mode(0o666))
            .tempfile_in(parent(path))
            .map_err(|error| at(path, &error))?;
        Ok(Self { file: BufWriter::new(file), path: path.to_path_buf() })
    }

    /// Gives the file its name once its contents are on disk.
    pub fn commit(self) -> Result<(), StoreError> {
        let Self { file, path } = self;
        let file = file.into_inner().map_err(|failed| at(&path, failed.error()))?;
        file.as_file().sync_all().map_err(|error| at(&path, &error))?;
        file.persist(&path).map_err(|failed| at(&path, &failed.error))?;
        sync_folder(parent(&path))
    }
}

/// Errors name the file.
impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|error| named(&self.path, &error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().map_err(|error| named(&self.path, &error))
    }
}

/// Makes `link` lead to `original`, a path relative to the link's folder; a copy where the file system has no links.
///
/// Replaces what has that name.
pub(crate) fn link_or_copy(original: &Path, link: &Path) -> Result<(), StoreError> {
    let folder = parent(link);
    let linked = tempfile::Builder::new().prefix(UNFINISHED).make_in(folder, |path| symlink(original, path));
    match linked {
        Ok(made) => {
            made.persist(link).map_err(|failed| at(link, &failed.error))?;
            sync_folder(folder)
        }
        Err(_) => copy(&folder.join(original), link),
    }
}

fn copy(original: &Path, path: &Path) -> Result<(), StoreError> {
    let mut file = AtomicFile::create(path)?;
    io::copy(&mut fs::File::open(original)?, &mut file)?;
    file.commit()
}

/// Removes what processes that were killed have left unfinished in a folder that nobody else writes to.
pub fn remove_unfinished(folder: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Writes a record as indented JSON; complete or absent.
pub fn write_json(path: &Path, record: &impl Serialize) -> Result<(), StoreError> {
    let mut text = serde_json::to_vec_pretty(record)
        .map_err(|source| StoreError::Json { path: path.to_path_buf(), source })?;
    text.push(b'\n');
    write_atomic(path, &text)
}

/// Reads a JSON record.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, StoreError> {
    let text = fs::read(path)?;
    serde_json::from_slice(&text).map_err(|source| StoreError::Json { path: path.to_path_buf(), source })
}

/// Makes names in a folder durable: after a rename the file's new name is only on disk when its folder is.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    Ok(fs::File::open(folder)?.sync_all()?)
}

/// The folder of a file; of a bare name, the current one.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn at(path: &Path, error: &io::Error) -> StoreError {
    named(path, error).into()
}

/// A failed write with the path in its message, as fs-err words it.
fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("failed to write file `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it's a \"record\";.json");
        write_json(&path, &[1, 2]).unwrap();
        write_json(&path, &[3]).unwrap();
        assert_eq!(read_json::<Vec<u8>>(&path).unwrap(), [3]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        // A folder under the final name makes the rename fail after everything was written.
        let path = folder.path().join("run.json");
        fs::create_dir(&path).unwrap();
        let error = write_atomic(&path, b"new").unwrap_err();
        assert!(error.to_string().contains("run.json"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_given_up_leaves_the_old_one_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        write_atomic(&path, b"old").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

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

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in [".unfinished-Ab12", ".hidden", "last.safetensors"] {
            fs::write(path(name), "x").unwrap();
        }
        remove_unfinished(folder.path()).unwrap();
        let left = [".unfinished-Ab12", ".hidden", "last.safetensors"].map(|name| path(name).exists());
        assert_eq!(left, [false, true, true]);
    }

    #[test]
    fn a_damaged_record_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        fs::write(&path, "{").unwrap();
        let error = read_json::<Vec<u8>>(&path).unwrap_err();
        assert_eq!(error.to_string(), format!("damaged record {}", path.display()));
    }
}
