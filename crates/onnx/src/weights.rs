//! Locates the weights of a model in the safetensors file that graphs refer to.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use cliptune_clip::ClipConfig;
use cliptune_clip::checkpoint::{Checkpoint, Fills, FloatKind, StoredWeight, WEIGHTS_FILE};

use crate::error::OnnxError;

/// A safetensors file with all weights of a configuration as f32, each of them a tensor of its own.
///
/// Only the file's header is in memory. Graphs store the place of a weight instead of the weight itself.
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

    /// Returns the file's name, which graphs beside it use to refer to it.
    pub(crate) fn name(&self) -> &'static str {
        WEIGHTS_FILE
    }

    /// Returns the shape of a weight.
    pub(crate) fn shape(&self, name: &str) -> Result<&[usize], OnnxError> {
        Ok(&self.weight(name)?.shape)
    }

    /// Returns the place of a weight's elements: the offset from the start of the file and the number of bytes.
    pub(crate) fn place(&self, name: &str) -> Result<(u64, u64), OnnxError> {
        let weight = self.weight(name)?;
        Ok((weight.offset, (weight.elements() * weight.kind.bytes()) as u64))
    }

    /// Returns the elements of a weight as little-endian f32, row by row.
    pub(crate) fn data(&self, name: &str) -> Result<Vec<u8>, OnnxError> {
        let (offset, bytes) = self.place(name)?;
        let mut data = vec![0; bytes as usize];
        let read = File::open(&self.path).and_then(|file| file.read_exact_at(&mut data, offset));
        read.map_err(|source| OnnxError::Read { path: self.path.clone(), source })?;
        Ok(data)
    }

    /// Returns the value of a weight that is a single number.
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
        // The towers only ask for what `cliptune_clip::weights` lists, and all of that was checked.
        self.weights.get(name).ok_or_else(|| OnnxError::Unlisted { name: name.to_owned() })
    }
}
