//! Loads weights from a checkpoint: f32 tensors are mapped, and all others get f32 master copies.

use std::collections::HashMap;
use std::path::Path;

use cliptune_clip::ClipConfig;
use cliptune_clip::checkpoint::{Checkpoint, Fills, FloatKind, StoredWeight};
use cliptune_clip::weights::{WeightSpec, weights};
use tch::{Device, Kind, Tensor};

use super::parameters::{Parameter, Parameters, torch_shape};
use crate::error::TrainError;

/// Reads the weights from a file that cliptune wrote.
pub fn load(path: &Path, config: &ClipConfig, device: Device) -> Result<Parameters, TrainError> {
    load_checkpoint(&Checkpoint::open_file(path, config)?, config, device)
}

/// Loads the weights of a configuration, whatever their layout in the files.
///
/// Files are mapped into memory, and nothing is read before it is needed. The mapping is private: a step that changes a
/// weight changes a copy of its pages, never the file. Half precision is converted to f32, because tch's own loader
/// would keep the file's kind and silently train in it.
pub fn load_checkpoint(
    checkpoint: &Checkpoint,
    config: &ClipConfig,
    device: Device,
) -> Result<Parameters, TrainError> {
    let files = checkpoint.files().iter().map(|path| map(path)).collect::<Result<Vec<_>, _>>()?;
    let mut found: HashMap<String, Vec<(usize, Tensor)>> = HashMap::new();
    for weight in checkpoint.weights() {
        for (name, first, part) in parts(weight, stored(&files[weight.file], weight)?)? {
            found.entry(name).or_default().push((first, part));
        }
    }
    let parameter = |spec: WeightSpec| {
        let parts = found
            .remove(&spec.name)
            .ok_or_else(|| TrainError::Torch(format!("no tensor fills {}", spec.name)))?;
        let tensor = joined(parts, device)?.f_view(torch_shape(&spec.shape).as_slice())?;
        Ok(Parameter { tensor, spec })
    };
    Ok(Parameters::new(weights(config).into_iter().map(parameter).collect::<Result<_, TrainError>>()?))
}

/// Returns the bytes of a file as a tensor over its mapped pages.
fn map(path: &Path) -> Result<Tensor, TrainError> {
    let size = fs_err::metadata(path)?.len();
    let name = path
        .to_str()
        .ok_or_else(|| TrainError::Torch(format!("the name {} is not UTF-8", path.display())))?;
    Ok(Tensor::f_from_file(name, false, size as i64, (Kind::Uint8, Device::Cpu))?)
}

/// Returns one tensor of a file in the kind of number that the file uses.
fn stored(file: &Tensor, weight: &StoredWeight) -> Result<Tensor, TrainError> {
    let bytes = weight.elements() * weight.kind.bytes();
    let cut = file.f_narrow(0, weight.offset as i64, bytes as i64)?;
    // A view as floats must start at a multiple of their size, which old files do not guarantee.
    let aligned = weight.offset.is_multiple_of(weight.kind.bytes() as u64);
    let cut = if aligned { cut } else { cut.f_repeat([1])? };
    let kind = match weight.kind {
        FloatKind::F64 => Kind::Double,
        FloatKind::F32 => Kind::Float,
        FloatKind::F16 => Kind::Half,
        FloatKind::Bf16 => Kind::BFloat16,
    };
    Ok(cut.f_view_dtype(kind)?.f_view(torch_shape(&weight.shape).as_slice())?)
}

/// Splits a tensor of a file into the weights that it holds, each with the number of the first row it fills.
fn parts(weight: &StoredWeight, stored: Tensor) -> Result<Vec<(String, usize, Tensor)>, TrainError> {
    Ok(match &weight.fills {
        Fills::Whole(name) => vec![(name.clone(), 0, stored)],
        Fills::Transposed(name) => vec![(name.clone(), 0, stored.f_transpose(0, 1)?.f_contiguous()?)],
        Fills::Stacked(names) => {
            let parts = stored.f_chunk(names.len() as i64, 0)?;
            names.iter().zip(parts).map(|(name, part)| (name.clone(), 0, part)).collect()
        }
        Fills::Rows { weight, first } => vec![(weight.clone(), *first, stored)],
    })
}

/// Joins the parts of a weight, and returns it as f32 on the device.
fn joined(mut parts: Vec<(usize, Tensor)>, device: Device) -> Result<Tensor, TrainError> {
    parts.sort_by_key(|(first, _)| *first);
    let tensors: Vec<Tensor> = parts.into_iter().map(|(_, tensor)| tensor).collect();
    let joined = match &tensors[..] {
        // This makes no copy: the tensor stays on its mapped pages.
        [whole] => whole.shallow_clone(),
        _ => Tensor::f_cat(&tensors, 0)?,
    };
    Ok(joined.f_to_kind(Kind::Float)?.f_to_device(device)?)
}
