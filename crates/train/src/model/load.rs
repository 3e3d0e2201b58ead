//! Weights from a checkpoint: mapped where they are f32, f32 masters of everything else.

use std::collections::HashMap;
use std::path::Path;

use cliptune_clip::ClipConfig;
use cliptune_clip::checkpoint::{Checkpoint, Fills, FloatKind, StoredWeight};
use cliptune_clip::weights::{WeightSpec, weights};
use tch::{Device, Kind, Tensor};

use super::parameters::{Parameter, Parameters, torch_shape};
use crate::error::TrainError;

/// What a checkpoint held.
#[derive(Debug)]
pub struct Loaded {
    /// The weights of the configuration.
    pub parameters: Parameters,
    /// Tensors that the model has no place for.
    pub extra: Vec<String>,
}

/// Reads the weights of a model folder that the configuration asks for, in whatever layout they are.
///
/// # Errors
///
/// When a file is missing or damaged, or a weight is missing, has another shape or is not a float; the error names
/// file and tensor.
pub fn load_folder(folder: &Path, config: &ClipConfig, device: Device) -> Result<Loaded, TrainError> {
    let checkpoint = Checkpoint::open(folder, config)?;
    let parameters = read(&checkpoint, config, device)?;
    Ok(Loaded { parameters, extra: checkpoint.extra().to_vec() })
}

/// Reads one file as cliptune writes it.
pub fn load(path: &Path, config: &ClipConfig, device: Device) -> Result<Parameters, TrainError> {
    read(&Checkpoint::open_file(path, config)?, config, device)
}

/// Files are mapped into memory and nothing is read before it is needed. The mapping is private: a step that changes a
/// weight changes a copy of its pages, never the file. Half precision becomes f32, because tch's own loader would
/// keep the file's kind and train in it silently.
fn read(checkpoint: &Checkpoint, config: &ClipConfig, device: Device) -> Result<Parameters, TrainError> {
    let files = checkpoint.files().iter().map(|path| map(path)).collect::<Result<Vec<_>, _>>()?;
    let mut tensors = HashMap::new();
    for weight in checkpoint.weights() {
        fill(&mut tensors, weight, &stored(&files[weight.file], weight)?, device)?;
    }
    let parameter = |spec: WeightSpec| {
        let tensor: Tensor = tensors
            .remove(&spec.name)
            .ok_or_else(|| TrainError::Torch(format!("no tensor fills {}", spec.name)))?;
        Ok(Parameter { tensor: tensor.f_view(torch_shape(&spec.shape).as_slice())?, spec })
    };
    Ok(Parameters::new(weights(config).into_iter().map(parameter).collect::<Result<_, TrainError>>()?))
}

/// The bytes of a file as a tensor over its mapped pages.
fn map(path: &Path) -> Result<Tensor, TrainError> {
    let size = fs_err::metadata(path)?.len();
    let name = path
        .to_str()
        .ok_or_else(|| TrainError::Torch(format!("the name {} is not UTF-8", path.display())))?;
    Ok(Tensor::f_from_file(name, false, size as i64, (Kind::Uint8, Device::Cpu))?)
}

/// One tensor of a file in the file's own kind.
fn stored(file: &Tensor, weight: &StoredWeight) -> Result<Tensor, TrainError> {
    let bytes = weight.elements() * weight.kind.bytes();
    let cut = file.f_narrow(0, weight.offset as i64, bytes as i64)?;
    // A view as floats wants its first byte at a multiple of their size; old files do not promise that.
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

/// Puts a tensor of a file where it belongs, as f32 on the device.
fn fill(
    tensors: &mut HashMap<String, Tensor>,
    weight: &StoredWeight,
    stored: &Tensor,
    device: Device,
) -> Result<(), TrainError> {
    let finished = |tensor: Tensor| -> Result<Tensor, TrainError> {
        Ok(tensor.f_to_kind(Kind::Float)?.f_to_device(device)?)
    };
    match &weight.fills {
        Fills::Whole(name) => {
            tensors.insert(name.clone(), finished(stored.shallow_clone())?);
        }
        Fills::Transposed(name) => {
            tensors.insert(name.clone(), finished(stored.f_transpose(0, 1)?.f_contiguous()?)?);
        }
        Fills::Stacked(names) => {
            for (name, part) in names.iter().zip(stored.f_chunk(3, 0)?) {
                tensors.insert(name.clone(), finished(part)?);
            }
        }
    }
    Ok(())
}
