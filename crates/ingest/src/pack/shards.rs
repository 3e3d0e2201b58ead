//! The shards of a split.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use cliptune_experiment::Split;
use cliptune_terminal::format;
use fs_err::File;
use serde::{Deserialize, Serialize};
use tar::{Builder, EntryType, Header};

use super::sample::Sample;
use crate::error::IngestError;

/// The size that a shard has at most, unless one sample alone is larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ShardSize(u64);

impl FromStr for ShardSize {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        format::parse_bytes(written)
            .map(Self)
            .ok_or_else(|| "expected a size such as 500MB or 2GB".to_owned())
    }
}

/// A finished shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shard {
    pub(super) name: String,
    pub(super) samples: u64,
    pub(super) bytes: u64,
    /// The BLAKE3 of the file, in 64 hexadecimal digits.
    pub(super) blake3: String,
}

/// The shard that is being written.
struct Open {
    archive: Builder<Hashed>,
    name: String,
    samples: u64,
}

/// The shards of a split in a folder.
pub(super) struct Shards {
    folder: PathBuf,
    split: Split,
    size: ShardSize,
    open: Option<Open>,
    finished: Vec<Shard>,
}

impl Shards {
    pub(super) fn new(folder: &Path, split: Split, size: ShardSize) -> Self {
        Self { folder: folder.to_path_buf(), split, size, open: None, finished: Vec::new() }
    }

    /// Writes a sample into the current shard, or into a new one if it is full.
    pub(super) fn append(&mut self, sample: &Sample) -> Result<(), IngestError> {
        let is_full = |open: &Open| open.archive.get_ref().bytes + sample.packed_bytes() > self.size.0;
        if self.open.as_ref().is_some_and(is_full) {
            self.close()?;
        }
        if self.open.is_none() {
            self.open = Some(self.begin()?);
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        for (name, bytes) in sample.members() {
            open.archive.append(&header(&name, bytes.len())?, bytes)?;
        }
        open.samples += 1;
        Ok(())
    }

    fn begin(&self) -> Result<Open, IngestError> {
        let name = format!("{}-{:06}.tar", self.split, self.finished.len());
        let file = File::create(self.folder.join(&name))?;
        let hashed = Hashed { file, hasher: blake3::Hasher::new(), bytes: 0 };
        Ok(Open { archive: Builder::new(hashed), name, samples: 0 })
    }

    fn close(&mut self) -> Result<(), IngestError> {
        let Some(Open { archive, name, samples }) = self.open.take() else { return Ok(()) };
        let Hashed { hasher, bytes, .. } = archive.into_inner()?;
        self.finished.push(Shard { name, samples, bytes, blake3: hasher.finalize().to_hex().to_string() });
        Ok(())
    }

    /// Returns the shards that were written.
    pub(super) fn finish(mut self) -> Result<Vec<Shard>, IngestError> {
        self.close()?;
        Ok(self.finished)
    }
}

/// Returns a header that says nothing of who packed when.
fn header(name: &str, size: usize) -> Result<Header, IngestError> {
    let mut header = Header::new_ustar();
    header.set_path(name)?;
    header.set_entry_type(EntryType::Regular);
    header.set_size(size as u64);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    Ok(header)
}

/// A file whose content is hashed as it is written.
struct Hashed {
    file: File,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl std::io::Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_unit() {
        for (written, size) in
            [("1B", 1), ("500MB", 500_000_000), ("2 GB", 2_000_000_000), ("1TB", 1_000_000_000_000)]
        {
            assert_eq!(written.parse(), Ok(ShardSize(size)), "{written}");
        }
        for written in ["", "5", "0MB", "-1GB", "1.5GB", "1PB", "99999999999999GB", "MB"] {
            assert!(written.parse::<ShardSize>().is_err(), "{written}");
        }
    }
}
