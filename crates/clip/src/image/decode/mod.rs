//! Decodes image files into pixels.
//!
//! The decoder for each format returns what the file stores; conversions are left to the pipeline. An EXIF orientation
//! is not applied, because neither OpenAI's nor transformers' nor open_clip's preprocessing applies it.

mod bmp;
mod bytes;
mod format;
mod gif;
mod header;
mod jpeg;
mod png;
mod tiff;
mod webp;

use serde::{Deserialize, Serialize};

use super::error::DecodeError;
use super::native::Native;
use super::similarity::{PerceptualHash, Shrunk};
use format::Format;
pub use format::ending;
use header::Header;

/// The longest side that is decoded, in pixels.
pub const LONGEST_SIDE: u32 = 65_535;

/// The largest number of pixels of an image: that at which Pillow refuses to open it as a decompression bomb.
const MOST_PIXELS: u64 = 178_956_970;

/// The memory that one decoded image may take, in bytes. For RGB, this is as much as `MOST_PIXELS` take.
pub const LARGEST_IMAGE: u64 = 512 * 1024 * 1024;

/// How thoroughly an image is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Its header alone. The size is known, but nothing of whether the rest is there.
    Header,
    /// All of it. An image that passes can be used for training, and one that cannot be used does not pass.
    Whole,
    /// All of it, and its [`PerceptualHash`] is computed.
    Hashed,
}

/// The properties of an image.
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
    /// The hash of how the image looks, at [`Level::Hashed`]. There is none if there is next to nothing to be seen.
    pub hash: Option<PerceptualHash>,
}

/// Looks at an image and returns its properties.
///
/// At [`Level::Whole`] and [`Level::Hashed`], exactly the images pass that
/// [`Preprocessor::decode`](super::Preprocessor::decode) accepts, and the others are refused with the same words. For
/// the usual kinds of JPEG this takes a fraction of the time of decoding, because no pixels are computed.
///
/// # Errors
/// Fails when the bytes are no image of a known format, or when the image is damaged, truncated or too large.
pub fn inspect(bytes: &[u8], level: Level) -> Result<Inspection, DecodeError> {
    let header = Header::read(bytes);
    if let (Level::Header, Some(Header { width, height, .. })) = (level, header) {
        check_size(width, height, 1)?;
    }
    let ((width, height), hash) = match (level, header) {
        (Level::Header, Some(header)) => ((header.width as usize, header.height as usize), None),
        _ => verify(bytes, level == Level::Hashed)?,
    };
    let Header { rotated, deep, .. } = header.unwrap_or_default();
    Ok(Inspection { width: width as u32, height: height as u32, rotated, deep, hash })
}

/// Computes the hash of how an image looks. Returns `None` if there is next to nothing to be seen in it.
///
/// # Errors
/// Fails when [`inspect`] fails at [`Level::Whole`].
pub fn perceptual_hash(bytes: &[u8]) -> Result<Option<PerceptualHash>, DecodeError> {
    inspect(bytes, Level::Hashed).map(|inspection| inspection.hash)
}

/// Checks that [`decode`] accepts an image. Returns its width and height, and the hash if that is wanted.
fn verify(bytes: &[u8], hashed: bool) -> Result<((usize, usize), Option<PerceptualHash>), DecodeError> {
    let checked = match Format::of(bytes) {
        Some(Format::Jpeg) => jpeg::check(bytes)?,
        _ => None,
    };
    if let Some(jpeg::Checked { size, blocks }) = checked {
        if !hashed {
            return Ok((size, None));
        }
        if let Some(shrunk) = blocks.and_then(|blocks| Shrunk::from_blocks(size, blocks)) {
            return Ok((size, shrunk.hash()));
        }
    }
    let image = decode(bytes)?;
    let size = image.size();
    Ok((size, hashed.then(|| Shrunk::new(image).hash()).flatten()))
}

/// Estimates how much memory [`inspect`] takes at most for an image that it looks at whole, in bytes, from the size that
/// the header declares.
pub fn footprint(bytes: &[u8]) -> u64 {
    /// The bytes for one pixel: its values as they are returned, and the planes or coefficients on the way there.
    const BYTES_PER_PIXEL: u64 = 12;
    let pixels = Header::read(bytes).map(|header| u64::from(header.width) * u64::from(header.height));
    let decoded = pixels.map_or(LARGEST_IMAGE, |pixels| pixels.saturating_mul(BYTES_PER_PIXEL));
    decoded.min(4 * LARGEST_IMAGE)
}

/// Decodes an image; the first bytes tell of which kind it is.
pub(super) fn decode(bytes: &[u8]) -> Result<Native, DecodeError> {
    match Format::of(bytes) {
        Some(Format::Jpeg) => jpeg::decode(bytes),
        Some(Format::Png) => png::decode(bytes),
        Some(Format::WebP) => webp::decode(bytes),
        Some(Format::Gif) => gif::decode(bytes),
        Some(Format::Bmp) => bmp::decode(bytes),
        Some(Format::Tiff) => tiff::decode(bytes),
        None if bytes.is_empty() => Err(DecodeError::NoBytes),
        None => Err(format::unread(bytes).map_or(DecodeError::UnknownFormat, DecodeError::Unread)),
    }
}

/// Refuses images without pixels, with more than [`MOST_PIXELS`], and images for which `bytes_per_pixel` adds up to more than [`LARGEST_IMAGE`].
fn check_size(width: u32, height: u32, bytes_per_pixel: usize) -> Result<(), DecodeError> {
    let pixels = u64::from(width) * u64::from(height);
    let bytes = pixels.saturating_mul(bytes_per_pixel as u64);
    match pixels {
        0 => Err(DecodeError::Empty),
        _ if width.max(height) > LONGEST_SIDE || pixels > MOST_PIXELS || bytes > LARGEST_IMAGE => {
            Err(DecodeError::TooLarge { width, height })
        }
        _ => Ok(()),
    }
}
