//! Reads and writes records, the JSON files of the store. Each has a checksum, so that a changed byte leads to an
//! error and never to a different number.
//!
//! A record begins with `{` and a line `"checksum": "…"`, and continues as indented JSON. The checksum is the BLAKE3
//! of every byte after its line.

use std::ops::RangeInclusive;
use std::path::Path;

use cliptune_durable::{write_atomic, write_remade};
use cliptune_terminal::format::harmless_json;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Damage, StoreError};
use crate::regular::read_file;

const START: &[u8] = b"{\n";
const HEAD: &[u8] = b"{\n  \"checksum\": \"";
const MIDDLE: &[u8] = b"\",\n";
/// The number of hexadecimal digits of a checksum.
const DIGITS: usize = 64;

/// The version that every record contains.
#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

/// Writes a record, which is either complete or absent. It must be a JSON object with a field `format_version`.
pub(crate) fn write_record(path: &Path, record: &impl Serialize) -> Result<(), StoreError> {
    Ok(write_atomic(path, &written(path, record)?)?)
}

/// Writes a record into a folder that is staged. The disk is not waited for: the folder gets its name once all that is in it
/// is on disk.
pub(crate) fn stage_record(path: &Path, record: &impl Serialize) -> Result<(), StoreError> {
    Ok(write_remade(path, &written(path, record)?)?)
}

/// Returns the bytes of the file of a record.
fn written(path: &Path, record: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let text = serde_json::to_string_pretty(record)
        .map_err(|source| StoreError::Json { path: path.to_path_buf(), source })?;
    // People look at records in terminals, and texts of strangers are in some.
    let text = harmless_json(&text);
    let body = [text.as_bytes().strip_prefix(START).unwrap_or(text.as_bytes()), b"\n"].concat();
    let checksum = blake3::hash(&body).to_hex();
    Ok([HEAD, checksum.as_bytes(), MIDDLE, &body].concat())
}

/// Reads a record that has the version that this program writes.
///
/// # Errors
/// Returns an error when the record is missing, has changed since it was written, or is of another version.
pub(crate) fn read_record<T: DeserializeOwned>(path: &Path, supported: u32) -> Result<T, StoreError> {
    read_versions(path, supported..=supported)
}

/// Reads a record that has one of some versions, all of which this program can make sense of. The last one is the one that
/// it writes.
///
/// # Errors
/// Returns an error when the record is missing, has changed since it was written, or is of another version.
pub(crate) fn read_versions<T: DeserializeOwned>(
    path: &Path,
    versions: RangeInclusive<u32>,
) -> Result<T, StoreError> {
    let (record, Nothing {}) = read_record_and(path, versions)?;
    Ok(record)
}

/// What is read beside a record that has nothing beside it.
#[derive(Deserialize)]
struct Nothing {}

/// Reads a record, and what stands in it beside its own fields.
///
/// # Errors
/// Returns an error when the record is missing, has changed since it was written, or is of another version.
pub(crate) fn read_record_and<T: DeserializeOwned, U: DeserializeOwned>(
    path: &Path,
    versions: RangeInclusive<u32>,
) -> Result<(T, U), StoreError> {
    let text = read_file(path)?;
    let other = |found| StoreError::Version { path: path.to_path_buf(), found, supported: *versions.end() };
    let body = match checked(&text) {
        Ok(body) => body,
        // Earlier versions wrote no checksum.
        Err(Damage::NoChecksum) => match serde_json::from_slice::<Version>(&text) {
            Ok(Version { format_version: found }) if found < *versions.end() => return Err(other(found)),
            _ => return Err(StoreError::damaged(path, Damage::NoChecksum)),
        },
        Err(damage) => return Err(StoreError::damaged(path, damage)),
    };
    let json = [START, body].concat();
    let unreadable = |source| StoreError::damaged(path, Damage::Json(source));
    let Version { format_version: found } = serde_json::from_slice(&json).map_err(unreadable)?;
    match versions.contains(&found) {
        true => Ok((
            serde_json::from_slice(&json).map_err(unreadable)?,
            serde_json::from_slice(&json).map_err(unreadable)?,
        )),
        false => Err(other(found)),
    }
}

