//! Vectors as 8-bit integers, by which a search passes over most rows.
//!
//! The rows of a group are one block, in which each dimension has a scale of its own: codes from 0 to 255 divide what lies between
//! its least and its largest value. So neither a direction that all vectors share nor a dimension that is larger than others
//! makes the steps coarser. Faiss calls this scalar quantisation (`QT_8bit`), and has one scale of a dimension for a whole index.
//!
//! With the value *middle* + *step* · (*code* − 127.5) for a component, the product of a query and a row is
//! Σ *q* · *middle* + Σ *q* · *step* · (*code* − 127.5). The first sum is the same for all rows of a block. For the second one,
//! *q* · *step* is rounded to 16-bit multiples of a unit, and what is left to do for a row is a sum of products of integers, which is
//! exact in 32 bits. It is off by two things that are known: by Cauchy and Schwarz, by no more than the length of the query times
//! the length of the longest difference between a vector and its codes; and by 127.5 times what was rounded off the factors.
//!
//! | bytes of a block | what they hold |
//! |---|---|
//! | 8 | the length of the longest difference, as a 64-bit float |
//! | 8 for each dimension | its middle and its step, as 32-bit floats |
//! | 8 | a checksum of the bytes before: the first ones of their BLAKE3 |
//! | 1 for each dimension, row by row | the codes |
//!
//! One wrong bit in what is before the codes would make a search pass over the best rows of a whole block, and nobody would notice.

use cliptune_encode::matrix;

/// The code of the middle of a scale, which lies between two codes.
const MIDDLE: f64 = 127.5;
/// The number of steps between the ends of a scale.
const STEPS: f64 = 255.0;
/// The bytes of a scale.
const SCALE: usize = 2 * size_of::<f32>();
/// The bytes of a checksum.
const CHECKSUM: usize = 8;
/// The largest factor.
const LARGEST_FACTOR: f64 = i16::MAX as f64;
/// The largest sum of all factors without their signs, before they are rounded: with 2¹⁶ dimensions, rounding adds 2¹⁵ at
/// most, and 255 times the whole still has 31 bits.
const LARGEST_SUM: f64 = (1 << 23) as f64;
/// How far sums in double precision may be off, with room to spare.
const ROUNDING: f64 = 1e-9;

/// Returns the number of bytes before the codes of a block.
pub(crate) const fn head(dimension: usize) -> usize {
    size_of::<f64>() + dimension * SCALE + CHECKSUM
}

/// Appends the block of some vectors, which lie one behind the other.
pub(crate) fn encode(vectors: &[f32], dimension: usize, into: &mut Vec<u8>) {
    let scales = scales(vectors, dimension);
    let errors = vectors.chunks_exact(dimension).map(|vector| error(vector, &scales));
    let longest: f64 = errors.fold(0.0, f64::max);
    let mut head = longest.to_le_bytes().to_vec();
    head.extend(scales.iter().flat_map(|scale| scale.to_bytes()));
    into.extend(&head);
    into.extend(checksum(&head));
    for vector in vectors.chunks_exact(dimension) {
        into.extend(vector.iter().zip(&scales).map(|(&value, scale)| scale.code(value)));
    }
}

/// Returns the checksum of some bytes.
fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let [a, b, c, d, e, f, g, h, ..] = *blake3::hash(bytes).as_bytes();
    [a, b, c, d, e, f, g, h]
}

/// The values that the codes of a dimension stand for.
#[derive(Clone, Copy)]
struct Scale {
    middle: f32,
    step: f32,
}

impl Scale {
    fn between(least: f32, largest: f32) -> Self {
        let (least, largest) = (f64::from(least), f64::from(largest));
        Self { middle: least.midpoint(largest) as f32, step: ((largest - least) / STEPS) as f32 }
    }

    /// Returns the code whose value is nearest. Whatever it is, how far it is off is measured.
    fn code(self, value: f32) -> u8 {
        ((value - self.middle) / self.step + 128.0) as u8
    }

    fn value(self, code: u8) -> f64 {
        f64::from(self.middle) + f64::from(self.step) * (f64::from(code) - MIDDLE)
    }

    fn to_bytes(self) -> [u8; SCALE] {
        let ([a, b, c, d], [e, f, g, h]) = (self.middle.to_le_bytes(), self.step.to_le_bytes());
        [a, b, c, d, e, f, g, h]
    }

    fn from_bytes([a, b, c, d, e, f, g, h]: [u8; SCALE]) -> Self {
        Self { middle: f32::from_le_bytes([a, b, c, d]), step: f32::from_le_bytes([e, f, g, h]) }
    }
}

