//! Turns image files into model input.

use std::path::Path;

use super::coefficients::Resample;
use super::decode::decode;
use super::error::{DecodeError, ImageError};
use super::fit::Fit;
use super::native::Native;
use super::pipeline::Pipeline;
use super::raster::Raster;
use super::resample::resize;

/// The mean of OpenAI's training images for each RGB channel.
pub const OPENAI_MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
/// The standard deviation of OpenAI's training images for each RGB channel.
pub const OPENAI_STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

/// White, the colour of paper, as a fill.
///
/// open_clip fills with black, which draws two hard edges beside a drawing on white paper. For photographs, neither
/// colour is better.
pub const WHITE: u8 = 255;

/// Everything that is done to an image before the vision tower sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocessor {
    /// The side of the square in pixels.
    pub size: u32,
    /// How the image is made square.
    pub fit: Fit,
    /// The value with which [`Fit::Pad`] fills every channel.
    pub fill: u8,
    /// The interpolation filter.
    pub resample: Resample,
    /// The mean that is subtracted from each RGB channel after scaling to 0…1.
    pub mean: [f32; 3],
    /// The standard deviation by which each RGB channel is divided afterwards.
    pub std: [f32; 3],
    /// The implementation whose conversions and roundings are followed.
    pub pipeline: Pipeline,
}

/// A square RGB image with `size × size × 3` bytes, stored row by row with interleaved channels.
///
/// Bytes are stored rather than floats because they take a quarter of the space and lose nothing. This is the form to
/// cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels(Box<[u8]>);

impl Pixels {
    /// Returns the bytes, for a cache.
    pub fn into_bytes(self) -> Box<[u8]> {
        self.0
    }
}

impl AsRef<[u8]> for Pixels {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl std::ops::Deref for Pixels {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Preprocessor {
    /// Creates OpenAI's preprocessing for a vision tower of `size` pixels, as in transformers: bicubic, with OpenAI's
    /// mean and deviation. Padding is white.
    pub fn openai(size: u32, fit: Fit) -> Self {
        Self {
            size,
            fit,
            fill: WHITE,
            resample: Resample::Bicubic,
            mean: OPENAI_MEAN,
            std: OPENAI_STD,
            pipeline: Pipeline::Transformers,
        }
    }

    /// Returns the preprocessing unchanged if every pixel becomes a finite number. The keys are those of the file that
    /// it was read from, for error messages.
    pub(super) fn checked(self, mean_key: &str, std_key: &str) -> Result<Self, String> {
        for (channel, (mean, std)) in self.mean.iter().zip(self.std).enumerate() {
            if std <= 0.0 || std.is_nan() {
                return Err(format!("{std_key} is {std}, it must be a positive number"));
            }
            if !self.table(channel).iter().all(|value| value.is_finite()) {
                return Err(format!(
                    "{mean_key} {mean} and {std_key} {std} give numbers that single precision cannot hold"
                ));
            }
        }
        Ok(self)
    }

    /// Returns the number of bytes in an image's [`Pixels`], which is also the number of floats in its normalised form.
    pub fn length(&self) -> usize {
        3 * self.side() * self.side()
    }

    fn side(&self) -> usize {
        self.size as usize
    }

    /// Reads an image file and makes the image square. The contents tell whether it is a JPEG, PNG or WebP file.
    ///
    /// # Errors
    /// Fails when the file cannot be read, is not such an image, or is damaged, truncated or too large.
    pub fn read(&self, path: &Path) -> Result<Pixels, ImageError> {
        self.decode_file(path, &fs_err::read(path)?)
    }

    /// Decodes a file that has already been read, and makes the image square.
    ///
    /// # Errors
    /// Fails when [`decode`](Self::decode) fails; the error names the file.
    pub fn decode_file(&self, path: &Path, bytes: &[u8]) -> Result<Pixels, ImageError> {
        self.decode(bytes).map_err(|source| ImageError::Decode { path: path.to_owned(), source })
    }

