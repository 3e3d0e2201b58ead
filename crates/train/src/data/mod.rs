//! Items as training sees them: rows of distinct images and texts.

mod batch;
mod examples;
mod images;
mod order;
mod texts;

pub use batch::{Batch, Needed};
pub use examples::{Example, Examples};
pub use images::ImageBank;
pub use order::{Arrangement, epoch_batches};
pub use texts::TextBank;
