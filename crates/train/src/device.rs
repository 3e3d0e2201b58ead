//! The device on which training runs.

use cliptune_experiment::Compute;
use cliptune_torch_bridge::{Arithmetic, set_arithmetic};
use tch::{Cuda, Device};

use crate::error::TrainError;

/// Returns the GPU if the libtorch in use has CUDA and there is one, else the CPU.
pub fn choose() -> Result<Device, TrainError> {
    // This has to precede the first question about CUDA, because libtorch remembers the answer.
    cliptune_torch_bridge::load_cuda()?;
    Ok(if Cuda::is_available() { Device::Cuda(0) } else { Device::Cpu })
}

/// Makes kernels compute as a plan demands. This affects the whole process.
pub fn compute_as(precision: Compute, deterministic: bool) -> Result<(), TrainError> {
    Ok(set_arithmetic(Arithmetic { tf32: precision == Compute::Tf32, deterministic })?)
}

/// Makes kernels compute as they do without a plan. Exports and comparisons use plain 32-bit arithmetic, and no run is
/// affected by the one before it.
pub fn compute_plainly() -> Result<(), TrainError> {
    compute_as(Compute::Fp32, false)
}

/// Returns the name of a device as records hold it.
pub fn name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        _ => "cpu".to_owned(),
    }
}
