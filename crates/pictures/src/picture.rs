//! A picture as rows of pixels.

use crate::error::PictureError;

/// A picture of at least one pixel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    /// The colours row by row, from the top.
    pixels: Vec<[u8; 3]>,
}

impl Picture {
    /// Returns the picture with these RGB bytes, row by row from the top, or `None` if their number is not that of the
    /// pixels or if there are no pixels.
    pub fn new(width: u32, height: u32, rgb: &[u8]) -> Option<Self> {
        let (width, height) = (width as usize, height as usize);
        let (pixels, rest) = rgb.as_chunks::<3>();
        let is_whole =
            rest.is_empty() && !pixels.is_empty() && Some(pixels.len()) == width.checked_mul(height);
        is_whole.then(|| Self { width, height, pixels: pixels.to_vec() })
    }

    /// Returns the width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns the height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    pub(crate) fn pixels(&self) -> &[[u8; 3]] {
        &self.pixels
    }

    /// Returns the rows from the top.
    pub(crate) fn rows(&self) -> std::slice::ChunksExact<'_, [u8; 3]> {
        self.pixels.chunks_exact(self.width)
    }

    /// Returns the size with the same proportions that fits into `width` × `height` pixels and is no larger than the
    /// picture. Both sides are at least 1.
    pub(crate) fn fitted(&self, width: usize, height: usize) -> (usize, usize) {
        let ratio = |most: usize, own: usize| most.max(1) as f64 / own as f64;
        let ratio = ratio(width, self.width).min(ratio(height, self.height)).min(1.0);
        let side = |own: usize| ((own as f64 * ratio).round() as usize).clamp(1, own);
        (side(self.width), side(self.height))
    }

    /// Returns the picture in a smaller size. Each pixel is the mean of those that it covers.
    pub(crate) fn scaled(&self, width: usize, height: usize) -> Self {
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let pixels = (0..width * height).map(|at| {
            self.mean(covered(at % width, width, self.width), covered(at / width, height, self.height))
        });
        Self { width, height, pixels: pixels.collect() }
    }

    fn mean(&self, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) -> [u8; 3] {
        let count = columns.len() * rows.len();
        let mut sums = [0_usize; 3];
        for row in rows {
            for pixel in &self.pixels[row * self.width..][columns.clone()] {
                sums = std::array::from_fn(|channel| sums[channel] + usize::from(pixel[channel]));
            }
        }
        sums.map(|sum| ((sum + count / 2) / count) as u8)
    }

    /// Returns the picture as a PNG file.
    pub(crate) fn png(&self) -> Result<Vec<u8>, PictureError> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(self.pixels.as_flattened())?;
        writer.finish()?;
        Ok(file)
    }
}

/// Returns the range of `from` pixels that pixel `at` of `to` covers, which is never empty.
fn covered(at: usize, to: usize, from: usize) -> std::ops::Range<usize> {
    let start = at * from / to;
    start..((at + 1) * from / to).max(start + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_needs_all_its_pixels() {
        assert!(Picture::new(2, 1, &[0; 6]).is_some());
        for (width, height, bytes) in [(2, 1, 5), (2, 1, 3), (0, 0, 0), (0, 3, 0), (u32::MAX, u32::MAX, 3)] {
            assert_eq!(Picture::new(width, height, &vec![0; bytes]), None, "{width} × {height}");
        }
    }

    #[test]
    fn a_picture_shrinks_to_the_room_and_never_grows() {
        let picture = Picture::new(600, 450, &[0; 600 * 450 * 3]).unwrap();
        assert_eq!(picture.fitted(60, 48), (60, 45));
        assert_eq!(picture.fitted(600, 45), (60, 45));
        assert_eq!(picture.fitted(10_000, 10_000), (600, 450));
        assert_eq!(picture.fitted(0, 0), (1, 1));
        let wide = Picture::new(1_000, 2, &[0; 6_000]).unwrap();
        assert_eq!(wide.fitted(40, 40), (40, 1));
    }

    #[test]
    fn a_smaller_picture_has_the_mean_of_what_its_pixels_cover() {
        let picture = Picture::new(3, 2, &[0, 0, 0, 10, 20, 30, 7, 7, 7, 2, 4, 6, 0, 0, 1, 9, 9, 9]).unwrap();
        // The first pixel covers one column, the second one two.
        assert_eq!(picture.scaled(2, 1).pixels, [[1, 2, 3], [7, 9, 12]]);
        assert_eq!(picture.scaled(3, 2), picture);
    }

    #[test]
    fn the_png_has_the_same_pixels() {
        let picture = Picture::new(2, 1, &[1, 2, 3, 250, 251, 252]).unwrap();
        let file = picture.png().unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!((info.width, info.height, bytes.as_slice()), (2, 1, &[1, 2, 3, 250, 251, 252][..]));
    }
}
