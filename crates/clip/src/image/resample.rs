//! Resizing 8-bit images, to the byte as Pillow does it.
//!
//! Two passes, horizontal then vertical, with the intermediate rounded to 8 bits; see [`coefficients`] for the
//! weights. That is every Pillow that CLIP models were published with. Newer ones turn the passes round for images
//! whose height shrinks much more than their width (12.2: over a hundred times as tall as wide; 13: about three
//! times, pull request 9549), which changes such images by a few levels. Here the order never depends on the image.
//!
//! The usual crates are not used because they differ: `image` goes vertically first and keeps floats in
//! between, `fast_image_resize` rounds weights to 16 bits. A model's scores should not depend on that.
//!
//! [`coefficients`]: super::coefficients

use std::ops::Range;

use super::coefficients::{Coefficients, PRECISION, Resample};

/// An 8-bit image: rows of pixels of 1 or 3 interleaved channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Raster {
    pub(super) width: usize,
    pub(super) height: usize,
    /// 1 (gray) or 3 (RGB).
    pub(super) channels: usize,
    /// `height × width × channels` bytes.
    pub(super) bytes: Vec<u8>,
}

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

/// Resizes an image and cuts the wanted part out of the result, computing nothing else.
pub(super) fn resize(source: &Raster, target: &Target, filter: Resample) -> Raster {
    let across = Coefficients::new(filter, source.width, target.width, target.columns.clone());
    let down = Coefficients::new(filter, source.height, target.height, target.rows.clone());
    let rows = down.reach();
    let stride = target.columns.len() * source.channels;
    let mut narrow = vec![0; rows.len() * stride];
    let lines = source.bytes.chunks_exact(source.width * source.channels).skip(rows.start);
    for (line, out) in lines.zip(narrow.chunks_exact_mut(stride)) {
        match source.channels {
            1 => resize_line::<1>(line, &across, out),
            _ => resize_line::<3>(line, &across, out),
        }
    }
    Raster {
        width: target.columns.len(),
        height: target.rows.len(),
        channels: source.channels,
        bytes: resize_columns(&narrow, stride, rows.start, &down),
    }
}

/// The horizontal pass over one row.
fn resize_line<const CHANNELS: usize>(line: &[u8], across: &Coefficients, out: &mut [u8]) {
    let (pixels, _) = line.as_chunks::<CHANNELS>();
    let (out, _) = out.as_chunks_mut::<CHANNELS>();
    for ((first, weights), out) in across.iter().zip(out) {
        let mut sums = [HALF; CHANNELS];
        for (pixel, &weight) in pixels[first..first + weights.len()].iter().zip(weights) {
            for (sum, &value) in sums.iter_mut().zip(pixel) {
                *sum += i32::from(value) * weight;
            }
        }
        *out = sums.map(round);
    }
}

/// The vertical pass: `narrow` holds rows of `stride` bytes, the first of them row `top` of the source.
fn resize_columns(narrow: &[u8], stride: usize, top: usize, down: &Coefficients) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sums = vec![HALF; stride];
    for (first, weights) in down.iter() {
        sums.fill(HALF);
        let rows = narrow[(first - top) * stride..].chunks_exact(stride);
        for (row, &weight) in rows.zip(weights) {
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += i32::from(value) * weight;
            }
        }
        out.extend(sums.iter().map(|&sum| round(sum)));
    }
    out
}

/// One half in fixed point: sums start here, so that cutting the fraction off rounds.
const HALF: i32 = 1 << (PRECISION - 1);

/// Drops the fraction and clamps the over- and undershoot of the bicubic filter.
fn round(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
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
            // Xorshift: extreme values are common, so that clamping is exercised.
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            if state & 1 == 0 { (state >> 8) as u8 } else { ((state >> 8) as u8 & 1) * 255 }
        };
        let bytes = (0..width * height * channels).map(|_| next()).collect();
        Raster { width, height, channels, bytes }
    }

    fn replicated(gray: &Raster) -> Raster {
        let bytes = gray.bytes.iter().flat_map(|&value| [value; 3]).collect();
        Raster { channels: 3, bytes, ..gray.clone() }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Why a gray image can be resized as one channel and replicated afterwards.
        #[test]
        fn replicating_gray_commutes_with_resizing(
            (w, h) in (1..40usize, 1..40usize), (to_w, to_h) in (1..40usize, 1..40usize), seed in any::<u32>(),
        ) {
            let gray = noise(w, h, 1, seed);
            let target = whole(to_w, to_h);
            let first = replicated(&resize(&gray, &target, Resample::Bicubic));
            let last = resize(&replicated(&gray), &target, Resample::Bicubic);
            prop_assert_eq!(first, last);
        }

        #[test]
        fn a_window_equals_the_crop_of_the_whole(
            (w, h) in (1..40usize, 1..40usize), (to_w, to_h) in (4..40usize, 4..40usize), seed in any::<u32>(),
        ) {
            let source = noise(w, h, 3, seed);
            let all = resize(&source, &whole(to_w, to_h), Resample::Bicubic);
            let window = Target { columns: 1..to_w - 2, rows: 2..to_h - 1, ..whole(to_w, to_h) };
            let part = resize(&source, &window, Resample::Bicubic);
            let cropped: Vec<u8> = all.bytes.chunks(to_w * 3).skip(2).take(to_h - 3)
                .flat_map(|row| row[3..(to_w - 2) * 3].to_vec()).collect();
            prop_assert_eq!(part.bytes, cropped);
        }
    }
}
