//! Resizes 8-bit images with the same result as Pillow, to the byte.
//!
//! There are two passes, first horizontal, then vertical, and the intermediate image is rounded to 8 bits; see
//! [`coefficients`] for the weights. This is how every version of Pillow works that CLIP models were published with.
//! Newer versions swap the passes for images whose height shrinks much more than their width (12.2: images over a
//! hundred times as tall as wide; 13: about three times, pull request 9549), which changes such images by a few levels.
//! Here the order never depends on the image.
//!
//! The usual crates are not used because they differ: `image` does the vertical pass first and keeps floats in between,
//! and `fast_image_resize` rounds weights to 16 bits. A model's scores should not depend on that.
//!
//! Both passes compute sixteen means at once: the vertical pass for sixteen neighbours in a row, the horizontal pass
//! for sixteen rows, which are transposed for this purpose.
//!
//! [`coefficients`]: super::coefficients

use std::ops::Range;

use wide::u8x16;

use super::coefficients::{Coefficients, Kernel};
use super::fixed::{FixedWeights, LANES};
use super::raster::Raster;

/// A resized image, or the part of it that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The width that the whole image is resized to.
    pub(super) width: usize,
    /// The height that the whole image is resized to.
    pub(super) height: usize,
    /// The columns of the resized image that are kept.
    pub(super) columns: Range<usize>,
    /// The rows of the resized image that are kept.
    pub(super) rows: Range<usize>,
}

/// Resizes an image and cuts out the wanted part, without computing anything else.
pub(super) fn resize(source: &Raster, target: &Target, filter: impl Into<Kernel>) -> Raster {
    resize_part(source, (source.width as f64, source.height as f64), target, filter)
}

/// Resizes the upper left part of an image, whose width and height may end within a pixel, as Pillow does with a `box`.
pub(super) fn resize_part(
    source: &Raster,
    (width, height): (f64, f64),
    target: &Target,
    filter: impl Into<Kernel>,
) -> Raster {
    let filter = filter.into();
    let across = Coefficients::known(filter, source.width, width, target.width, target.columns.clone());
    let down = Coefficients::known(filter, source.height, height, target.height, target.rows.clone());
    let narrow = Narrow::new(source, &across, down.reach());
    narrow.resize_columns(down.fixed(), target.rows.len())
}

/// The needed rows of an image after the horizontal pass.
struct Narrow {
    width: usize,
    channels: usize,
    /// The number of vectors per row, the last of which is filled up.
    stride: usize,
    /// The index of the source row that comes first.
    top: usize,
    vectors: Vec<u8x16>,
}

impl Narrow {
    fn new(source: &Raster, across: &Coefficients, rows: Range<usize>) -> Self {
        let width = across.iter().count();
        let stride = (width * source.channels).div_ceil(LANES);
        let mut vectors = vec![u8x16::ZERO; stride * rows.len()];
        let mut strip = Strip { columns: across.reach(), channels: source.channels, ..Strip::default() };
        let line = source.width * source.channels;
        let lines = &source.samples[rows.start * line..rows.end * line];
        for (lines, out) in lines.chunks(LANES * line).zip(vectors.chunks_mut(LANES * stride)) {
            strip.transpose(lines, line);
            strip.resize_lines(across.fixed());
            strip.write(out, stride);
        }
        Self { width, channels: source.channels, stride, top: rows.start, vectors }
    }

    /// Runs the vertical pass.
    fn resize_columns(&self, down: &FixedWeights, height: usize) -> Raster {
        let line = self.width * self.channels;
        let mut samples = vec![0; line * height];
        for (mean, out) in down.means().zip(samples.chunks_exact_mut(line)) {
            let rows = &self.vectors[(mean.first - self.top) * self.stride..];
            for (column, out) in out.chunks_mut(LANES).enumerate() {
                store(mean.of(|row| rows[row * self.stride + column]), out);
            }
        }
        Raster { width: self.width, height, channels: self.channels, samples }
    }
}

/// Up to sixteen rows, stored side by side.
#[derive(Default)]
struct Strip {
    /// The range of pixels that are needed from a row.
    columns: Range<usize>,
    channels: usize,
    /// The values of all rows for each sample of those pixels.
    source: Vec<u8x16>,
    /// The values of all rows after the horizontal pass.
    resized: Vec<u8x16>,
}

