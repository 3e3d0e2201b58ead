//! What a GPU tells of itself.

/// One look at a GPU. What it does not tell is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GpuLook {
    /// The share of the last moments in which the GPU was computing.
    pub usage: Option<f64>,
    /// The memory in use, in bytes.
    pub memory: Option<u64>,
    /// All memory, in bytes.
    pub memory_limit: Option<u64>,
    /// The power in watts.
    pub watts: Option<f64>,
    /// The energy taken since some moment in the past, in joules.
    pub joules: Option<f64>,
    /// The temperature in degrees Celsius.
    pub temperature: Option<f64>,
}

/// A GPU that can be looked at.
pub trait Gpu {
    /// Looks at the GPU.
    fn look(&mut self) -> GpuLook;
}
