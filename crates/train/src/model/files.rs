//! Reads and writes the safetensors files of a run.

use std::io::Write;
use std::path::Path;

use cliptune_clip::checkpoint::{FloatKind, safetensors_header};
use cliptune_durable::AtomicFile;
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use tch::{Device, Kind, Tensor};

use super::parameters::torch_shape;
use crate::error::TrainError;

/// The number of elements that are copied out of a tensor at once when it is written: 4 MiB.
const CHUNK: usize = 1 << 20;

/// Reads one tensor of a parsed file as f32, and checks that it has the given shape.
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

/// Parses the tensors in a file's bytes.
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

/// Writes tensors by name, with an optional note in the header. The file appears complete or not at all.
///
/// Besides the tensors themselves, no more than a chunk of elements is in memory.
pub fn save<'a>(
    path: &Path,
    tensors: impl IntoIterator<Item = (String, &'a Tensor)>,
    note: Option<(&str, String)>,
) -> Result<(), TrainError> {
    let mut tensors: Vec<_> = tensors.into_iter().collect();
    // This is the order of the safetensors library for tensors that all have one type.
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut file = AtomicFile::create(path)?;
    let shapes: Vec<Vec<usize>> = tensors.iter().map(|(_, tensor)| shape(tensor)).collect();
    let entries = tensors.iter().zip(&shapes);
    let entries = entries.map(|((name, _), shape)| (name.as_str(), FloatKind::F32, shape.as_slice()));
    file.write_all(&safetensors_header(path, entries, note)?)?;
    for (_, tensor) in tensors {
        write_elements(&mut file, tensor)?;
    }
    Ok(file.commit()?)
}

fn shape(tensor: &Tensor) -> Vec<usize> {
    tensor.size().iter().map(|&size| size as usize).collect()
}

/// Writes a tensor's elements as little-endian f32, row by row.
fn write_elements(out: &mut impl Write, tensor: &Tensor) -> Result<(), TrainError> {
    let elements = tensor.f_detach()?.f_contiguous()?.f_view(-1)?;
    let mut buffer = vec![0; tensor.numel().min(CHUNK) * size_of::<f32>()];
    for start in (0..tensor.numel()).step_by(CHUNK) {
        let count = CHUNK.min(tensor.numel() - start);
        let chunk = elements.f_narrow(0, start as i64, count as i64)?.f_to_device(Device::Cpu)?;
        let bytes = &mut buffer[..count * size_of::<f32>()];
        chunk.f_copy_data_u8(bytes, count)?;
        out.write_all(bytes)?;
    }
    Ok(())
}
