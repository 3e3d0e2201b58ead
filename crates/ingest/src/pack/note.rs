//! What a folder of shards says about itself.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::Path;

use cliptune_experiment::{Split, TaskKind};
use cliptune_store::Dataset;
use cliptune_terminal::format::counted;
use serde::{Deserialize, Serialize};

use super::NOTE;
use super::shards::{Shard, ShardSize};
use crate::error::IngestError;

/// The version of what is packed.
const FORMAT: u32 = 1;

/// What was packed.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Note {
    packing: u32,
    /// The hash of the dataset.
    dataset: String,
    shard_size: ShardSize,
    task: TaskKind,
    /// The classes that labels count, where items have one.
    classes: Vec<String>,
    pub(super) splits: Vec<PackedSplit>,
}

/// The shards of a split.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PackedSplit {
    split: Split,
    shards: Vec<Shard>,
}

impl PackedSplit {
    /// Returns a split, unless it is empty.
    pub(super) fn of(split: Split, shards: Vec<Shard>) -> Option<Self> {
        (!shards.is_empty()).then_some(Self { split, shards })
    }
}

impl Note {
    pub(super) fn new(dataset: &Dataset, shard_size: ShardSize) -> Self {
        let record = dataset.record();
        Self {
            packing: FORMAT,
            dataset: record.hash.clone(),
            shard_size,
            task: record.task,
            classes: record.classes.clone(),
            splits: Vec::new(),
        }
    }

    /// Reads the note of a folder. One that cannot be understood is none.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, IngestError> {
        match fs_err::read(folder.join(NOTE)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), IngestError> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(fs_err::write(folder.join(NOTE), text)?)
    }

    /// Checks whether this is what would be packed.
    pub(super) fn is_of(&self, dataset: &str, shard_size: ShardSize) -> bool {
        self.packing == FORMAT && self.dataset == dataset && self.shard_size == shard_size
    }

    /// Checks whether the shards are as they were written.
    pub(super) fn is_intact(&self, folder: &Path) -> Result<bool, IngestError> {
        for shard in self.shards() {
            let mut hasher = blake3::Hasher::new();
            let Ok(file) = fs_err::File::open(folder.join(&shard.name)) else { return Ok(false) };
            hasher.update_reader(file)?;
            if hasher.finalize().to_hex().as_str() != shard.blake3 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn shards(&self) -> impl Iterator<Item = &Shard> {
        self.splits.iter().flat_map(|split| &split.shards)
    }

    /// Returns the numbers of items and shards in words.
    pub(super) fn counted(&self) -> String {
        let items = self.shards().map(|shard| shard.samples).sum();
        format!("{} in {}", counted(items, "item"), counted(self.shards().count() as u64, "shard"))
    }

    /// Returns a page that says what the folder holds, and how it is read.
    pub(super) fn readme(&self) -> String {
        let mut page = format!(
            "# A dataset in WebDataset shards\n\nWritten by `cliptune ingest --pack` from dataset {}.\n\n",
            &self.dataset[..self.dataset.len().min(12)]
        );
        page.push_str("| split | shards | items |\n|---|---|---|\n");
        for PackedSplit { split, shards } in &self.splits {
            let items: u64 = shards.iter().map(|shard| shard.samples).sum();
            let _ = writeln!(page, "| {split} | {} | {items} |", shards.len());
        }
        let (short, columns) = match self.task {
            TaskKind::Pairs => ("; its caption in `.txt`", "text: text"),
            TaskKind::Classes => (
                "; the number of its class in `.cls`, from 0 in the order of `classes` in `dataset.json`",
                "classes: class",
            ),
            TaskKind::Choice => ("", "choices: choices, label: label"),
        };
        let _ = write!(
            page,
            "\nEach sample is an item: the bytes of its image as they were{short}; and what it is in `.json`, with its texts,\n\
             its label, its group and its identity. `dataset.json` lists the shards with their BLAKE3.\n\n\
             cliptune reads it where it lies, with the same splits:\n\n\
             ```yaml\ndata:\n  images: .\n  columns: {{ {columns}, id: id, group: group }}\n  split: {{ column: split }}\n```\n"
        );
        page
    }
}
