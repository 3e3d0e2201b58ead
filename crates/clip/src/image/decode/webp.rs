//! Decodes WebP images.

use std::io::Cursor;

use image_webp::WebPDecoder;

use super::super::error::DecodeError;
use super::super::native::{Mode, Native};
use super::super::raster::Raster;
use super::{LARGEST_IMAGE, check_size};

/// Decodes the image, or the first frame of an animation.
pub(super) fn decode(bytes: &[u8]) -> Result<Native, DecodeError> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes))?;
    decoder.set_memory_limit(LARGEST_IMAGE as usize);
    let (width, height) = decoder.dimensions();
    let (mode, channels) = if decoder.has_alpha() { (Mode::Rgba, 4) } else { (Mode::Rgb, 3) };
    check_size(width, height, channels)?;
    let mut samples = vec![0; decoder.output_buffer_size().ok_or(DecodeError::TooLarge { width, height })?];
    decoder.read_image(&mut samples)?;
    let raster = Raster { width: width as usize, height: height as usize, channels, samples };
    Ok(Native::Bytes { mode, raster, key: None })
}
