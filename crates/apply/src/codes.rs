//! Vectors as 16-bit integers, by which a search passes over most rows.
//!
//! A unit vector's components lie in -1…1 and are rounded to multiples of 2⁻¹⁵. The product of two such codes is a sum of
//! integers that is exact in 32 bits: by Cauchy and Schwarz, no partial sum is larger than 2³⁰ and a little. It differs from the
//! cosine by no more than the lengths of the two differences between vector and code add up to (and their product), so that
//! a row whose product is too small is certainly not among the best.

/// The code of 1.
const ONE: f32 = 32767.0;
/// The cosine that a product of codes stands for.
pub(crate) const UNIT: f64 = 1.0 / (ONE as f64 * ONE as f64);

/// Returns the code of a component.
pub(crate) fn code(value: f32) -> i16 {
    (value * ONE).round_ties_even() as i16
}

/// Returns the length of the difference between a vector and its code.
pub(crate) fn error(vector: &[f32]) -> f64 {
    let difference = |&value: &f32| f64::from(value) - f64::from(code(value)) / f64::from(ONE);
    vector.iter().map(|value| difference(value).powi(2)).sum::<f64>().sqrt()
}

/// The number of sums that a product is split into, so that it can use the processor's vector units.
const LANES: usize = 32;

/// Returns the product of two codes; the second is as it lies in a file.
pub(crate) fn product(query: &[i16], row: &[u8]) -> i32 {
    let (row, _) = row.as_chunks::<2>();
    let mut sums = [0_i32; LANES];
    let (queries, queries_left) = query.as_chunks::<LANES>();
    let (rows, rows_left) = row.as_chunks::<LANES>();
    for (query, row) in queries.iter().zip(rows) {
        for (sum, (a, b)) in sums.iter_mut().zip(query.iter().zip(row)) {
            *sum = sum.wrapping_add(i32::from(*a) * i32::from(i16::from_le_bytes(*b)));
        }
    }
    let rest = queries_left.iter().zip(rows_left);
    let rest = rest.map(|(a, b)| i32::from(*a) * i32::from(i16::from_le_bytes(*b)));
    sums.into_iter().chain(rest).fold(0, i32::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ends_of_the_range_have_codes() {
        assert_eq!([-1.0, 0.0, 1.0, 0.5].map(code), [-32767, 0, 32767, 16384]);
    }

    proptest! {
        #[test]
        fn a_product_of_codes_is_as_near_to_the_cosine_as_the_errors_say(
            values in proptest::collection::vec((-1.0_f32..1.0, -1.0_f32..1.0), 1..700),
        ) {
            let unit = |values: Vec<f32>| {
                let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-6);
                values.into_iter().map(|value| value / norm).collect::<Vec<f32>>()
            };
            let (a, b): (Vec<f32>, Vec<f32>) = values.into_iter().unzip();
            let (a, b) = (unit(a), unit(b));
            let query: Vec<i16> = a.iter().map(|&value| code(value)).collect();
            let row: Vec<u8> = b.iter().flat_map(|&value| code(value).to_le_bytes()).collect();
            let exact: i64 = a.iter().zip(&b).map(|(&a, &b)| i64::from(code(a)) * i64::from(code(b))).sum();
            prop_assert_eq!(i64::from(product(&query, &row)), exact, "nothing overflows");
            let cosine: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            let bound = (1.0 + error(&a)) * error(&b) + (1.0 + error(&b)) * error(&a) + 1e-6;
            prop_assert!((cosine - exact as f64 * UNIT).abs() <= bound);
        }
    }
}
