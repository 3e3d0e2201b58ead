//! The error for an image or for preprocessing that could not be used.

use std::io;
use std::path::PathBuf;

/// The reason why an image could not be read, or why preprocessing could not be loaded, saved or applied.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A file could not be read or written; the message names it.
    #[error(transparent)]
    Io(#[from] io::Error),

    /// A file was read but is not an image that can be used.
    #[error("cannot use the image {}", path.display())]
    Decode {
        /// The path of the file.
        path: PathBuf,
        /// Why the image cannot be used.
        source: DecodeError,
    },

    /// A preprocessor_config.json is not JSON, or a value in it has the wrong type.
    #[error("cannot read the preprocessing {}: {reason}", path.display())]
    Malformed {
        /// The path of the file.
        path: PathBuf,
        /// What the parser objected to.
        reason: String,
    },

    /// A preprocessor_config.json asks for something that is not supported here.
    #[error("{} asks for preprocessing that is not supported: {reason}", path.display())]
    Unsupported {
        /// The path of the file.
        path: PathBuf,
        /// The setting that is the problem, and a value that would work.
        reason: String,
    },

    /// A buffer has the wrong length.
    #[error("the {what} has {found} values, not {expected}")]
    Length {
        /// The name of the buffer.
        what: &'static str,
        /// The length of the buffer.
        found: usize,
        /// The length that the buffer should have.
        expected: usize,
    },
}

/// The reason why bytes are not an image that can be used.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are neither a JPEG nor a PNG nor a WebP image.
    #[error("the bytes are not a JPEG, PNG or WebP image")]
    UnknownFormat,

    /// The decoder refused a JPEG because it is damaged, unsupported or beyond the limits.
    #[error("cannot decode the JPEG: {0}")]
    Jpeg(#[from] libjpeg_turbo_rs::JpegError),

    /// The decoder refused a PNG because it is damaged or beyond the limits.
    #[error("cannot decode the PNG: {0}")]
    Png(#[from] png::DecodingError),

    /// The decoder refused a WebP image because it is damaged or beyond the limits.
    #[error("cannot decode the WebP image: {0}")]
    WebP(#[from] image_webp::DecodingError),

    /// The components of a JPEG have no agreed meaning.
    #[error("the JPEG is neither gray nor YCbCr, RGB, CMYK or YCCK")]
    JpegColours,

    /// The chroma components of a JPEG are sampled differently from each other, or more finely than the first
    /// component.
    #[error("the JPEG subsamples its components in an unusual way")]
    JpegSampling,

    /// A JPEG stops before its end-of-image marker.
    #[error("the JPEG is truncated: it has no end-of-image marker")]
    Truncated,

    /// An image has no pixels.
    #[error("the image has no pixels")]
    Empty,

    /// An image is larger than [`LONGEST_SIDE`](super::LONGEST_SIDE) or [`LARGEST_IMAGE`](super::LARGEST_IMAGE) allows.
    #[error("the image is too large: {width} × {height} pixels")]
    TooLarge {
        /// The width in pixels.
        width: u32,
        /// The height in pixels.
        height: u32,
    },
}
