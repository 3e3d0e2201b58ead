//! Image files to 8-bit gray or RGB pixels.

use std::io::Cursor;

use ::image::{DynamicImage, ImageFormat, ImageReader, Limits};

use super::error::DecodeError;
use super::jpeg;
use super::resample::Raster;

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
    let image = decode(bytes)?;
    Ok((image.width as u32, image.height as u32))
}

/// Decodes JPEG, PNG or WebP.
///
/// Transparent images are laid on white paper, as transformers 5 does. (OpenAI's and open_clip's transforms drop the
/// alpha channel instead, and black ink on nothing becomes black on black.) 16-bit samples keep their high byte, as
/// Pillow does for 16-bit RGB; 16-bit gray it clips at 255, which turns such images white and is not imitated.
/// An EXIF orientation is not applied: neither OpenAI's nor transformers' preprocessing does.
pub(super) fn decode(bytes: &[u8]) -> Result<Raster, DecodeError> {
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(::image::ImageError::from)?;
    if reader.format() == Some(ImageFormat::Jpeg) && !jpeg::is_complete(bytes) {
        return Err(DecodeError::Truncated);
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(LARGEST_IMAGE);
    reader.limits(limits);
    let raster = to_raster(reader.decode()?)?;
    if raster.bytes.is_empty() { Err(DecodeError::Empty) } else { Ok(raster) }
}

/// Gray stays one channel: replicating it after resizing gives the same bytes for a third of the work.
fn to_raster(image: DynamicImage) -> Result<Raster, DecodeError> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let gray = |bytes| Raster { width, height, channels: 1, bytes };
    let colour = |bytes| Raster { width, height, channels: 3, bytes };
    Ok(match image {
        DynamicImage::ImageLuma8(image) => gray(image.into_raw()),
        DynamicImage::ImageLumaA8(image) => gray(on_white::<2, 1>(&image)),
        DynamicImage::ImageRgb8(image) => colour(image.into_raw()),
        DynamicImage::ImageRgba8(image) => colour(on_white::<4, 3>(&image)),
        DynamicImage::ImageLuma16(image) => gray(high_bytes(&image)),
        DynamicImage::ImageLumaA16(image) => gray(on_white::<2, 1>(&high_bytes(&image))),
        DynamicImage::ImageRgb16(image) => colour(high_bytes(&image)),
        DynamicImage::ImageRgba16(image) => colour(on_white::<4, 3>(&high_bytes(&image))),
        other => return Err(DecodeError::PixelType(other.color())),
    })
}

/// Lays pixels of `TO` channels and alpha (`FROM = TO + 1`) on white.
fn on_white<const FROM: usize, const TO: usize>(bytes: &[u8]) -> Vec<u8> {
    let (pixels, _) = bytes.as_chunks::<FROM>();
    pixels
        .iter()
        .flat_map(|pixel| std::array::from_fn::<u8, TO, _>(|at| blend(pixel[at], pixel[TO])))
        .collect()
}

/// A value over white, rounded to the nearest: the outcome of Pillow's `alpha_composite` for all 65 536 cases.
fn blend(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    ((2 * (value * alpha + 255 * (255 - alpha)) + 255) / 510) as u8
}

fn high_bytes(samples: &[u16]) -> Vec<u8> {
    samples.iter().map(|&sample| (sample >> 8) as u8).collect()
}
