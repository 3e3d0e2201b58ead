//! The weights of a resampling along one axis.
//!
//! This is the arithmetic of Pillow's resampling (`libImaging/Resample.c`), written from its description so that the
//! outcome is the same to the bit: every output pixel is a weighted mean of the input pixels under a filter centred on
//! it; when shrinking, the filter is stretched by the same factor, which is what prevents aliasing.

use std::ops::Range;

/// The interpolation filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resample {
    /// Cubic convolution with a = -0.5: PIL's BICUBIC, what CLIP was trained with.
    Bicubic,
    /// The triangle filter: PIL's BILINEAR.
    Bilinear,
}

impl Resample {
    /// `bicubic` or `bilinear`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bicubic => "bicubic",
            Self::Bilinear => "bilinear",
        }
    }

    /// How far the filter reaches from its centre, in pixels, before stretching.
    fn support(self) -> f64 {
        match self {
            Self::Bicubic => 2.0,
            Self::Bilinear => 1.0,
        }
    }

    /// The filter's value at a distance from its centre.
    ///
    /// The order of operations matters: weights that differ in the last bit can round to different integers.
    fn weight(self, distance: f64) -> f64 {
        const A: f64 = -0.5;
        let x = distance.abs();
        match self {
            Self::Bicubic if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
            Self::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
            Self::Bilinear if x < 1.0 => 1.0 - x,
            _ => 0.0,
        }
    }
}

/// For each output pixel, which input pixels it is made of and with what weights.
#[derive(Debug)]
pub(super) struct Coefficients {
    /// First input pixel and number of weights of each output pixel.
    spans: Vec<(usize, usize)>,
    /// Weights of all output pixels, one after the other; those of each sum to 1.
    weights: Vec<f64>,
}

impl Coefficients {
    /// Weights for the output pixels `wanted` of an axis resized from `from` to `to` pixels.
    ///
    /// Only the part that is kept after cropping is computed: an output pixel does not depend on its neighbours.
    pub(super) fn new(filter: Resample, from: usize, to: usize, wanted: Range<usize>) -> Self {
        let scale = from as f64 / to as f64;
        let stretch = scale.max(1.0);
        let support = filter.support() * stretch;
        let mut coefficients = Self { spans: Vec::with_capacity(wanted.len()), weights: Vec::new() };
        for pixel in wanted {
            let centre = (pixel as f64 + 0.5) * scale;
            // Casting truncates towards zero, and negative values saturate at zero: the clamping Pillow does.
            let first = (centre - support + 0.5) as usize;
            let end = ((centre + support + 0.5) as usize).min(from);
            let weight = |at: usize| filter.weight((at as f64 - centre + 0.5) * (1.0 / stretch));
            coefficients.push(first, (first..end).map(weight));
        }
        coefficients
    }

    /// Adds an output pixel, scaling its weights to a sum of 1.
    fn push(&mut self, first: usize, weights: impl Iterator<Item = f64>) {
        let start = self.weights.len();
        self.weights.extend(weights);
        let weights = &mut self.weights[start..];
        let sum: f64 = weights.iter().sum();
        if sum != 0.0 {
            weights.iter_mut().for_each(|weight| *weight /= sum);
        }
        self.spans.push((first, weights.len()));
    }

    /// The first input pixel and the weights of each output pixel in turn.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &[f64])> {
        let mut rest = self.weights.as_slice();
        self.spans.iter().map(move |&(first, count)| {
            let (weights, tail) = rest.split_at(count);
            rest = tail;
            (first, weights)
        })
    }

    /// The input pixels that any output pixel needs.
    pub(super) fn reach(&self) -> Range<usize> {
        let start = self.spans.iter().map(|span| span.0).min().unwrap_or(0);
        let end = self.spans.iter().map(|span| span.0 + span.1).max().unwrap_or(0);
        start..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_size_is_the_identity() {
        for filter in [Resample::Bicubic, Resample::Bilinear] {
            let coefficients = Coefficients::new(filter, 7, 7, 0..7);
            for (pixel, (first, weights)) in coefficients.iter().enumerate() {
                let one = weights.iter().position(|&weight| weight == 1.0).unwrap();
                assert_eq!(first + one, pixel);
                assert!(weights.iter().enumerate().all(|(at, &weight)| at == one || weight == 0.0));
            }
        }
    }

    #[test]
    fn weights_sum_to_one_and_stay_inside() {
        for (from, to) in [(1, 9), (450, 224), (3, 1), (64_000, 3), (17, 224)] {
            let coefficients = Coefficients::new(Resample::Bicubic, from, to, 0..to);
            for (first, weights) in coefficients.iter() {
                assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                assert!(first + weights.len() <= from);
            }
        }
    }

    #[test]
    fn a_window_is_a_part_of_the_whole() {
        let whole = Coefficients::new(Resample::Bicubic, 100, 37, 0..37);
        let part = Coefficients::new(Resample::Bicubic, 100, 37, 5..20);
        assert!(part.iter().eq(whole.iter().skip(5).take(15)));
    }
}
