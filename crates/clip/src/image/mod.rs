//! CLIP's image preprocessing: image file to square RGB bytes to normalised floats.

mod coefficients;
mod decode;
mod error;
mod fit;
mod jpeg;
mod preprocessor;
mod preprocessor_config;
mod resample;

pub use coefficients::Resample;
pub use decode::{LARGEST_IMAGE, LONGEST_SIDE, inspect};
pub use error::{DecodeError, ImageError};
pub use fit::{Fit, PAD_VALUE};
pub use preprocessor::{OPENAI_MEAN, OPENAI_STD, Pixels, Preprocessor};
