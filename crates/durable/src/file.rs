//! Files that are either complete or absent.

use std::fs::Permissions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use tempfile::NamedTempFile;

use crate::error::{DurableError, named};
use crate::names::{parent, sync_folder, unfinished_prefix};

/// The permissions before the umask is applied, as for any file. Temporary files would be private to their owner.
const MODE: u32 = 0o666;

/// Writes a file that is either complete or absent: a crash or a full disk leaves the previous file, if there is one.
///
/// # Errors
/// When the file cannot be written; the message names it.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), DurableError> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes)?;
    file.commit()
}

/// Writes a file that is either complete or absent to other processes, without waiting for the disk. After a crash of the
/// machine its content may be anything: it is for files that have a checksum and can be made again, and for those in a
/// [`StagedFolder`](crate::StagedFolder), which puts all that is in it on disk before it gets its name.
///
/// # Errors
/// When the file cannot be written; the message names it.
pub fn write_remade(path: &Path, bytes: &[u8]) -> Result<(), DurableError> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes)?;
    let file = file.file.into_inner().map_err(|failed| named(path, failed.error()))?;
    file.persist(path).map_err(|failed| named(path, &failed.error))?;
    Ok(())
}

/// Moves a complete file to its final place in the same file system, once its contents are on disk.
///
/// # Errors
/// When the file cannot be read or renamed.
pub fn publish(complete: &Path, place: &Path) -> Result<(), DurableError> {
    fs::File::open(complete)?.sync_all()?;
    fs::rename(complete, place)?;
    sync_folder(parent(place))
}

/// A file that gets its name only when it is complete, for contents that are too large to be held in memory.
///
/// If it is dropped without [`commit`](Self::commit), the previous file stays, if there is one.
#[derive(Debug)]
pub struct AtomicFile {
    file: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl AtomicFile {
    /// Starts a file that will have the name `path`.
    ///
    /// # Errors
    /// When nothing can be written into the file's folder.
    pub fn create(path: &Path) -> Result<Self, DurableError> {
        // The temporary file is in the same folder because a rename is only atomic within one file system.
        let file = tempfile::Builder::new()
            .prefix(unfinished_prefix())
            .permissions(Permissions::from_mode(MODE))
            .tempfile_in(parent(path))
            .map_err(|error| named(path, &error))?;
        // Tells other processes that this one works on the file. File systems without locks go without.
        let _ = file.as_file().lock_shared();
        Ok(Self { file: BufWriter::new(file), path: path.to_path_buf() })
    }

    /// Gives the file its name once its contents are on disk.
    ///
    /// # Errors
    /// When the rest of the file cannot be written, or the file cannot be renamed.
    pub fn commit(self) -> Result<(), DurableError> {
        self.complete()?.publish()
    }

    /// Puts the contents on disk without giving the file its name yet. If several files belong together, none of them
    /// gets its name before all are complete.
    ///
    /// # Errors
    /// When the rest of the file cannot be written.
    pub fn complete(self) -> Result<CompleteFile, DurableError> {
        let Self { file, path } = self;
        let file = file.into_inner().map_err(|failed| named(&path, failed.error()))?;
        file.as_file().sync_all().map_err(|error| named(&path, &error))?;
        Ok(CompleteFile { file, path })
    }
}

/// The errors name the file.
impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|error| named(&self.path, &error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().map_err(|error| named(&self.path, &error))
    }
}

/// A file whose contents are on disk and which only lacks its name. Dropping it removes it.
#[derive(Debug)]
pub struct CompleteFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl CompleteFile {
    /// Gives the file its name, replacing the previous file, if there is one.
    ///
    /// # Errors
    /// When the file cannot be renamed.
    pub fn publish(self) -> Result<(), DurableError> {
        let Self { file, path } = self;
        file.persist(&path).map_err(|failed| named(&path, &failed.error))?;
        sync_folder(parent(&path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it's a \"record\";.json");
        write_atomic(&path, b"[1, 2]").unwrap();
        write_atomic(&path, b"[3]").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"[3]");
        write_remade(&path, b"[4]").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"[4]");
        assert_eq!(count(folder.path()), 1);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        // A folder with the final name makes the rename fail after everything has been written.
        let path = folder.path().join("run.json");
        fs::create_dir(&path).unwrap();
        for write in [write_atomic, write_remade] {
            let error = write(&path, b"new").unwrap_err();
            assert!(error.to_string().contains("run.json"), "{error}");
        }
        assert_eq!(count(folder.path()), 1);
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
        assert_eq!(count(folder.path()), 1);
    }

    #[test]
    fn a_complete_file_has_no_name_before_it_is_published() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.onnx");
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"whole").unwrap();
        let complete = file.complete().unwrap();
        assert!(!path.exists());
        complete.publish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(count(folder.path()), 1);
    }

    #[test]
    fn a_complete_file_moves_to_its_place_and_leaves_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let [partial, place] = ["partial", "place"].map(|name| folder.path().join(name));
        fs::write(&partial, "whole").unwrap();
        fs::write(&place, "old").unwrap();
        publish(&partial, &place).unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"whole");
        assert_eq!(count(folder.path()), 1);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_atomic(&folder.path().join("missing/run.json"), b"").unwrap_err();
        assert!(error.to_string().contains("missing/run.json"), "{error}");
    }
}
