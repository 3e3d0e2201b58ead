//! The device on which training runs.

use cliptune_experiment::Compute;
use cliptune_launcher::Placement;
use cliptune_torch_bridge::{Arithmetic, Backend, set_arithmetic};
use tch::{Cuda, Device};

use crate::error::TrainError;
use crate::launcher::JoinError;

/// Returns the GPU if the libtorch in use has CUDA and there is one, else the CPU. Of several processes on a host, each has its own.
///
/// # Errors
///
/// Returns an error when there are GPUs, but none that is clearly for this process.
pub fn choose(placement: Option<&Placement>) -> Result<Device, TrainError> {
    if !has_gpus()? {
        return Ok(Device::Cpu);
    }
    let gpus = usize::try_from(Cuda::device_count()).unwrap_or(1);
    let local_rank = placement.map_or(Some(0), Placement::local_rank);
    Ok(Device::Cuda(gpu_of(local_rank, gpus)?))
}

fn has_gpus() -> Result<bool, TrainError> {
    // This has to precede the first question about CUDA, because libtorch remembers the answer.
    cliptune_torch_bridge::load_cuda()?;
    Ok(Cuda::is_available())
}

/// Checks whether this process can send what it computes from its GPU to that of another one.
///
/// # Errors
///
/// Returns an error when there is a libtorch for CUDA that cannot be loaded.
pub(crate) fn has_nccl() -> Result<bool, TrainError> {
    Ok(has_gpus()? && Backend::has_nccl())
}

/// Returns a warning for processes whose tensors take a longer way than they would with another libtorch.
pub(crate) fn detour(device: Device, backend: Backend) -> Option<&'static str> {
    let is_long = matches!(device, Device::Cuda(_)) && backend == Backend::Gloo;
    is_long.then_some(
        "what the GPUs of several processes send each other goes through the memory of their hosts, which is slow: not every process has a GPU and a libtorch with NCCL",
    )
}

/// Returns the number of a process's GPU among those that it sees. A process that sees one alone was given it.
fn gpu_of(local_rank: Option<usize>, gpus: usize) -> Result<usize, JoinError> {
    match local_rank {
        _ if gpus <= 1 => Ok(0),
        None => Err(JoinError::WhichGpu { gpus }),
        Some(local_rank) if local_rank < gpus => Ok(local_rank),
        Some(local_rank) => Err(JoinError::TooFewGpus { gpus, local_rank }),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_sends_from_a_gpu_through_the_host_is_told() {
        let is_told = |device, backend| detour(device, backend).is_some();
        assert!(is_told(Device::Cuda(1), Backend::Gloo));
        assert!(!is_told(Device::Cuda(1), Backend::Nccl) && !is_told(Device::Cpu, Backend::Gloo));
    }

    #[test]
    fn each_process_of_a_host_has_its_own_gpu() {
        let of = |local_rank, gpus| gpu_of(local_rank, gpus).map_err(|error| error.to_string());
        assert_eq!([of(Some(0), 4), of(Some(3), 4)], [Ok(0), Ok(3)]);
        // A scheduler has shown each process its own.
        assert_eq!([of(Some(3), 1), of(None, 1)], [Ok(0), Ok(0)]);
        let few = "this host has 2 GPUs, and this is the process of local rank 2 on it";
        assert_eq!(of(Some(2), 2), Err(few.to_owned()));
        let which = "this host has 2 GPUs, and nothing says which of them is for this process";
        assert_eq!(of(None, 2), Err(which.to_owned()));
    }
}
