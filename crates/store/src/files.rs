//! Reads and writes records as JSON files.

use std::path::Path;

use cliptune_durable::write_atomic;
use cliptune_terminal::format::harmless_json;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreError;
use crate::regular::read_file;

/// Writes a record as indented JSON. The file is either complete or absent.
pub fn write_json(path: &Path, record: &impl Serialize) -> Result<(), StoreError> {
    let text = serde_json::to_string_pretty(record)
        .map_err(|source| StoreError::Json { path: path.to_path_buf(), source })?;
    Ok(write_atomic(path, format!("{}\n", harmless_json(&text)).as_bytes())?)
}

/// Reads a JSON record.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, StoreError> {
    let text = read_file(path)?;
    serde_json::from_slice(&text).map_err(|source| StoreError::Json { path: path.to_path_buf(), source })
}

#[cfg(test)]
mod tests {
    use fs_err as fs;

    use super::*;

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it's a \"record\";.json");
        write_json(&path, &[1, 2]).unwrap();
        write_json(&path, &[3]).unwrap();
        assert_eq!(read_json::<Vec<u8>>(&path).unwrap(), [3]);
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
