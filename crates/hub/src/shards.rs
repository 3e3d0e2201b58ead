//! Reads the index of a model whose weights are spread over several files.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use cliptune_durable::read_regular;
use serde::Deserialize;
use serde_json::Value;

use crate::error::{HubError, Result};
use crate::file_name::FileName;

/// The largest number of shards that a model may have; the largest models have hundreds.
const MOST: usize = 10_000;
/// The largest index that is read, in bytes.
const LONGEST: u64 = 64 << 20;

#[derive(Deserialize)]
struct Index {
    /// The name of the file that each weight is in, by the weight's name.
    weight_map: HashMap<String, Value>,
}

/// Returns the files that an index on disk names, each of them once, in sorted order.
pub(crate) fn shards(path: &Path) -> Result<Vec<FileName>> {
    let malformed = |reason: String| HubError::Index { path: path.to_owned(), reason };
    let bytes = read_regular(path, LONGEST)?;
    let index: Index = serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
    let mut files = BTreeSet::new();
    for (weight, file) in &index.weight_map {
        let file = file.as_str().ok_or_else(|| malformed(format!("{weight} is in no file")))?;
        if !file.ends_with(".safetensors") {
            return Err(malformed(format!("{weight} is in {file:?}, which is no safetensors file")));
        }
        files.insert(file.parse::<FileName>()?);
    }
    match files.len() {
        0 => Err(malformed("it names no file".to_owned())),
        1..=MOST => Ok(files.into_iter().collect()),
        _ => Err(malformed(format!("it names more than {MOST} files"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Result<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors.index.json");
        fs_err::write(&path, json).unwrap();
        Ok(shards(&path)?.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn every_file_is_named_once_and_in_order() {
        let json =
            r#"{"metadata":{},"weight_map":{"a":"2.safetensors","b":"1.safetensors","c":"2.safetensors"}}"#;
        assert_eq!(of(json).unwrap(), ["1.safetensors", "2.safetensors"]);
    }

    #[test]
    fn an_index_cannot_name_files_outside_the_snapshot() {
        for name in ["../../../x.safetensors", "/etc/x.safetensors", "a\\\\..\\\\x.safetensors"] {
            let error = of(&format!(r#"{{"weight_map":{{"a":"{name}"}}}}"#)).unwrap_err();
            assert!(matches!(error, HubError::FileName { .. }), "{name}: {error}");
        }
    }

    #[test]
    fn an_index_that_is_none_is_refused() {
        for json in [
            "",
            "[]",
            "{}",
            r#"{"weight_map":{}}"#,
            r#"{"weight_map":{"a":1}}"#,
            r#"{"weight_map":{"a":"x.bin"}}"#,
        ] {
            assert!(matches!(of(json), Err(HubError::Index { .. })), "{json}");
        }
    }
}
