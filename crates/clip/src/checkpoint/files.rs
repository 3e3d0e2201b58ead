//! Finds the safetensors files of a model folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::error::CheckpointError;

use super::{OPEN_CLIP_WEIGHTS_FILE, WEIGHTS_FILE, WEIGHTS_INDEX_FILE};
use cliptune_durable::read_regular;

/// The largest index file that is read, in bytes. An index has a line for each tensor, of which there are thousands.
const LONGEST_INDEX: u64 = 64 << 20;

/// The part of `model.safetensors.index.json` that is read.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Finds the files that hold the weights. A complete `model.safetensors` takes precedence over shards, and Hugging
/// Face's files take precedence over open_clip's.
pub(super) fn find(folder: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    let (whole, index) = (folder.join(WEIGHTS_FILE), folder.join(WEIGHTS_INDEX_FILE));
    let open_clip = folder.join(OPEN_CLIP_WEIGHTS_FILE);
    if whole.is_file() {
        return Ok(vec![whole]);
    }
    if index.is_file() {
        return shards(folder, &index);
    }
    if open_clip.is_file() {
        return Ok(vec![open_clip]);
    }
    Err(CheckpointError::NoWeights { folder: folder.to_owned() })
}

fn shards(folder: &Path, index: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    let damaged = |reason: String| CheckpointError::Damaged { path: index.to_owned(), reason };
    let parsed: Index = serde_json::from_slice(&read_regular(index, LONGEST_INDEX)?)
        .map_err(|error| damaged(error.to_string()))?;
    let names: BTreeSet<&String> = parsed.weight_map.values().collect();
    if names.is_empty() {
        return Err(damaged("it names no file".to_owned()));
    }
    // The index is untrusted: it may name only files in its own folder.
    let beside = |name: &String| match Path::new(name).components().collect::<Vec<_>>()[..] {
        [Component::Normal(_)] => Ok(folder.join(name)),
        _ => Err(damaged(format!("it names a file elsewhere: {name:?}"))),
    };
    names.into_iter().map(beside).collect()
}