    /// Decodes an image and makes it square.
    ///
    /// The resulting bytes are exactly those of [`Preprocessor::pipeline`] with Pillow 12.2.
    ///
    /// # Errors
    /// Fails when the bytes are not a JPEG, PNG or WebP image, or when the image is damaged, truncated or too large.
    pub fn decode(&self, bytes: &[u8]) -> Result<Pixels, DecodeError> {
        Ok(self.square(decode(bytes)?))
    }

    fn square(&self, image: Native) -> Pixels {
        let (width, height) = image.size();
        let placement = self.fit.place(width, height, self.side(), self.pipeline);
        let square =
            match self.pipeline {
                Pipeline::Transformers => resize(&image.on_white(), &placement.target, self.resample)
                    .on_canvas(&placement, self.side(), self.fill),
                Pipeline::Torchvision => image
                    .resize(&placement.target, self.resample)
                    .on_canvas(&placement, self.side(), self.fill)
                    .opaque(),
            };
        Pixels(rgb(square).into())
    }

    /// Normalises pixels into the model's input of `3 × size × size` floats: channel by channel, row by row.
    ///
    /// Any `size × size × 3` bytes are accepted, so that pixels can come from a memory-mapped cache.
    ///
    /// # Errors
    /// Fails when either buffer does not have [`Preprocessor::length`] values.
    pub fn normalise(&self, pixels: &[u8], out: &mut [f32]) -> Result<(), ImageError> {
        check_length("image", pixels.len(), self.length())?;
        check_length("model input", out.len(), self.length())?;
        let (pixels, _) = pixels.as_chunks::<3>();
        for (channel, plane) in out.chunks_exact_mut(pixels.len().max(1)).enumerate() {
            let table = self.table(channel);
            plane
                .iter_mut()
                .zip(pixels)
                .for_each(|(value, pixel)| *value = table[usize::from(pixel[channel])]);
        }
        Ok(())
    }

    /// Returns the normalised value of each level of a channel, in single precision as torchvision computes it.
    /// transformers multiplies by 1/255 in double precision with numpy, which rounds to the same values for all levels.
    fn table(&self, channel: usize) -> [f32; 256] {
        std::array::from_fn(|level| (level as f32 / 255.0 - self.mean[channel]) / self.std[channel])
    }
}

/// Returns the samples of a gray or RGB image as RGB. Gray is resized as one channel, which takes a third of the work
/// for the same bytes.
pub(super) fn rgb(image: Raster) -> Vec<u8> {
    match image.channels {
        1 => image.map_pixels(|[gray]| [gray; 3]).samples,
        _ => image.samples,
    }
}

fn check_length(what: &'static str, found: usize, expected: usize) -> Result<(), ImageError> {
    if found == expected { Ok(()) } else { Err(ImageError::Length { what, found, expected }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::native::Mode;

    #[test]
    fn padding_is_white_and_centred() {
        let preprocessor = Preprocessor::openai(4, Fit::Pad);
        let raster = Raster { width: 4, height: 2, channels: 1, samples: vec![0; 8] };
        let square = preprocessor.square(Native::Bytes { mode: Mode::Gray, raster, key: None });
        assert!(square[..12].iter().chain(&square[36..]).all(|&value| value == 255));
        assert!(square[12..36].iter().all(|&value| value == 0));
    }

    #[test]
    fn normalising_separates_the_channels() {
        let preprocessor = Preprocessor {
            mean: [0.0, 0.5, 1.0],
            std: [1.0, 0.5, 2.0],
            ..Preprocessor::openai(1, Fit::Crop)
        };
        let mut out = [0.0; 3];
        preprocessor.normalise(&[255, 255, 0], &mut out).unwrap();
        assert_eq!(out, [1.0, 1.0, -0.5]);
    }

    #[test]
    fn a_buffer_of_the_wrong_length_is_refused() {
        let preprocessor = Preprocessor::openai(2, Fit::Crop);
        let error = preprocessor.normalise(&[0; 12], &mut [0.0; 9]).err().unwrap();
        assert_eq!(error.to_string(), "the model input has 9 values, not 12");
    }
}
