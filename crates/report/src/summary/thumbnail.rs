//! Images small enough to be part of the page.

use std::io::Cursor;

use cliptune_store::{ItemImage, StoreError};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{ExtendedColorType, GrayImage, ImageError, ImageReader, Limits};

use crate::data::Thumbnail;

/// The width of a thumbnail in pixels; smaller images stay as they are.
const WIDTH: u32 = 360;
/// A tall image is bounded by this.
const HEIGHT: u32 = 480;
/// A thumbnail's size in bytes, where a lower quality can reach it.
const BYTES: usize = 25_000;
/// From the best quality to the least that is worth looking at.
const QUALITIES: [u8; 4] = [78, 65, 50, 35];
/// No image of a dataset needs more; a crafted file could ask for it.
const MOST_PIXELS_A_SIDE: u32 = 20_000;

/// A small grey JPEG of an image file, or why there is none.
pub(super) fn thumbnail(image: &ItemImage) -> Result<Thumbnail, String> {
    let bytes = image.read().map_err(|error| match error {
        StoreError::ImageChanged { .. } => "the file has changed since it was scored".to_owned(),
        StoreError::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
            "the file is gone".to_owned()
        }
        _ => "the file cannot be read".to_owned(),
    })?;
    let small = shrink(&decode(&bytes).map_err(|_| "the file is damaged".to_owned())?);
    encode(&small).map_err(|_| "it cannot be encoded".to_owned())
}

fn decode(bytes: &[u8]) -> Result<GrayImage, ImageError> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_PIXELS_A_SIDE);
    limits.max_image_height = Some(MOST_PIXELS_A_SIDE);
    reader.limits(limits);
    Ok(reader.decode()?.into_luma8())
}

fn shrink(image: &GrayImage) -> GrayImage {
    let (width, height) = image.dimensions();
    let scale = (f64::from(WIDTH) / f64::from(width)).min(f64::from(HEIGHT) / f64::from(height)).min(1.0);
    let side = |length: u32| (f64::from(length) * scale).round().max(1.0) as u32;
    image::imageops::resize(image, side(width), side(height), FilterType::Lanczos3)
}

fn encode(image: &GrayImage) -> Result<Thumbnail, ImageError> {
    let (width, height) = image.dimensions();
    let mut jpeg = Vec::new();
    for quality in QUALITIES {
        jpeg.clear();
        JpegEncoder::new_with_quality(&mut jpeg, quality).encode(
            image,
            width,
            height,
            ExtendedColorType::L8,
        )?;
        if jpeg.len() <= BYTES {
            break;
        }
    }
    Ok(Thumbnail { jpeg, width, height })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// An image as it is now.
    fn image(path: &Path) -> ItemImage {
        let hash = blake3::hash(&std::fs::read(path).unwrap()).to_hex().to_string();
        ItemImage::new(path.to_owned(), hash)
    }

    #[test]
    fn a_photograph_becomes_small() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("noise.png");
        let noise = GrayImage::from_fn(900, 700, |x, y| image::Luma([(x * 31 + y * 17 + x * y) as u8]));
        noise.save(&path).unwrap();
        let small = thumbnail(&image(&path)).unwrap();
        assert_eq!((small.width, small.height), (360, 280));
        assert!(small.jpeg.starts_with(&[0xff, 0xd8]));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broken.jpeg");
        std::fs::write(&path, b"no image").unwrap();
        let damaged = image(&path);
        assert_eq!(thumbnail(&damaged).unwrap_err(), "the file is damaged");
        std::fs::write(&path, b"another").unwrap();
        assert_eq!(thumbnail(&damaged).unwrap_err(), "the file has changed since it was scored");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(thumbnail(&damaged).unwrap_err(), "the file is gone");
    }
}
