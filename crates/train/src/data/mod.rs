//! Items as training sees them: rows of distinct images and texts.

mod augment;
mod batch;
mod examples;
mod images;
mod order;
mod packing;
mod splits;
mod texts;

pub use augment::Augmenter;
pub use batch::{Batch, Needed};
pub use examples::{Example, Examples};
pub use images::ImageBank;
pub use order::{Arrangement, epoch_batches, evaluation_batches, listed_batches};
pub use packing::Packing;
pub use splits::Splits;
pub use texts::TextBank;