impl Strip {
    /// Takes rows of `line` samples and transposes them.
    fn transpose(&mut self, lines: &[u8], line: usize) {
        self.source.clear();
        let wanted = self.columns.start * self.channels..self.columns.end * self.channels;
        for at in wanted.clone().step_by(LANES) {
            let mut rows = [u8x16::ZERO; LANES];
            for (row, samples) in rows.iter_mut().zip(lines.chunks_exact(line)) {
                *row = load(&samples[at..wanted.end]);
            }
            self.source.extend_from_slice(&transposed(rows));
        }
    }

    /// Runs the horizontal pass.
    fn resize_lines(&mut self, across: &FixedWeights) {
        self.resized.clear();
        let channels = self.channels;
        for mean in across.means() {
            let pixels = &self.source[(mean.first - self.columns.start) * channels..];
            self.resized.extend((0..channels).map(|channel| mean.of(|at| pixels[at * channels + channel])));
        }
    }

    /// Writes the result into rows of `stride` vectors.
    fn write(&self, out: &mut [u8x16], stride: usize) {
        for (column, samples) in self.resized.chunks(LANES).enumerate() {
            let mut block = [u8x16::ZERO; LANES];
            block[..samples.len()].copy_from_slice(samples);
            for (row, vector) in out.chunks_exact_mut(stride).zip(transposed(block)) {
                row[column] = vector;
            }
        }
    }
}

/// Loads the first sixteen samples; if there are fewer, the rest are zeros.
fn load(samples: &[u8]) -> u8x16 {
    match samples.first_chunk() {
        Some(whole) => u8x16::new(*whole),
        None => {
            let mut filled = [0; LANES];
            filled[..samples.len()].copy_from_slice(samples);
            u8x16::new(filled)
        }
    }
}

/// Stores a vector in up to sixteen samples, as the counterpart of [`load`].
fn store(vector: u8x16, samples: &mut [u8]) {
    let vector = vector.to_array();
    match samples.first_chunk_mut() {
        Some(whole) => *whole = vector,
        None => samples.copy_from_slice(&vector[..samples.len()]),
    }
}

/// Swaps rows and columns by dealing the two halves of the rows like cards, four times.
#[inline]
fn transposed(rows: [u8x16; LANES]) -> [u8x16; LANES] {
    dealt(dealt(dealt(dealt(rows))))
}

#[inline]
fn dealt(rows: [u8x16; LANES]) -> [u8x16; LANES] {
    std::array::from_fn(|at| {
        let (first, second) = (rows[at / 2], rows[at / 2 + LANES / 2]);
        if at % 2 == 0 { u8x16::unpack_low(first, second) } else { u8x16::unpack_high(first, second) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(width: usize, height: usize) -> Target {
        Target { width, height, columns: 0..width, rows: 0..height }
    }

    fn noise(width: usize, height: usize, channels: usize, seed: u32) -> Raster {
        let mut state = seed | 1;
        let mut next = || {
            // The generator is Xorshift. Extreme values are common, so that clamping is exercised.
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            if state & 1 == 0 { (state >> 8) as u8 } else { ((state >> 8) as u8 & 1) * 255 }
        };
        let samples = (0..width * height * channels).map(|_| next()).collect();
        Raster { width, height, channels, samples }
    }

    fn replicated(gray: &Raster) -> Raster {
        let samples = gray.samples.iter().flat_map(|&value| [value; 3]).collect();
        Raster { channels: 3, samples, ..gray.clone() }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// This is why a gray image can be resized as one channel and replicated afterwards.
        #[test]
        fn replicating_gray_commutes_with_resizing(
            (w, h) in (1..40usize, 1..40usize), (to_w, to_h) in (1..40usize, 1..40usize), seed in any::<u32>(),
        ) {
            let gray = noise(w, h, 1, seed);
            let target = whole(to_w, to_h);
            let first = replicated(&resize(&gray, &target, Kernel::Cubic));
            let last = resize(&replicated(&gray), &target, Kernel::Cubic);
            prop_assert_eq!(first, last);
        }

        #[test]
        fn a_window_equals_the_crop_of_the_whole(
            (w, h) in (1..40usize, 1..40usize), (to_w, to_h) in (4..40usize, 4..40usize), seed in any::<u32>(),
        ) {
            let source = noise(w, h, 3, seed);
            let all = resize(&source, &whole(to_w, to_h), Kernel::Cubic);
            let window = Target { columns: 1..to_w - 2, rows: 2..to_h - 1, ..whole(to_w, to_h) };
            let part = resize(&source, &window, Kernel::Cubic);
            let cropped: Vec<u8> = all.samples.chunks(to_w * 3).skip(2).take(to_h - 3)
                .flat_map(|row| row[3..(to_w - 2) * 3].to_vec()).collect();
            prop_assert_eq!(part.samples, cropped);
        }
    }
}
