//! Image files to pixels.
//!
//! Each format's decoder hands over what the file stores; conversions are the pipeline's business. An EXIF orientation
//! is not applied: neither OpenAI's nor transformers' nor open_clip's preprocessing does.

mod jpeg;
mod png;
mod webp;

use super::error::DecodeError;
use super::native::Native;

/// The longest side that is decoded, in pixels.
pub const LONGEST_SIDE: u32 = 65_535;

/// The memory that one decoded image may take, in bytes: 170 megapixels of RGB, where Pillow too suspects a
/// decompression bomb.
pub const LARGEST_IMAGE: u64 = 512 * 1024 * 1024;

/// Width and height of an image in pixels, after decoding all of it: what passes here can be trained on.
///
/// # Errors
/// When the bytes are not a JPEG, PNG or WebP image, or one that is damaged, truncated or too large.
pub fn inspect(bytes: &[u8]) -> Result<(u32, u32), DecodeError> {
    let (width, height) = decode(bytes)?.size();
    Ok((width as u32, height as u32))
}

/// Decodes JPEG, PNG or WebP, told by its first bytes.
pub(super) fn decode(bytes: &[u8]) -> Result<Native, DecodeError> {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => jpeg::decode(bytes),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => png::decode(bytes),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp::decode(bytes),
        _ => Err(DecodeError::UnknownFormat),
    }
}

/// Refuses images without pixels, and those whose `bytes_per_pixel` add up to more than [`LARGEST_IMAGE`].
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
