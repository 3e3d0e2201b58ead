//! The header of a safetensors file: what it holds and where.

use std::io::Read;
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::Metadata;

use super::error::CheckpointError;
use crate::files;

/// Bytes of the number that says how long the header is.
pub(super) const LENGTH_BYTES: usize = 8;

/// What the format allows.
const LONGEST_HEADER: u64 = 100_000_000;

/// One tensor of a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// What its numbers are; the name of the type where that is no float.
    pub(super) kind: Result<FloatKind, String>,
    pub(super) shape: Vec<usize>,
    /// From the file's start.
    pub(super) offset: u64,
}

/// Floats as files hold them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatKind {
    /// 64 bits.
    F64,
    /// 32 bits.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of 32 bits.
    Bf16,
}

impl FloatKind {
    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    pub(super) fn dtype(self) -> Dtype {
        match self {
            Self::F64 => Dtype::F64,
            Self::F32 => Dtype::F32,
            Self::F16 => Dtype::F16,
            Self::Bf16 => Dtype::BF16,
        }
    }

    fn of(dtype: Dtype) -> Result<Self, String> {
        match dtype {
            Dtype::F64 => Ok(Self::F64),
            Dtype::F32 => Ok(Self::F32),
            Dtype::F16 => Ok(Self::F16),
            Dtype::BF16 => Ok(Self::Bf16),
            other => Err(format!("{other:?}")),
        }
    }
}

/// Reads the header, and nothing else, of a file.
pub(super) fn read(path: &Path) -> Result<Vec<(String, Entry)>, CheckpointError> {
    let damaged = |reason: String| CheckpointError::Damaged { path: path.to_owned(), reason };
    let mut file = files::open(path)?;
    let size = file.metadata()?.len();
    let mut start = Vec::new();
    file.by_ref().take(LENGTH_BYTES as u64).read_to_end(&mut start)?;
    let Ok(length) = <[u8; LENGTH_BYTES]>::try_from(start.as_slice()) else {
        return Err(damaged(format!("it has {size} bytes")));
    };
    let length = u64::from_le_bytes(length);
    // The length is whatever the file says: it decides how much is read into memory.
    if length > LONGEST_HEADER {
        return Err(damaged(format!("its header would have {length} bytes")));
    }
    if length > size.saturating_sub(LENGTH_BYTES as u64) {
        return Err(damaged(format!("it ends within its header: {size} bytes, the header has {length}")));
    }
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header)?;
    // Checks that tensors follow each other without a gap and that shapes and types give their lengths.
    // `SafeTensors::read_metadata` does, too, and wants the whole file in memory.
    let metadata: Metadata = serde_json::from_slice(&header).map_err(|error| damaged(error.to_string()))?;
    let data = LENGTH_BYTES as u64 + length;
    let wanted = data.saturating_add(metadata.data_len() as u64);
    if size != wanted {
        return Err(damaged(format!("it has {size} bytes where its header says {wanted}")));
    }
    let entry = |name: String| {
        let info = metadata.info(&name)?;
        let kind = FloatKind::of(info.dtype);
        let entry = Entry { kind, shape: info.shape.clone(), offset: data + info.data_offsets.0 as u64 };
        Some((name, entry))
    };
    Ok(metadata.offset_keys().into_iter().filter_map(entry).collect())
}