/// Returns the scales of the dimensions of some vectors.
fn scales(vectors: &[f32], dimension: usize) -> Vec<Scale> {
    let mut ends = vec![(f32::INFINITY, f32::NEG_INFINITY); dimension];
    for vector in vectors.chunks_exact(dimension) {
        for (end, &value) in ends.iter_mut().zip(vector) {
            *end = (end.0.min(value), end.1.max(value));
        }
    }
    ends.into_iter().map(|(least, largest)| Scale::between(least, largest)).collect()
}

/// Returns the length of the difference between a vector and its codes.
fn error(vector: &[f32], scales: &[Scale]) -> f64 {
    let difference = |(&value, scale): (&f32, &Scale)| f64::from(value) - scale.value(scale.code(value));
    vector.iter().zip(scales).map(|pair| difference(pair).powi(2)).sum::<f64>().sqrt()
}

/// A query that is made ready for the codes of one block.
pub(crate) struct Prepared {
    /// What the codes of each dimension are multiplied with.
    factors: Vec<i16>,
    /// What adding 1 to a product adds to the cosine.
    unit: f64,
    /// The cosine that a product of 0 stands for.
    origin: f64,
    /// How far a cosine may be off.
    pub(crate) error: f64,
}

impl Prepared {
    /// Makes a query ready for the block with this head, or returns `None` if that is damaged or holds numbers that no vectors
    /// give.
    pub(crate) fn new(query: &[f32], head: &[u8]) -> Option<Self> {
        let (head, _) = head.split_last_chunk::<CHECKSUM>().filter(|(head, sum)| checksum(head) == **sum)?;
        let (longest, scales) = head.split_first_chunk::<{ size_of::<f64>() }>()?;
        let (scales, _) = scales.as_chunks::<SCALE>();
        let scales: Vec<Scale> = scales.iter().map(|bytes| Scale::from_bytes(*bytes)).collect();
        let middles: Vec<f32> = scales.iter().map(|scale| scale.middle).collect();
        let weight = |(&value, scale): (&f32, &Scale)| f64::from(value) * f64::from(scale.step);
        let weights: Vec<f64> = query.iter().zip(&scales).map(weight).collect();
        let unit = unit(&weights);
        let factor = |weight: &f64| (weight / unit).round_ties_even() as i16;
        let factors: Vec<i16> = weights.iter().map(factor).collect();
        let rest = |(weight, &factor): (&f64, &i16)| (weight - unit * f64::from(factor)).abs();
        let rests: f64 = weights.iter().zip(&factors).map(rest).sum();
        let longest = matrix::product(query, query).sqrt() * f64::from_le_bytes(*longest);
        let error = longest + MIDDLE * rests + ROUNDING;
        let sum: i64 = factors.iter().map(|&factor| i64::from(factor)).sum();
        let origin = matrix::product(query, &middles) - unit * MIDDLE * sum as f64;
        (origin.is_finite() && error.is_finite()).then_some(Self { factors, unit, origin, error })
    }

    /// Returns the cosine that the codes of a row give.
    pub(crate) fn cosine(&self, codes: &[u8]) -> f64 {
        self.origin + self.unit * f64::from(product(&self.factors, codes))
    }
}

/// Returns the least unit of which no weight and no sum of products is too large a multiple.
fn unit(weights: &[f64]) -> f64 {
    let largest = weights.iter().fold(0.0, |largest: f64, weight| largest.max(weight.abs()));
    let sum: f64 = weights.iter().map(|weight| weight.abs()).sum();
    (largest / LARGEST_FACTOR).max(sum / LARGEST_SUM).max(f64::MIN_POSITIVE)
}

/// The number of sums that a product is split into, so that it can use the processor's vector units.
const LANES: usize = 32;