/// Returns the bytes that a record's checksum covers, if they match it.
fn checked(text: &[u8]) -> Result<&[u8], Damage> {
    let (checksum, rest) =
        text.strip_prefix(HEAD).and_then(|rest| rest.split_at_checked(DIGITS)).ok_or(Damage::NoChecksum)?;
    let body = rest.strip_prefix(MIDDLE).ok_or(Damage::NoChecksum)?;
    match blake3::hash(body).to_hex().as_bytes() == checksum {
        true => Ok(body),
        false => Err(Damage::Checksum),
    }
}

#[cfg(test)]
mod tests {
    use fs_err as fs;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Record {
        format_version: u32,
        value: f64,
        text: String,
    }

    fn record() -> Record {
        Record { format_version: 2, value: 0.1 + 0.2, text: "it's \"so\"\n漫画\u{9b}2J\u{202e}".to_owned() }
    }

    fn written() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.json");
        write_record(&path, &record()).unwrap();
        (folder, path)
    }

    #[test]
    fn a_record_comes_back_and_is_plain_json() {
        let (_folder, path) = written();
        assert_eq!(read_record::<Record>(&path, 2).unwrap(), record());
        let json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(json["value"], 0.1 + 0.2);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("漫画\\u009b2J\\u202e"), "{text}");
        assert_eq!(json["checksum"].as_str().unwrap().len(), DIGITS);
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_an_error() {
        let (_folder, path) = written();
        let bytes = fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                fs::write(&path, &changed).unwrap();
                assert!(read_record::<Record>(&path, 2).is_err(), "bit {bit} of byte {at}");
            }
            fs::write(&path, &bytes[..at]).unwrap();
            assert!(read_record::<Record>(&path, 2).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_record_of_another_version_is_named_as_such() {
        let (_folder, path) = written();
        let found = |supported| match read_record::<Record>(&path, supported) {
            Err(StoreError::Version { found, .. }) => found,
            other => panic!("{other:?}"),
        };
        assert_eq!(found(3), 2);
        assert_eq!(found(1), 2);
        // The record is written as versions without checksums wrote it.
        fs::write(&path, serde_json::to_vec(&record()).unwrap()).unwrap();
        assert_eq!(found(3), 2);
        let error = read_record::<Record>(&path, 2).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { source: Damage::NoChecksum, .. }), "{error:?}");
    }

    #[test]
    fn a_newer_record_is_refused_by_name_and_never_counts_as_damaged() {
        let (_folder, path) = written();
        let newer = read_record::<Record>(&path, 1).unwrap_err();
        assert!(!newer.is_damage(), "what a newer program wrote is not made again");
        assert!(newer.to_string().contains("a newer cliptune has written it"), "{newer}");
        let older = read_record::<Record>(&path, 3).unwrap_err();
        assert!(
            older.is_damage() && older.to_string().contains("an older cliptune has written it"),
            "{older}"
        );
        assert_eq!(read_versions::<Record>(&path, 1..=3).unwrap(), record());
    }

    #[test]
    fn a_version_that_is_none_is_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.json");
        for version in
            [serde_json::json!("2"), serde_json::json!(-1), serde_json::json!(2.5), serde_json::Value::Null]
        {
            write_record(&path, &serde_json::json!({ "format_version": version, "value": 1.0, "text": "" }))
                .unwrap();
            assert!(read_record::<Record>(&path, 2).unwrap_err().is_damage(), "{version}");
        }
        write_record(&path, &serde_json::json!({ "value": 1.0, "text": "" })).unwrap();
        assert!(read_record::<Record>(&path, 2).unwrap_err().is_damage(), "no version");
        write_record(&path, &serde_json::json!({ "format_version": 0, "value": 1.0, "text": "" })).unwrap();
        assert!(matches!(read_record::<Record>(&path, 2), Err(StoreError::Version { found: 0, .. })));
    }

    #[test]
    fn what_is_no_file_is_damage_and_is_never_opened() {
        let (folder, path) = written();
        fs::remove_file(&path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let error = read_record::<Record>(&path, 2).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { source: Damage::NotAFile, .. }), "{error:?}");
        let error = read_record::<Record>(folder.path(), 2).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { source: Damage::NotAFile, .. }), "{error:?}");
    }
}
