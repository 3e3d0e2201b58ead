//! Reads and writes the safetensors files of a run.

use std::io::Write;
use std::path::Path;

use cliptune_clip::checkpoint::{FloatKind, safetensors_header};
use cliptune_durable::AtomicFile;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use tch::{Device, Kind, Tensor};

use super::parameters::torch_shape;
use super::seal::{SEAL, Sealed};
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
    let (view, kind) = view(path, file, name, shape)?;
    Ok(Tensor::f_from_data_size(view.data(), &torch_shape(shape), kind)?
        .f_to_kind(Kind::Float)?
        .f_to_device(device)?)
}

/// Finds one tensor of a parsed file, and checks that it has the given shape.
pub(crate) fn view<'a>(
    path: &Path,
    file: &SafeTensors<'a>,
    name: &str,
    shape: &[usize],
) -> Result<(TensorView<'a>, Kind), TrainError> {
    let wrong = |problem| TrainError::Weight { path: path.to_owned(), name: name.to_owned(), problem };
    let view = file.tensor(name).map_err(|_| wrong("is missing".to_owned()))?;
    if view.shape() != shape {
        return Err(wrong(format!("has shape {:?}, expected {shape:?}", view.shape())));
    }
    let kind =
        kind(view.dtype()).ok_or_else(|| wrong(format!("has type {}, expected a float", view.dtype())))?;
    Ok((view, kind))
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
    let mut file = AtomicFile::create(path)?;
    write(&mut file, path, tensors, None, note)?;
    Ok(file.commit()?)
}

/// Does the same and seals the file, so that whoever reads it can tell whether it is as it was written.
pub(crate) fn save_sealed<'a>(
    path: &Path,
    tensors: impl IntoIterator<Item = (String, &'a Tensor)>,
    note: Option<(&str, String)>,
    before_publishing: impl FnOnce() -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    let mut file = Sealed::new(AtomicFile::create(path)?);
    write(&mut file, path, tensors, Some(SEAL), note)?;
    let complete = file.seal()?.complete()?;
    // The file is large: much can have happened since it was begun.
    before_publishing()?;
    Ok(complete.publish()?)
}

/// Writes all of a file but its last number, if one is named.
fn write<'a>(
    out: &mut impl Write,
    path: &Path,
    tensors: impl IntoIterator<Item = (String, &'a Tensor)>,
    last: Option<&str>,
    note: Option<(&str, String)>,
) -> Result<(), TrainError> {
    let mut tensors: Vec<_> = tensors.into_iter().collect();
    // This is the order of the safetensors library for tensors that all have one type.
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    let shapes: Vec<Vec<usize>> = tensors.iter().map(|(_, tensor)| shape(tensor)).collect();
    let entries = tensors.iter().zip(&shapes);
    let entries = entries.map(|((name, _), shape)| (name.as_str(), FloatKind::F32, shape.as_slice()));
    let entries = entries.chain(last.map(|name| (name, FloatKind::F32, [1].as_slice())));
    out.write_all(&safetensors_header(path, entries, note)?)?;
    tensors.iter().try_for_each(|(_, tensor)| write_elements(out, tensor))
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