/// Returns the product of a query's factors and the codes of a row.
fn product(factors: &[i16], codes: &[u8]) -> i32 {
    let mut sums = [0_i32; LANES];
    let (factors, factors_left) = factors.as_chunks::<LANES>();
    let (codes, codes_left) = codes.as_chunks::<LANES>();
    for (factors, codes) in factors.iter().zip(codes) {
        for (sum, (a, b)) in sums.iter_mut().zip(factors.iter().zip(codes)) {
            *sum = sum.wrapping_add(i32::from(*a) * i32::from(*b));
        }
    }
    let rest = factors_left.iter().zip(codes_left).map(|(a, b)| i32::from(*a) * i32::from(*b));
    sums.into_iter().chain(rest).fold(0, i32::wrapping_add)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unit(mut values: Vec<f32>) -> Vec<f32> {
        let length = values.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-6);
        values.iter_mut().for_each(|value| *value /= length);
        values
    }

    /// Returns the block of some vectors.
    fn block(vectors: &[Vec<f32>]) -> Vec<u8> {
        let mut block = Vec::new();
        encode(&vectors.concat(), vectors[0].len(), &mut block);
        block
    }

    /// Returns the cosines of a query and all rows of a block, and how far they may be off.
    fn cosines(block: &[u8], query: &[f32]) -> (Vec<f64>, f64) {
        let (head, codes) = block.split_at(head(query.len()));
        let prepared = Prepared::new(query, head).unwrap();
        (codes.chunks_exact(query.len()).map(|codes| prepared.cosine(codes)).collect(), prepared.error)
    }

    /// Vectors drawn around one direction, and a query. Some dimensions are a thousand times as large as others.
    fn drawn() -> impl Strategy<Value = (Vec<Vec<f32>>, Vec<f32>)> {
        let sizes = (1_usize..700, 1_usize..12, 0_i32..8, any::<bool>());
        sizes.prop_flat_map(|(dimension, rows, near, is_uneven)| {
            let values = proptest::collection::vec(-1.0_f32..1.0, dimension * (rows + 2));
            values.prop_map(move |values| {
                let size = |at: usize| if is_uneven && at % 7 == 3 { 1000.0 } else { 1.0 };
                let mut vectors = values.chunks_exact(dimension);
                let common = vectors.next().unwrap();
                let value = |(at, (own, common)): (usize, (&f32, &f32))| {
                    size(at) * (own * 10_f32.powi(-near) + if near > 0 { *common } else { 0.0 })
                };
                let mut vectors: Vec<Vec<f32>> = vectors
                    .map(|vector| unit(vector.iter().zip(common).enumerate().map(value).collect()))
                    .collect();
                let query = vectors.pop().unwrap();
                (vectors, query)
            })
        })
    }

    proptest! {
        #[test]
        fn what_codes_say_of_a_cosine_is_as_near_as_they_promise((vectors, query) in drawn()) {
            let (found, error) = cosines(&block(&vectors), &query);
            prop_assert_eq!(found.len(), vectors.len());
            for (found, vector) in found.into_iter().zip(&vectors) {
                let off = (found - matrix::product(&query, vector)).abs();
                prop_assert!(off <= error, "{off} is more than {error}");
            }
        }

        #[test]
        fn a_product_of_codes_is_exact(
            pairs in proptest::collection::vec((any::<i16>(), any::<u8>()), 0..250),
        ) {
            let (factors, codes): (Vec<i16>, Vec<u8>) = pairs.into_iter().unzip();
            let exact: i64 = factors.iter().zip(&codes).map(|(&a, &b)| i64::from(a) * i64::from(b)).sum();
            prop_assert_eq!(i64::from(product(&factors, &codes)), exact);
        }
    }

    #[test]
    fn the_longest_vectors_do_not_overflow() {
        let dimension = 1 << 16;
        let query = vec![1.0 / 256.0; dimension];
        let opposite: Vec<f32> = query.iter().map(|value| -value).collect();
        let (found, error) = cosines(&block(&[query.clone(), opposite]), &query);
        assert!((found[0] - 1.0).abs() < 1e-6 && (found[1] + 1.0).abs() < 1e-6, "{found:?}");
        assert!(error < 1e-4, "{error}");
    }

    #[test]
    fn a_direction_that_all_vectors_share_costs_nothing() {
        let near = |row: usize| (0..64).map(move |at| 1.0 + ((at * 7 + row * 13) % 11) as f32 * 1e-4);
        let vectors: Vec<Vec<f32>> = (0..40).map(|row| unit(near(row).collect())).collect();
        let (_, error) = cosines(&block(&vectors), &vectors[0]);
        assert!(error < 2e-6, "{error}");
        let same = vec![vectors[0].clone(); 3];
        let (found, error) = cosines(&block(&same), &vectors[1]);
        assert!(error < 1e-8 && found[0] == found[2], "{error}");
    }

    #[test]
    fn any_wrong_bit_before_the_codes_is_told() {
        let good = block(&[vec![0.6, 0.8], vec![0.8, 0.6]]);
        let is_told = |head: &[u8]| Prepared::new(&[1.0, 0.0], head).is_none();
        let mut head = good[..head(2)].to_vec();
        assert!(!is_told(&head));
        for bit in 0..8 * head.len() {
            head[bit / 8] ^= 1_u8 << (bit % 8);
            assert!(is_told(&head), "bit {bit}");
            head[bit / 8] ^= 1_u8 << (bit % 8);
        }
        assert!(is_told(&[0; 7]) && is_told(&[]));
    }

    #[test]
    fn numbers_that_no_vectors_give_are_refused() {
        for value in [f32::INFINITY, f32::NEG_INFINITY] {
            let block = block(&[vec![0.6, value], vec![0.8, 0.6]]);
            assert!(Prepared::new(&[1.0, 0.5], &block[..head(2)]).is_none(), "{value}");
        }
    }
}
