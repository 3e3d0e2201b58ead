//! Reduces an image to what its hash needs.

use super::super::native::Native;
use super::super::raster::Raster;
use super::hash::{PerceptualHash, SIDE};

/// An image in gray, in an eighth of its size if it is large.
///
/// An eighth is what a JPEG yields at next to no cost: the mean of each of its blocks. Other images are reduced in the
/// same way, so that a PNG of a JPEG has the hash of the JPEG.
pub(in super::super) struct Shrunk {
    gray: Raster,
    /// The width and height of the image in pixels of `gray`, of which the last ones may be cut.
    part: (f64, f64),
}

/// The factor by which large images are reduced.
const FACTOR: usize = 8;

/// The shorter side of the smallest large image. Reduced, it still has more than four pixels for each wave of the highest
/// frequency that the hash looks at.
const LARGE: usize = FACTOR * SIDE / 2;

impl Shrunk {
    /// Takes an image that has been reduced already, by the factor of a JPEG's blocks. Returns `None` if its size
    /// before asks for all pixels.
    pub(in super::super) fn from_blocks(size: (usize, usize), blocks: Raster) -> Option<Self> {
        is_large(size).then(|| Self::eighth(size, blocks))
    }

    /// Reduces an image. What is transparent is white.
    pub(in super::super) fn new(image: Native) -> Self {
        let gray = gray(&image.on_white());
        let size = (gray.width, gray.height);
        match is_large(size) {
            true => Self::eighth(size, reduced(&gray)),
            false => Self { gray, part: (size.0 as f64, size.1 as f64) },
        }
    }

    /// Takes the eighth of an image of this size.
    fn eighth((width, height): (usize, usize), gray: Raster) -> Self {
        Self { gray, part: (width as f64 / FACTOR as f64, height as f64 / FACTOR as f64) }
    }

    /// Computes the hash.
    pub(in super::super) fn hash(&self) -> Option<PerceptualHash> {
        PerceptualHash::of(&self.gray, self.part)
    }
}

fn is_large((width, height): (usize, usize)) -> bool {
    width.min(height) >= LARGE
}

/// Converts to gray as Pillow's `convert("L")` does.
fn gray(image: &Raster) -> Raster {
    match image.channels {
        1 => image.clone(),
        _ => image.map_pixels(|[r, g, b]: [u8; 3]| {
            let [r, g, b] = [r, g, b].map(u32::from);
            [((r * 19_595 + g * 38_470 + b * 7_471 + 0x8000) >> 16) as u8]
        }),
    }
}

/// Replaces each square of pixels by its mean, as Pillow's `reduce` does. Squares at the right and the bottom may be cut.
fn reduced(image: &Raster) -> Raster {
    let (width, height) = (image.width.div_ceil(FACTOR), image.height.div_ceil(FACTOR));
    let mut samples = Vec::with_capacity(width * height);
    for lines in image.samples.chunks(image.width * FACTOR) {
        let rows = lines.len() / image.width;
        let mut sums = vec![0_u32; width];
        for line in lines.chunks_exact(image.width) {
            for (sum, pixels) in sums.iter_mut().zip(line.chunks(FACTOR)) {
                *sum += pixels.iter().map(|&pixel| u32::from(pixel)).sum::<u32>();
            }
        }
        samples.extend(sums.iter().enumerate().map(|(column, sum)| {
            let pixels = (rows * FACTOR.min(image.width - column * FACTOR)) as u32;
            ((sum + pixels / 2) / pixels) as u8
        }));
    }
    Raster { width, height, channels: 1, samples }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_become_their_means_also_where_they_are_cut() {
        let samples = (0..10).flat_map(|y| (0..9).map(move |x| if x < 8 { y } else { 100 + y })).collect();
        let image = Raster { width: 9, height: 10, channels: 1, samples };
        // Pillow: numpy.asarray(image.reduce(8)).
        assert_eq!(
            reduced(&image),
            Raster { width: 2, height: 2, channels: 1, samples: vec![4, 104, 9, 109] }
        );
    }
}
