//! Where training runs.

use cliptune_experiment::Compute;
use cliptune_torch_bridge::{Arithmetic, set_arithmetic};
use tch::{Cuda, Device};

use crate::error::TrainError;

/// The GPU when the libtorch in use has CUDA and there is one, else the CPU.
pub fn choose() -> Result<Device, TrainError> {
    // Before the first question about CUDA: libtorch remembers the answer.
    cliptune_torch_bridge::load_cuda()?;
    Ok(if Cuda::is_available() { Device::Cuda(0) } else { Device::Cpu })
}

/// Lets kernels compute as a plan has it; for the whole process.
pub fn compute_as(precision: Compute, deterministic: bool) -> Result<(), TrainError> {
    Ok(set_arithmetic(Arithmetic { tf32: precision == Compute::Tf32, deterministic })?)
}

/// Lets kernels compute as they do without a plan: what is exported or compared is plain 32-bit arithmetic, and a run is
/// not changed by the one before it.
pub fn compute_plainly() -> Result<(), TrainError> {
    compute_as(Compute::Fp32, false)
}

/// The device in records.
pub fn name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        _ => "cpu".to_owned(),
    }
}
