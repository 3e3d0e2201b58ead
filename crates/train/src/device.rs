//! Where training runs.

use tch::{Cuda, Device};

use crate::error::TrainError;

/// The GPU when the libtorch in use has CUDA and there is one, else the CPU.
pub fn choose() -> Result<Device, TrainError> {
    // Before the first question about CUDA: libtorch remembers the answer.
    cliptune_torch_bridge::load_cuda()?;
    Ok(if Cuda::is_available() { Device::Cuda(0) } else { Device::Cpu })
}

/// The device in records.
pub fn name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        _ => "cpu".to_owned(),
    }
}
