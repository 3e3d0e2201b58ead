//! The counters of a machine at one moment.

use crate::energy::Package;
use crate::gpu::GpuLook;

/// One look at a process and its machine. What could not be read is missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// The time that the machine's processors have worked, and all of their time, in units of the kernel.
    pub(crate) machine: Option<(u64, u64)>,
    /// The processor time of the process, in seconds.
    pub(crate) process: Option<f64>,
    pub(crate) processors_limit: Option<f64>,
    pub(crate) memory: Option<u64>,
    pub(crate) memory_peak: Option<u64>,
    pub(crate) memory_used: Option<u64>,
    pub(crate) memory_limit: Option<u64>,
    pub(crate) disk: Option<u64>,
    /// The bytes that the process has had the disks read and write.
    pub(crate) transferred: Option<(u64, u64)>,
    pub(crate) packages: Vec<Package>,
    pub(crate) gpu: GpuLook,
}
