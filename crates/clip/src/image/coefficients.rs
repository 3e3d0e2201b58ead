//! Computes the weights for resampling along one axis.
//!
//! This is the arithmetic of Pillow's resampling (`libImaging/Resample.c`), written from its description so that the
//! result is the same to the bit. Every output pixel is a weighted mean of the input pixels under a filter centred on
//! it. When an image is shrunk, the filter is stretched by the same factor, which is what prevents aliasing.

use std::cell::{OnceCell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use super::fixed::FixedWeights;

/// The interpolation filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resample {
    /// Cubic convolution with a = -0.5, which is PIL's BICUBIC and what CLIP was trained with.
    Bicubic,
    /// The triangle filter, which is PIL's BILINEAR.
    Bilinear,
}

impl Resample {
    /// Returns the name of the filter, `bicubic` or `bilinear`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bicubic => "bicubic",
            Self::Bilinear => "bilinear",
        }
    }
}

/// A function by which distances from the centre become weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    Cubic,
    Triangle,
    /// Pillow's LANCZOS, of three lobes.
    Lanczos,
}

impl From<Resample> for Kernel {
    fn from(filter: Resample) -> Self {
        match filter {
            Resample::Bicubic => Self::Cubic,
            Resample::Bilinear => Self::Triangle,
        }
    }
}

impl Kernel {
    /// Returns how far the filter reaches from its centre before it is stretched, in pixels.
    fn support(self) -> f64 {
        match self {
            Self::Cubic => 2.0,
            Self::Triangle => 1.0,
            Self::Lanczos => 3.0,
        }
    }

    /// Returns the filter's value at a distance from its centre.
    ///
    /// The order of operations matters: weights that differ in the last bit can round to different integers.
    fn weight(self, distance: f64) -> f64 {
        const A: f64 = -0.5;
        let x = distance.abs();
        match self {
            Self::Cubic if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
            Self::Cubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
            Self::Triangle if x < 1.0 => 1.0 - x,
            Self::Lanczos if x < 3.0 => sinc(x) * sinc(x / 3.0),
            _ => 0.0,
        }
    }
}

fn sinc(x: f64) -> f64 {
    let angle = x * std::f64::consts::PI;
    if x == 0.0 { 1.0 } else { angle.sin() / angle }
}

/// What decides the weights of an axis.
type Axis = (Kernel, usize, f64, usize, Range<usize>);

/// The input pixels from which each output pixel is computed, with their weights.
#[derive(Debug)]
pub(super) struct Coefficients {
    /// The first input pixel and the number of weights for each output pixel.
    spans: Vec<(usize, usize)>,
    /// The weights of all output pixels, one after the other. Those of each pixel sum to 1.
    weights: Vec<f64>,
    /// The same in fixed point, once they are needed.
    fixed: OnceCell<FixedWeights>,
}

impl Coefficients {
    /// Computes the weights for the output pixels `wanted` of an axis that is resized from `from` to `to` pixels.
    ///
    /// Only the part that remains after cropping is computed, because an output pixel does not depend on its
    /// neighbours.
    pub(super) fn new(filter: impl Into<Kernel>, from: usize, to: usize, wanted: Range<usize>) -> Self {
        Self::of_part(filter, from, from as f64, to, wanted)
    }

    /// Computes the same for an axis of which only the first `part` is resized, which may end within a pixel.
    fn of_part(filter: impl Into<Kernel>, from: usize, part: f64, to: usize, wanted: Range<usize>) -> Self {
        let filter = filter.into();
        let scale = part / to as f64;
        let stretch = scale.max(1.0);
        let support = filter.support() * stretch;
        let spans = Vec::with_capacity(wanted.len());
        let mut coefficients = Self { spans, weights: Vec::new(), fixed: OnceCell::new() };
        for pixel in wanted {
            let centre = (pixel as f64 + 0.5) * scale;
            // The cast truncates towards zero, and negative values saturate at zero, which is how Pillow clamps.
            let first = (centre - support + 0.5) as usize;
            let end = ((centre + support + 0.5) as usize).min(from);
            let weight = |at: usize| filter.weight((at as f64 - centre + 0.5) * (1.0 / stretch));
            coefficients.push(first, (first..end).map(weight));
        }
        coefficients
    }

    /// Returns the same, from a few that were computed before: most images of a dataset are of a few sizes.
    pub(super) fn known(filter: Kernel, from: usize, part: f64, to: usize, wanted: Range<usize>) -> Rc<Self> {
        /// The number that is kept: those of two images.
        const MOST: usize = 4;
        thread_local! {
            static KNOWN: RefCell<Vec<(Axis, Rc<Coefficients>)>> = const { RefCell::new(Vec::new()) };
        }
        let axis = (filter, from, part, to, wanted);
        KNOWN.with_borrow_mut(|known| {
            if let Some((_, coefficients)) = known.iter().find(|(other, _)| *other == axis) {
                return Rc::clone(coefficients);
            }
            let coefficients = Rc::new(Self::of_part(filter, from, part, to, axis.4.clone()));
            if known.len() == MOST {
                known.remove(0);
            }
            known.push((axis, Rc::clone(&coefficients)));
            coefficients
        })
    }

    /// Returns the weights in fixed point.
    pub(super) fn fixed(&self) -> &FixedWeights {
        self.fixed.get_or_init(|| FixedWeights::from(self))
    }

    /// Adds an output pixel and scales its weights to a sum of 1.
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

    /// Iterates over the output pixels and yields the first input pixel and the weights of each.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &[f64])> {
        let mut rest = self.weights.as_slice();
        self.spans.iter().map(move |&(first, count)| {
            let (weights, tail) = rest.split_at(count);
            rest = tail;
            (first, weights)
        })
    }

    /// Returns the range of input pixels that the output pixels need.
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
    fn what_is_known_is_what_would_be_computed() {
        for (from, to) in [(100, 37), (37, 100), (100, 37), (5, 9), (9, 5), (6, 7), (100, 37)] {
            for filter in [Kernel::Cubic, Kernel::Lanczos] {
                for part in [from as f64, from as f64 - 0.25] {
                    let known = Coefficients::known(filter, from, part, to, 0..to);
                    assert!(known.iter().eq(Coefficients::of_part(filter, from, part, to, 0..to).iter()));
                }
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
