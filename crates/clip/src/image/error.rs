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
    /// The bytes are of none of the kinds that are read.
    #[error("the bytes are not a JPEG, PNG, WebP, GIF, BMP or TIFF image")]
    UnknownFormat,

    /// The bytes are an image of a kind that is not read. The field has its name with an article.
    #[error("the bytes are {0} image, which is not read: convert it to PNG or JPEG")]
    Unread(&'static str),

    /// There are no bytes.
    #[error("the file is empty")]
    NoBytes,

    /// The decoder refused a JPEG because it is damaged, unsupported or beyond the limits.
    #[error("cannot decode the JPEG: {0}")]
    Jpeg(#[from] libjpeg_turbo_rs::JpegError),

    /// The decoder refused a PNG because it is damaged or beyond the limits.
    #[error("cannot decode the PNG: {0}")]
    Png(#[from] png::DecodingError),

    /// The decoder refused a WebP image because it is damaged or beyond the limits.
    #[error("cannot decode the WebP image: {0}")]
    WebP(#[from] image_webp::DecodingError),

    /// The decoder refused a GIF because it is damaged or beyond the limits.
    #[error("cannot decode the GIF: {0}")]
    Gif(#[from] gif::DecodingError),

    /// A BMP or TIFF image is damaged.
    #[error("cannot decode the {format}: {what}")]
    Damaged {
        /// The name of the format.
        format: &'static str,
        /// What is wrong.
        what: &'static str,
    },

    /// A BMP or TIFF image makes use of something that is not read.
    #[error("cannot decode the {format}: it has {what}; convert it to PNG")]
    Unsupported {
        /// The name of the format.
        format: &'static str,
        /// What is not read.
        what: &'static str,
    },

    /// The components of a JPEG have no agreed meaning.
    #[error("the JPEG is neither gray nor YCbCr, RGB, CMYK or YCCK")]
    JpegColours,

    /// A JPEG has samples of another depth than 8 bits, which Pillow refuses as well.
    #[error("the JPEG has {0} bits per sample, not 8")]
    JpegPrecision(u8),

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
