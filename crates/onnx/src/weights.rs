//! The weights of a model where they lie: a safetensors file that graphs refer to.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use cliptune_clip::ClipConfig;
use cliptune_clip::checkpoint::{Checkpoint, Fills, FloatKind, StoredWeight, WEIGHTS_FILE};

use crate::error::OnnxError;

/// A safetensors file with all weights of a configuration as f32, one tensor for each.
///
/// Only its header is in memory. A graph has the place of a weight in it instead of the weight.
#[derive(Debug)]
pub(crate) struct WeightFile {
    path: PathBuf,
    weights: HashMap<String, StoredWeight>,
}

impl WeightFile {
    /// Reads the header of the weights in a folder and checks that every weight of the configuration is there.
    pub(crate) fn open(folder: &Path, config: &ClipConfig) -> Result<Self, OnnxError> {
        let path = folder.join(WEIGHTS_FILE);
        let checkpoint = Checkpoint::open_file(&path, config)?;
        let weight = |weight: &StoredWeight| match &weight.fills {
            Fills::Whole(name) if weight.kind == FloatKind::F32 => Ok((name.clone(), weight.clone())),
            _ => Err(OnnxError::Layout { path: path.clone() }),
        };
        let weights = checkpoint.weights().iter().map(weight).collect::<Result<_, _>>()?;
        Ok(Self { path, weights })
    }

    /// Its name, as graphs beside it refer to it.
    pub(crate) fn name(&self) -> &'static str {
        WEIGHTS_FILE
    }

    /// The shape of a weight.
    pub(crate) fn shape(&self, name: &str) -> Result<&[usize], OnnxError> {
        Ok(&self.weight(name)?.shape)
    }

    /// Where a weight's elements are: the first byte, counted from the file's start, and the number of bytes.
    pub(crate) fn place(&self, name: &str) -> Result<(u64, u64), OnnxError> {
        let weight = self.weight(name)?;
        Ok((weight.offset, (weight.elements() * weight.kind.bytes()) as u64))
    }

    /// The elements of a weight as little-endian f32, row by row.
    pub(crate) fn data(&self, name: &str) -> Result<Vec<u8>, OnnxError> {
        let (offset, bytes) = self.place(name)?;
        let mut data = vec![0; bytes as usize];
        let read = File::open(&self.path).and_then(|file| file.read_exact_at(&mut data, offset));
        read.map_err(|source| OnnxError::Read { path: self.path.clone(), source })?;
        Ok(data)
    }

    /// The value of a weight of one number.
    pub(crate) fn number(&self, name: &str) -> Result<f32, OnnxError> {
        let data = self.data(name)?;
        let one = <[u8; size_of::<f32>()]>::try_from(data.as_slice()).map(f32::from_le_bytes);
        one.map_err(|_| OnnxError::Operand {
            operation: "a number",
            expected: "one element".to_owned(),
            found: format!("{name} with {} bytes", data.len()),
        })
    }

    fn weight(&self, name: &str) -> Result<&StoredWeight, OnnxError> {
        // The towers ask for what `cliptune_clip::weights` lists, and that was checked.
        self.weights.get(name).ok_or_else(|| OnnxError::Unlisted { name: name.to_owned() })
    }
}
