//! Reads the images of samples.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cliptune_clip::image::Picture;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

use crate::sample::SampleImage;

/// The quality of the pictures of a page.
const QUALITY: u8 = 85;

/// Decodes an image so that its longer side has at most `longest` pixels. The error is a phrase.
pub(crate) fn decode(image: &SampleImage, longest: u32) -> Result<Picture, String> {
    let bytes = (image.read)(&image.file)?;
    Picture::decode(&bytes, longest).map_err(|error| error.to_string())
}

/// Returns a picture as the address of itself, for a page.
///
/// # Errors
/// Returns a phrase if it cannot be encoded.
pub fn data_uri(picture: &Picture) -> Result<String, String> {
    let mut jpeg = Vec::new();
    let encoded = JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode(
        &picture.rgb,
        picture.width,
        picture.height,
        ExtendedColorType::Rgb8,
    );
    encoded.map_err(|error| error.to_string())?;
    Ok(format!("data:image/jpeg;base64,{}", BASE64_STANDARD.encode(jpeg)))
}
