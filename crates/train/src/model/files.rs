//! The safetensors files of a run: checkpoints to continue from, and what is written.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};
use tch::{Device, Kind, Tensor};

use super::parameters::{bytes, torch_shape};
use crate::error::TrainError;

/// Reads one tensor of a parsed file as f32; `shape` is what it has to be.
pub(crate) fn tensor(
    path: &Path,
    file: &SafeTensors<'_>,
    name: &str,
    shape: &[usize],
    device: Device,
) -> Result<Tensor, TrainError> {
    let wrong = |problem| TrainError::Weight { path: path.to_owned(), name: name.to_owned(), problem };
    let view = file.tensor(name).map_err(|_| wrong("is missing".to_owned()))?;
    if view.shape() != shape {
        return Err(wrong(format!("has shape {:?}, expected {shape:?}", view.shape())));
    }
    let kind =
        kind(view.dtype()).ok_or_else(|| wrong(format!("has type {}, expected a float", view.dtype())))?;
    Ok(Tensor::f_from_data_size(view.data(), &torch_shape(shape), kind)?
        .f_to_kind(Kind::Float)?
        .f_to_device(device)?)
}

/// The tensors of a file's bytes.
pub(crate) fn parse<'a>(path: &Path, data: &'a [u8]) -> Result<SafeTensors<'a>, TrainError> {
    SafeTensors::deserialize(data).map_err(|source| TrainError::Safetensors { path: path.to_owned(), source })
}

fn kind(dtype: Dtype) -> Option<Kind> {
    match dtype {
        Dtype::F64 => Some(Kind::Double),
        Dtype::F32 => Some(Kind::Float),
        Dtype::F16 => Some(Kind::Half),
        Dtype::BF16 => Some(Kind::BFloat16),
        _ => None,
    }
}

/// Writes tensors by name, with a note in the header; the file appears complete or not at all.
pub fn save<'a>(
    path: &Path,
    tensors: impl IntoIterator<Item = (String, &'a Tensor)>,
    note: Option<(&str, String)>,
) -> Result<(), TrainError> {
    let broken = |source: SafeTensorError| TrainError::Safetensors { path: path.to_owned(), source };
    let buffers = tensors
        .into_iter()
        .map(|(name, tensor)| {
            let shape: Vec<usize> = tensor.size().iter().map(|&size| size as usize).collect();
            Ok((name, shape, bytes(tensor)?))
        })
        .collect::<Result<Vec<_>, TrainError>>()?;
    let views = buffers
        .iter()
        .map(|(name, shape, data)| Ok((name, TensorView::new(Dtype::F32, shape.clone(), data)?)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(broken)?;
    // transformers refuses a file that does not say what wrote it.
    let mut metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    metadata.extend(note.map(|(key, value)| (key.to_owned(), value)));
    let file = safetensors::serialize(views, Some(metadata)).map_err(broken)?;
    Ok(cliptune_store::write_atomic(path, &file)?)
}
