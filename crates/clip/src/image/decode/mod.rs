//! Decodes image files into pixels.
//!
//! The decoder for each format returns what the file stores; conversions are left to the pipeline. An EXIF orientation
//! is not applied, because neither OpenAI's nor transformers' nor open_clip's preprocessing applies it.

mod header;
mod jpeg;
mod png;
mod webp;

use serde::{Deserialize, Serialize};

use super::error::DecodeError;
use super::native::Native;
use header::Header;

/// The longest side that is decoded, in pixels.
pub const LONGEST_SIDE: u32 = 65_535;

/// The memory that one decoded image may take, in bytes. This is 170 megapixels of RGB, at which Pillow also suspects a
/// decompression bomb.
pub const LARGEST_IMAGE: u64 = 512 * 1024 * 1024;

/// The properties of an image that were found by decoding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// The width in pixels, as the file stores it.
    pub width: u32,
    /// The height in pixels, as the file stores it.
    pub height: u32,
    /// Whether an EXIF orientation asks for a rotation or a reflection, which is not applied.
    pub rotated: bool,
    /// Whether the file has more than 8 bits per sample.
    pub deep: bool,
}

/// Decodes a whole image and returns its properties. An image that passes here can be used for training.
///
/// # Errors
/// Fails when the bytes are not a JPEG, PNG or WebP image, or when the image is damaged, truncated or too large.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, DecodeError> {
    let (width, height) = decode(bytes)?.size();
    let Header { rotated, deep, .. } = Header::read(bytes).unwrap_or_default();
    Ok(Inspection { width: width as u32, height: height as u32, rotated, deep })
}

/// Estimates how much memory [`inspect`] takes for an image at most, in bytes, from the size that the header declares.
pub fn footprint(bytes: &[u8]) -> u64 {
    /// The bytes for one pixel: its values as they are returned, and the planes or coefficients on the way there.
    const BYTES_PER_PIXEL: u64 = 12;
    let pixels = Header::read(bytes).map(|header| u64::from(header.width) * u64::from(header.height));
    let decoded = pixels.map_or(LARGEST_IMAGE, |pixels| pixels.saturating_mul(BYTES_PER_PIXEL));
    decoded.min(4 * LARGEST_IMAGE)
}

/// Decodes a JPEG, PNG or WebP image; the first bytes tell which it is.
pub(super) fn decode(bytes: &[u8]) -> Result<Native, DecodeError> {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => jpeg::decode(bytes),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => png::decode(bytes),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp::decode(bytes),
        _ => Err(DecodeError::UnknownFormat),
    }
}

/// Refuses images without pixels, and images for which `bytes_per_pixel` adds up to more than [`LARGEST_IMAGE`].
fn check_size(width: u32, height: u32, bytes_per_pixel: usize) -> Result<(), DecodeError> {
    let bytes = u64::from(width) * u64::from(height) * bytes_per_pixel as u64;
    match bytes {
        0 => Err(DecodeError::Empty),
        _ if width.max(height) > LONGEST_SIDE || bytes > LARGEST_IMAGE => {
            Err(DecodeError::TooLarge { width, height })
        }
        _ => Ok(()),
    }
}
