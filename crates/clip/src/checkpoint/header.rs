//! Reads the header of a safetensors file, which says what the file holds and where.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use super::error::CheckpointError;
use cliptune_durable::open_regular;

/// The size in bytes of the number that gives the length of the header.
const LENGTH_BYTES: usize = 8;

/// The longest header that the format allows, in bytes.
const LONGEST_HEADER: u64 = 100_000_000;

/// The description of one tensor in a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// The type of the tensor's numbers, or the name of the type if it is not a float.
    pub(super) kind: Result<FloatKind, String>,
    pub(super) shape: Vec<usize>,
    /// The position of the first byte, counted from the start of the file.
    pub(super) offset: u64,
}

/// The floating-point types that files can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatKind {
    /// 64-bit floats.
    F64,
    /// 32-bit floats.
    F32,
    /// 16-bit floats in IEEE half precision.
    F16,
    /// 16-bit floats that are the upper half of a 32-bit float (bfloat16).
    Bf16,
}

impl FloatKind {
    /// Returns the size of one number in bytes.
    pub fn bytes(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    fn dtype(self) -> Dtype {
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

/// Reads the header of a file and nothing else.
pub(super) fn read(path: &Path) -> Result<Vec<(String, Entry)>, CheckpointError> {
    let damaged = |reason: String| CheckpointError::Damaged { path: path.to_owned(), reason };
    let mut file = open_regular(path)?;
    let size = file.metadata()?.len();
    let mut start = Vec::new();
    file.by_ref().take(LENGTH_BYTES as u64).read_to_end(&mut start)?;
    let Ok(length) = <[u8; LENGTH_BYTES]>::try_from(start.as_slice()) else {
        return Err(damaged(format!("it has {size} bytes")));
    };
    let length = u64::from_le_bytes(length);
    // The length is whatever the file claims, and it decides how much is read into memory.
    if length > LONGEST_HEADER {
        return Err(damaged(format!("its header would have {length} bytes")));
    }
    if length > size.saturating_sub(LENGTH_BYTES as u64) {
        return Err(damaged(format!("it ends within its header: {size} bytes, the header has {length}")));
    }
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header)?;
    // Checks that the tensors follow each other without gaps and that their lengths match their shapes and types.
    // `SafeTensors::read_metadata` checks this too, but it needs the whole file in memory.
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

/// Returns everything that precedes the data of a safetensors file: the length of the header in eight bytes, then the
/// header itself, padded with spaces so that the data starts at a multiple of eight bytes.
///
/// The data of the tensors must follow in the given order. `note` is stored beside the tensors in the header.
///
/// # Errors
/// Fails when the sizes are impossible; the error names the file.
pub fn safetensors_header<'a>(
    path: &Path,
    tensors: impl IntoIterator<Item = (&'a str, FloatKind, &'a [usize])>,
    note: Option<(&str, String)>,
) -> Result<Vec<u8>, CheckpointError> {
    let failed = |reason: String| CheckpointError::Damaged { path: path.to_owned(), reason };
    let mut end = 0;
    let info = |(name, kind, shape): (&str, FloatKind, &[usize])| {
        let start = end;
        end += shape.iter().product::<usize>() * kind.bytes();
        let info = TensorInfo { dtype: kind.dtype(), shape: shape.to_vec(), data_offsets: (start, end) };
        (name.to_owned(), info)
    };
    let tensors = tensors.into_iter().map(info).collect();
    // transformers refuses a file that does not say which framework wrote it.
    let mut notes = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    notes.extend(note.map(|(key, value)| (key.to_owned(), value)));
    let metadata = Metadata::new(Some(notes), tensors).map_err(|error| failed(error.to_string()))?;
    let mut text = serde_json::to_vec(&metadata).map_err(|error| failed(error.to_string()))?;
    text.resize(text.len().next_multiple_of(LENGTH_BYTES), b' ');
    Ok([&(text.len() as u64).to_le_bytes(), text.as_slice()].concat())
}
