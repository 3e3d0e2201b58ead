//! Shows an image to a person, as the model sees its colours.

use super::coefficients::Resample;
use super::decode::decode;
use super::error::DecodeError;
use super::fit::Fit;
use super::pipeline::Pipeline;
use super::preprocessor::rgb;
use super::resample::resize;

/// An image in its own proportions, no larger than what is needed to look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The width and height that the file has, in pixels.
    pub size: [u32; 2],
    /// The width of the picture in pixels.
    pub width: u32,
    /// The height of the picture in pixels.
    pub height: u32,
    /// The RGB bytes, row by row from the top.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// Decodes an image and reduces it until its longer side has at most `longest` pixels. A smaller image keeps its size.
    ///
    /// Colours are those of OpenAI's preprocessing as transformers does it: what is transparent is white, and values of
    /// 16 bits are clipped.
    ///
    /// # Errors
    /// Fails when the bytes are no image of a known format, or when the image is damaged, truncated or too large.
    pub fn decode(bytes: &[u8], longest: u32) -> Result<Self, DecodeError> {
        let image = decode(bytes)?.on_white();
        let size = [image.width, image.height];
        let side = size[0].max(size[1]).min(longest.max(1) as usize);
        let target = Fit::Pad.place(size[0], size[1], side, Pipeline::Transformers).target;
        let [width, height] = [target.width as u32, target.height as u32];
        let rgb = rgb(resize(&image, &target, Resample::Bicubic));
        Ok(Self { size: size.map(|side| side as u32), width, height, rgb })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut file = std::io::Cursor::new(Vec::new());
        let drawn = image::GrayAlphaImage::from_pixel(width, height, image::LumaA([10, 255]));
        drawn.write_to(&mut file, image::ImageFormat::Png).unwrap();
        file.into_inner()
    }

    #[test]
    fn a_picture_keeps_the_proportions_of_its_image_and_never_grows() {
        for (image, shown) in
            [([600, 450], [60, 45]), ([30, 60], [30, 60]), ([1, 1], [1, 1]), ([4_000, 1], [60, 1])]
        {
            let picture = Picture::decode(&png(image[0], image[1]), 60).unwrap();
            assert_eq!((picture.size, [picture.width, picture.height]), (image, shown));
            assert_eq!(picture.rgb, vec![10; (3 * shown[0] * shown[1]) as usize]);
        }
    }
}
