//! How much memory a training needs, how much there is, and what to do when it is not enough.

mod capacity;
mod footprint;
mod shortage;

pub use capacity::host_capacity;
pub use footprint::{Footprint, Subject};
pub use shortage::MemoryShortage;
