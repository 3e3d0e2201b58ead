//! Shows an image to a person, as the model sees its colours.

use super::coefficients::Resample;
use super::decode::decode;
use super::error::DecodeError;
use super::fit::Fit;
use super::native::{divided, premultiplied};
use super::pipeline::Pipeline;
use super::preprocessor::rgb;
use super::raster::Raster;
use super::resample::{Target, resize};

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
        let target = target(&image, longest);
        let rgb = rgb(resize(&image, &target, Resample::Bicubic));
        Ok(Self::new(&image, &target, rgb))
    }

    /// Does the same with what is transparent on a checkerboard, as drawing programs show it. Returns `None` for an image of which
    /// nothing is transparent, or so little that nobody sees it.
    ///
    /// # Errors
    /// Fails when the bytes are no image of a known format, or when the image is damaged, truncated or too large.
    pub fn over_checkerboard(bytes: &[u8], longest: u32) -> Result<Option<Self>, DecodeError> {
        let Some(image) = decode(bytes)?.with_alpha() else { return Ok(None) };
        let (pixels, _) = image.samples.as_chunks::<4>();
        let transparent = pixels.iter().filter(|pixel| pixel[3] < OPAQUE).count();
        if transparent * UNSEEN <= pixels.len() {
            return Ok(None);
        }
        let target = target(&image, longest);
        let premultiplied = image.map_pixels(premultiplied::<4>);
        let small = resize(&premultiplied, &target, Resample::Bicubic).map_pixels(divided::<4>);
        let (pixels, _) = small.samples.as_chunks::<4>();
        let over = |(at, &[r, g, b, a]): (usize, &[u8; 4])| {
            let board = checkerboard(at % target.width, at / target.width);
            [r, g, b].map(|value| over(value, a, board))
        };
        let rgb = pixels.iter().enumerate().flat_map(over).collect();
        Ok(Some(Self::new(&image, &target, rgb)))
    }

    fn new(image: &Raster, target: &Target, rgb: Vec<u8>) -> Self {
        let [width, height] = [target.width as u32, target.height as u32];
        Self { size: [image.width as u32, image.height as u32], width, height, rgb }
    }
}

/// The alpha from which on nobody sees that something is transparent.
const OPAQUE: u8 = 250;
/// One pixel in so many may be transparent without anybody seeing it.
const UNSEEN: usize = 200;
/// The side of a square of the checkerboard, in pixels, and its two grays.
const SQUARE: usize = 10;
const LIGHT: u8 = 255;
const DARK: u8 = 208;

/// Returns the size that an image is shown in.
fn target(image: &Raster, longest: u32) -> Target {
    let side = image.width.max(image.height).min(longest.max(1) as usize);
    Fit::Pad.place(image.width, image.height, side, Pipeline::Transformers).target
}

fn checkerboard(x: usize, y: usize) -> u8 {
    if (x / SQUARE + y / SQUARE).is_multiple_of(2) { LIGHT } else { DARK }
}

/// Lays a value over another one and rounds to the nearest.
fn over(value: u8, alpha: u8, below: u8) -> u8 {
    let [value, alpha, below] = [value, alpha, below].map(u32::from);
    ((2 * (value * alpha + below * (255 - alpha)) + 255) / 510) as u8
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
    fn what_is_transparent_is_a_checkerboard_and_what_is_not_stays() {
        let mut file = std::io::Cursor::new(Vec::new());
        let half = |x, _| if x < 20 { image::Rgba([10, 200, 30, 255]) } else { image::Rgba([255, 0, 0, 0]) };
        image::RgbaImage::from_fn(40, 20, half).write_to(&mut file, image::ImageFormat::Png).unwrap();
        let shown = Picture::over_checkerboard(&file.into_inner(), 40).unwrap().unwrap();
        let at = |x: usize, y: usize| &shown.rgb[3 * (40 * y + x)..][..3];
        assert_eq!(
            (at(5, 5), at(25, 5), at(35, 5), at(35, 15)),
            (&[10, 200, 30][..], &[LIGHT; 3][..], &[DARK; 3][..], &[LIGHT; 3][..])
        );
        assert_eq!(Picture::over_checkerboard(&png(30, 60), 40).unwrap(), None);
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
