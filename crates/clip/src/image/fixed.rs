//! Computes weighted means in fixed point, sixteen at a time.
//!
//! Pillow rounds weights to 22 fractional bits and sums products in 32-bit integers. The product of an 8-bit sample and
//! such a weight needs a 32-bit multiplication, which the x86-64 baseline lacks for vectors; but it has an instruction
//! that multiplies 16-bit numbers and adds neighbouring products. So every weight is split into two 16-bit halves,
//! samples are taken in pairs, and the two sums are combined at the end, which gives the same integer.

use wide::{i16x8, i32x4, i32x8, u8x16};

use super::coefficients::Coefficients;

/// The number of samples that are computed at once.
pub(super) const LANES: usize = 16;

/// The number of fractional bits in a weight: 32, less 8 for the sample, less 2 for the sign and for overshoot.
const PRECISION: u32 = 32 - 8 - 2;
/// The number of bits in the lower part of a weight. It is half of them, so that the upper part of weights up to 16
/// fits into 16 bits.
const LOW: u32 = 11;

/// The input pixels from which each output pixel is computed, with their fixed-point weights.
#[derive(Debug)]
pub(super) struct FixedWeights {
    spans: Vec<Span>,
    /// The weights of all output pixels, one after the other.
    pairs: Vec<Pair>,
}

/// The input pixels of one output pixel.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: usize,
    count: usize,
}

/// The weights of two neighbouring input pixels.
#[derive(Clone, Copy, Debug)]
struct Pair {
    high: i16x8,
    low: i16x8,
}

impl Pair {
    fn new(first: i32, second: i32) -> Self {
        let pair = |first: i32, second: i32| {
            i16x8::new(std::array::from_fn(|at| if at % 2 == 0 { first } else { second } as i16))
        };
        let mask = (1 << LOW) - 1;
        Self { high: pair(first >> LOW, second >> LOW), low: pair(first & mask, second & mask) }
    }
}

impl From<&Coefficients> for FixedWeights {
    fn from(coefficients: &Coefficients) -> Self {
        let mut fixed = Self { spans: Vec::new(), pairs: Vec::new() };
        for (first, weights) in coefficients.iter() {
            fixed.spans.push(Span { first, count: weights.len() });
            fixed.pairs.extend(
                weights
                    .chunks(2)
                    .map(|two| Pair::new(rounded(two[0]), two.get(1).map_or(0, |&w| rounded(w)))),
            );
        }
        fixed
    }
}

/// Rounds a weight to fixed point, with halves away from zero.
fn rounded(weight: f64) -> i32 {
    let scaled = weight * f64::from(1 << PRECISION);
    (if scaled < 0.0 { scaled - 0.5 } else { scaled + 0.5 }) as i32
}

impl FixedWeights {
    /// Iterates over the means that make up the output pixels.
    pub(super) fn means(&self) -> impl Iterator<Item = Mean<'_>> {
        let mut rest = self.pairs.as_slice();
        self.spans.iter().map(move |&Span { first, count }| {
            let (pairs, tail) = rest.split_at(count.div_ceil(2));
            rest = tail;
            Mean { first, count, pairs }
        })
    }
}

/// A weighted mean of consecutive input pixels.
#[derive(Clone, Copy)]
pub(super) struct Mean<'a> {
    /// The index of the first input pixel.
    pub(super) first: usize,
    count: usize,
    pairs: &'a [Pair],
}

impl Mean<'_> {
    /// Computes the means of sixteen columns; `sample(i)` returns the value of the `i`-th input pixel in each column.
    #[inline]
    pub(super) fn of(&self, sample: impl Fn(usize) -> u8x16) -> u8x16 {
        let mut high = [i32x4::ZERO; 4];
        let mut low = [i32x4::ZERO; 4];
        for (at, pair) in self.pairs.iter().enumerate() {
            // If the number of samples is odd, the last one is paired with itself, with a weight of zero.
            let samples = quarters(sample(2 * at), sample((2 * at + 1).min(self.count - 1)));
            for quarter in 0..4 {
                high[quarter] += samples[quarter].dot(pair.high);
                low[quarter] += samples[quarter].dot(pair.low);
            }
        }
        let sums: [i32x4; 4] = std::array::from_fn(|quarter| (high[quarter] << LOW) + low[quarter]);
        u8x16::narrow_i16x8(rounded_means(sums[0], sums[1]), rounded_means(sums[2], sums[3]))
    }
}

/// Interleaves two sets of sixteen samples as 16-bit numbers; each quarter holds four lanes of both.
#[inline]
fn quarters(first: u8x16, second: u8x16) -> [i16x8; 4] {
    let (low, high) = (u8x16::unpack_low(first, second), u8x16::unpack_high(first, second));
    [
        i16x8::from_u8x16_low(low),
        i16x8::from_u8x16_high(low),
        i16x8::from_u8x16_low(high),
        i16x8::from_u8x16_high(high),
    ]
}

/// Drops the fraction and rounds halves up. Overshoot and undershoot of the bicubic filter are clamped later.
#[inline]
fn rounded_means(first: i32x4, second: i32x4) -> i16x8 {
    let half = i32x4::splat(1 << (PRECISION - 1));
    let [a, b, c, d] = ((first + half) >> PRECISION).to_array();
    let [e, f, g, h] = ((second + half) >> PRECISION).to_array();
    i16x8::from_i32x8_saturate(i32x8::new([a, b, c, d, e, f, g, h]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Resample;
    use proptest::prelude::*;

    /// Computes the definition: Pillow's `clip8(0.5 + Σ sample × weight)`.
    fn definition(weights: &[f64], samples: &[u8]) -> u8 {
        let products = samples
            .iter()
            .zip(weights)
            .map(|(&value, &weight)| i64::from(value) * i64::from(rounded(weight)));
        ((products.sum::<i64>() + (1 << (PRECISION - 1))) >> PRECISION).clamp(0, 255) as u8
    }

    proptest! {
        #[test]
        fn sixteen_means_at_once_equal_their_definition(
            (from, to) in (1..60usize, 1..60usize),
            filter in prop::sample::select(vec![Resample::Bicubic, Resample::Bilinear]),
            columns in prop::collection::vec(prop::array::uniform16(prop_oneof![any::<u8>(), Just(0), Just(255)]), 60),
        ) {
            let coefficients = Coefficients::new(filter, from, to, 0..to);
            let fixed = FixedWeights::from(&coefficients);
            for (mean, (first, weights)) in fixed.means().zip(coefficients.iter()) {
                let found = mean.of(|at| u8x16::new(columns[mean.first + at])).to_array();
                for (lane, found) in found.into_iter().enumerate() {
                    let samples: Vec<u8> = columns[first..first + weights.len()].iter().map(|row| row[lane]).collect();
                    prop_assert_eq!(found, definition(weights, &samples));
                }
            }
        }
    }
}
