//! Implements CLIP's image preprocessing: from image files to square RGB bytes to normalised floats.

mod coefficients;
mod decode;
mod description;
mod error;
mod fit;
mod fixed;
mod native;
mod nearest;
mod open_clip_config;
mod picture;
mod pipeline;
mod preprocessor;
mod preprocessor_config;
mod raster;
mod resample;
mod resample_deep;
mod similarity;

pub use coefficients::Resample;
pub use decode::{
    Inspection, LARGEST_IMAGE, LONGEST_SIDE, Level, ending, footprint, inspect, perceptual_hash,
};
pub use error::{DecodeError, ImageError};
pub use fit::Fit;
pub use picture::Picture;
pub use pipeline::Pipeline;
pub use preprocessor::{OPENAI_MEAN, OPENAI_STD, Pixels, Preprocessor, WHITE};
pub use preprocessor_config::{FILE as PREPROCESSOR_FILE, PROCESSOR_FILE};
pub use similarity::{PerceptualHash, near_duplicates};

/// The version of the decoding, raised with every change in what it gives for the same file and settings. Caches of what was
/// made of an image's pixels are named after it.
pub const DECODING: u32 = 2;
