//! Writes a checkpoint in another layout.

use std::io::{self, Write};
use std::path::Path;

use cliptune_durable::{AtomicFile, DurableError};

use super::error::CheckpointError;
use super::header::{FloatKind, safetensors_header};
use super::layout::{Fills, Layout, Tensor};
use super::source::Source;
use super::{Checkpoint, matrix, row_elements};
use crate::config::ClipConfig;

impl Checkpoint {
    /// Writes the weights into one safetensors file, with the names and shapes of a layout. The values and their types
    /// do not change. Tensors that have no place in the model are left out.
    ///
    /// Copies a little at a time, however large the model is. An existing file is replaced once the new one is
    /// complete.
    ///
    /// # Errors
    /// Fails when a file cannot be read or written, or when weights that share a tensor in the layout have different
    /// types.
    pub fn write(&self, config: &ClipConfig, layout: Layout, path: &Path) -> Result<(), CheckpointError> {
        let source = Source::open(self)?;
        let mut tensors = layout
            .tensors(config)
            .into_iter()
            .map(|tensor| Ok((self.kind(&source, &tensor)?, tensor)))
            .collect::<Result<Vec<_>, CheckpointError>>()?;
        // Wider numbers come first, so that each tensor starts at a multiple of its number size.
        tensors.sort_by_key(|(kind, _)| std::cmp::Reverse(kind.bytes()));
        write_file(path, &tensors, |kind, tensor, file| copy(&source, kind, tensor, file))
    }

    /// Returns the type of a tensor's numbers, which all of its weights must share.
    fn kind(&self, source: &Source, tensor: &Tensor) -> Result<FloatKind, CheckpointError> {
        let name = || tensor.name.clone();
        let mut kinds = tensor.fills.weights().iter().flat_map(|weight| source.kinds(weight));
        // Only a layout of another family has a tensor without any weights.
        let missing = || CheckpointError::Missing { path: self.main_file(), name: name() };
        let first = kinds.next().ok_or_else(missing)?;
        match kinds.find(|&kind| kind != first) {
            None => Ok(first),
            Some(second) => Err(CheckpointError::Mixed { name: name(), first, second }),
        }
    }
}

/// Writes a safetensors file with these tensors; `values` writes the numbers of each.
pub(super) fn write_file(
    path: &Path,
    tensors: &[(FloatKind, Tensor)],
    mut values: impl FnMut(FloatKind, &Tensor, &mut AtomicFile) -> Result<(), CheckpointError>,
) -> Result<(), CheckpointError> {
    let entries = tensors.iter().map(|(kind, tensor)| (tensor.name.as_str(), *kind, tensor.shape.as_slice()));
    let header = safetensors_header(path, entries, None)?;
    let failed = |error: DurableError| CheckpointError::Write(io::Error::from(error));
    let mut file = AtomicFile::create(path).map_err(failed)?;
    file.write_all(&header).map_err(CheckpointError::Write)?;
    for (kind, tensor) in tensors {
        values(*kind, tensor, &mut file)?;
    }
    file.commit().map_err(failed)
}

fn copy(
    source: &Source,
    kind: FloatKind,
    tensor: &Tensor,
    to: &mut impl Write,
) -> Result<(), CheckpointError> {
    match &tensor.fills {
        Fills::Whole(weight) => source.copy(weight, 0..source.len(weight), to),
        Fills::Transposed(weight) => {
            // The axes of the weight are those of the tensor the other way round.
            let [rows, columns] = matrix(&tensor.shape);
            source.copy_exchanged(weight, [columns, rows], kind, to)
        }
        Fills::Stacked(weights) => {
            weights.iter().try_for_each(|weight| source.copy(weight, 0..source.len(weight), to))
        }
        Fills::Rows { weight, first } => {
            let start = first * row_elements(&tensor.shape);
            source.copy(weight, start..start + tensor.elements(), to)
        }
    }
}
