//! Finds images that look alike, by hashes of how they look.

mod hash;
mod near;
mod shrunk;

pub use hash::PerceptualHash;
pub use near::near_duplicates;
pub(super) use shrunk::Shrunk;
