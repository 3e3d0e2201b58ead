//! What can go wrong with an image or with its preprocessing.

use std::io;
use std::path::PathBuf;

/// An image that could not be read, or a preprocessing that could not be loaded, saved or applied.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A file could not be read or written; the message names it.
    #[error(transparent)]
    Io(#[from] io::Error),

    /// A file was read but is not an image that can be used.
    #[error("cannot use the image {}", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: DecodeError,
    },

    /// A preprocessor_config.json is not JSON or a value has the wrong type.
    #[error("cannot read the preprocessing {}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the parser objected to.
        reason: String,
    },

    /// A preprocessor_config.json asks for something that is not done here.
    #[error("{} asks for preprocessing that is not supported: {reason}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Which setting, and what would do.
        reason: String,
    },

    /// A buffer of the wrong length was handed over.
    #[error("the {what} has {found} values, not {expected}")]
    Length {
        /// Which buffer.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length it should have.
        expected: usize,
    },
}

/// Why bytes are not an image that can be used.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Neither JPEG nor PNG nor WebP.
    #[error("the bytes are not a JPEG, PNG or WebP image")]
    UnknownFormat,

    /// A JPEG that the decoder refused: damaged, unsupported or beyond the limits.
    #[error("cannot decode the JPEG: {0}")]
    Jpeg(#[from] libjpeg_turbo_rs::JpegError),

    /// A PNG that the decoder refused: damaged or beyond the limits.
    #[error("cannot decode the PNG: {0}")]
    Png(#[from] png::DecodingError),

    /// A WebP image that the decoder refused: damaged or beyond the limits.
    #[error("cannot decode the WebP image: {0}")]
    WebP(#[from] image_webp::DecodingError),

    /// A JPEG whose components have no agreed meaning.
    #[error("the JPEG is neither gray nor YCbCr, RGB, CMYK or YCCK")]
    JpegColours,

    /// A JPEG whose chroma components are sampled differently, or more finely than the first component.
    #[error("the JPEG subsamples its components in an unusual way")]
    JpegSampling,

    /// A JPEG that stops before its end-of-image marker.
    #[error("the JPEG is truncated: it has no end-of-image marker")]
    Truncated,

    /// An image without pixels.
    #[error("the image has no pixels")]
    Empty,

    /// An image beyond [`LONGEST_SIDE`](super::LONGEST_SIDE) or [`LARGEST_IMAGE`](super::LARGEST_IMAGE).
    #[error("the image is too large: {width} × {height} pixels")]
    TooLarge {
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
}
