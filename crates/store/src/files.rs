//! Files that are complete or absent, whatever happens while they are written.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fs_err as fs;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreError;

/// What unfinished files and folders are called. Readers skip names with a leading dot.
pub(crate) const UNFINISHED: &str = ".unfinished-";

/// Writes a file that is complete or absent: a crash or a full disk leaves the previous file, if any.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = parent(path);
    // In the same folder, because a rename is only atomic within one file system.
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        // What the umask leaves of it, as for any file; the default of temporary files is 0600.
        .permissions(std::fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(|error| at(path, &error))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(|error| at(path, &error))?;
    file.persist(path).map_err(|failed| at(path, &failed.error))?;
    sync_folder(folder)
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

/// A failed write with the path in its message, as fs-err words it.
fn at(path: &Path, error: &std::io::Error) -> StoreError {
    std::io::Error::new(error.kind(), format!("failed to write file `{}`: {error}", path.display())).into()
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
