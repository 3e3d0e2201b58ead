//! Makes images that are small enough to be part of the page and look as the model sees them.

use std::path::Path;

use cliptune_clip::image::{DecodeError, Picture, Preprocessor};
use cliptune_store::{ItemImage, StoreError};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageResult};

use crate::data::{Seen, Thumbnail};

/// The side of a thumbnail in pixels, unless the model sees more.
const SIDE: u32 = 320;
/// The largest size of a thumbnail in bytes, where a lower quality can reach it.
const BYTES: usize = 25_000;
/// The JPEG qualities to try, from the best to the lowest that is worth looking at.
const QUALITIES: [u8; 4] = [80, 65, 50, 35];

/// Returns how a run's model prepares images, or the reason why that is not known.
pub(crate) fn preprocessor(model: &Path) -> Result<Preprocessor, String> {
    let own = Preprocessor::from_folder(model);
    let own = own.map_err(|_| "what the model does to images cannot be read".to_owned())?;
    Ok(Preprocessor { size: own.size.max(SIDE), ..own })
}

/// Returns an image file as a model sees it, or the reason why it cannot be shown.
///
/// The colours, the transparency and the cut are those of the model's own preparation; only the size is chosen for
/// readers.
pub(crate) fn seen(image: &ItemImage, preprocessor: &Preprocessor) -> Result<Seen, String> {
    let bytes = image.read().map_err(|error| unread(&error).to_owned())?;
    let undecoded = |error| match error {
        DecodeError::TooLarge { .. } => "the image is too large".to_owned(),
        _ => "the file is damaged".to_owned(),
    };
    let pixels = preprocessor.decode(&bytes).map_err(undecoded)?;
    let side = preprocessor.size;
    let encoded = |pixels: &[u8], width, height| {
        encode(pixels, width, height).map_err(|_| "it cannot be encoded".to_owned())
    };
    let whole = Picture::over_checkerboard(&bytes, SIDE).map_err(undecoded)?;
    let transparent = whole.map(|whole| encoded(&whole.rgb, whole.width, whole.height)).transpose()?;
    Ok(Seen { as_model: encoded(&pixels, side, side)?, transparent })
}

fn unread(error: &StoreError) -> &'static str {
    match error {
        StoreError::ImageChanged { .. } => "the file has changed since it was scored",
        StoreError::Io(error) if error.kind() == std::io::ErrorKind::NotFound => "the file is gone",
        _ => "the file cannot be read",
    }
}

fn encode(pixels: &[u8], width: u32, height: u32) -> ImageResult<Thumbnail> {
    let mut jpeg = Vec::new();
    for quality in QUALITIES {
        jpeg.clear();
        JpegEncoder::new_with_quality(&mut jpeg, quality).encode(
            pixels,
            width,
            height,
            ExtendedColorType::Rgb8,
        )?;
        if jpeg.len() <= BYTES {
            break;
        }
    }
    Ok(Thumbnail { jpeg, width, height })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cliptune_clip::image::Fit;
    use cliptune_store::ImageIdentity;
    use image::{Rgba, RgbaImage};

    /// Returns the colour in the middle of the left and the right half, as the page shows it.
    fn halves(drawn: &RgbaImage) -> [[u8; 3]; 2] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("two halves.png");
        drawn.save(&path).unwrap();
        Preprocessor::openai(16, Fit::Crop).save(folder.path()).unwrap();
        let seen = seen(&image(&path), &preprocessor(folder.path()).unwrap()).unwrap();
        assert_eq!(seen.transparent.is_some(), drawn.pixels().any(|pixel| pixel.0[3] < 255));
        let small = seen.as_model;
        assert_eq!((small.width, small.height), (SIDE, SIDE));
        let shown = image::load_from_memory(&small.jpeg).unwrap().to_rgb8();
        [SIDE / 4, SIDE * 3 / 4].map(|x| shown.get_pixel(x, SIDE / 2).0)
    }

    /// Returns the record of an image file as it is now.
    fn image(path: &Path) -> ItemImage {
        ItemImage::new(path.to_owned(), ImageIdentity::of(&std::fs::read(path).unwrap()))
    }

    #[test]
    fn colours_stay_and_what_is_transparent_is_the_white_that_the_model_sees() {
        let green = Rgba([10, 200, 30, 255]);
        let image = RgbaImage::from_fn(40, 40, |x, _| if x < 20 { green } else { Rgba([255, 0, 0, 0]) });
        for (shown, expected) in halves(&image).into_iter().zip([[10, 200, 30], [255, 255, 255]]) {
            let close = shown.iter().zip(expected).all(|(shown, expected)| shown.abs_diff(expected) < 8);
            assert!(close, "{shown:?}, expected {expected:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broken.jpeg");
        let prepared = Preprocessor::openai(16, Fit::Crop);
        std::fs::write(&path, b"no image").unwrap();
        let damaged = image(&path);
        assert_eq!(seen(&damaged, &prepared).unwrap_err(), "the file is damaged");
        std::fs::write(&path, b"another").unwrap();
        assert_eq!(seen(&damaged, &prepared).unwrap_err(), "the file has changed since it was scored");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(seen(&damaged, &prepared).unwrap_err(), "the file is gone");
        let unknown = preprocessor(folder.path()).unwrap_err();
        assert_eq!(unknown, "what the model does to images cannot be read");
    }
}
