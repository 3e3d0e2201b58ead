//! Measures what a process uses of its machine: processors, memory, disk, GPU and energy.
//!
//! A [`Probe`] takes a [`Look`] at the counters of the kernel and of a GPU. A [`Period`] turns the looks of a time into its
//! [`Usage`]: means of what is a share, sums of what is an amount, extremes of what is a level. Whatever a machine does not
//! tell is missing, and nothing here ever fails.

mod confinement;
mod control_groups;
mod driver;
mod energy;
mod gpu;
mod look;
mod pace;
mod period;
mod probe;
mod proc_files;
mod processor;
mod usage;

pub use confinement::confine_memory;
pub use control_groups::memory_limit;
pub use driver::NvidiaDriver;
pub use gpu::{Gpu, GpuLook};
pub use look::Look;
pub use pace::{LOOK, is_due};
pub use period::Period;
pub use probe::{Probe, free_space};
pub use processor::Processor;
pub use usage::{Sample, Total, Usage, energy};
