//! The items as training sees them: as rows of distinct images and texts.

mod ahead;
mod augment;
mod batch;
mod examples;
mod images;
mod order;
mod packing;
mod pixel_cache;
mod splits;
mod texts;
mod truth;

pub use ahead::Ahead;
pub(crate) use ahead::{BATCHES_IN_MEMORY, images_ahead};
pub use augment::Augmenter;
pub use batch::{Batch, Needed, distinct_images};
pub use examples::{Example, Examples};
pub use images::ImageBank;
pub use order::{Arrangement, epoch_batches, evaluation_batches, listed_batches};
pub use packing::Packing;
pub use pixel_cache::PixelCache;
pub use splits::Splits;
pub use texts::TextBank;
pub use truth::Truth;
