//! How much memory a training needs, how much there is, and what to do when it is not enough.

mod footprint;
mod shortage;

pub use footprint::{Footprint, Subject};
pub use shortage::MemoryShortage;
