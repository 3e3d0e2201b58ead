//! Writes rows of floats as 8-bit integers: `value ≈ scale · integer`, symmetric, with one scale for each row.

use std::io::{self, Read, Write};

/// The largest integer. −128 is not used, so that the range is symmetric.
const LARGEST: f32 = i8::MAX as f32;

/// The use of a row's integers, which decides the row's scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scaling {
    /// The integers are looked up. The largest number of the row becomes the largest integer.
    Lookup,
    /// The integers are multiplied by unsigned 8-bit integers, and the products are added up.
    ///
    /// x86 processors without VNNI add the products of two neighbours in a 16-bit register that saturates: 255 · 127 +
    /// 255 · 127 does not fit, but 255 · 128 does. The scale is therefore chosen so that two neighbours of the same
    /// sign never exceed 128 together. The integer product is then the same on every processor, and a model's measured
    /// quality holds wherever it runs. The usual remedy, halving the range of all integers, would be as safe but twice
    /// as coarse.
    Product,
}

impl Scaling {
    /// Returns the number that one unit of a row's integers stands for.
    fn scale(self, row: &[f32]) -> f32 {
        let alone = row.iter().map(|value| value.abs());
        let together =
            row.as_chunks::<2>().0.iter().map(|[a, b]| if a * b > 0.0 { (a + b).abs() } else { 0.0 });
        let largest = match self {
            Self::Lookup => alone.fold(0.0, f32::max),
            Self::Product => alone.chain(together).fold(0.0, f32::max),
        };
        // A row of zeros may have any scale except 0.
        if largest > 0.0 { largest / LARGEST } else { 1.0 }
    }

    /// Returns the integers of a row. Ties are rounded to the even integer, as in `QuantizeLinear`.
    fn integers(self, row: &[f32]) -> impl Iterator<Item = i8> + '_ {
        let scale = self.scale(row);
        row.iter().map(move |value| (value / scale).round_ties_even().clamp(-LARGEST, LARGEST) as i8)
    }
}

/// Reads 32-bit floats a few at a time.
pub(super) struct Floats<'a> {
    source: &'a mut dyn Read,
    bytes: Vec<u8>,
    values: Vec<f32>,
}

impl<'a> Floats<'a> {
    pub(super) fn new(source: &'a mut dyn Read) -> Self {
        Self { source, bytes: Vec::new(), values: Vec::new() }
    }

    /// Reads the next `length` floats.
    pub(super) fn row(&mut self, length: usize) -> io::Result<&[f32]> {
        let wanted = length * size_of::<f32>();
        self.bytes.clear();
        // The memory grows with what is there, and not with what a shape says.
        self.source.take(wanted as u64).read_to_end(&mut self.bytes)?;
        if self.bytes.len() < wanted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let (floats, _) = self.bytes.as_chunks::<4>();
        self.values.clear();
        self.values.extend(floats.iter().map(|bytes| f32::from_le_bytes(*bytes)));
        Ok(&self.values)
    }
}

/// Writes the scale of each of `rows` rows of `columns` floats.
pub(super) fn write_scales(
    source: &mut dyn Read,
    [rows, columns]: [usize; 2],
    scaling: Scaling,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut floats = Floats::new(source);
    (0..rows).try_for_each(|_| out.write_all(&scaling.scale(floats.row(columns)?).to_le_bytes()))
}

/// Writes the integers of a matrix row by row.
pub(super) fn write_rows(
    source: &mut dyn Read,
    [rows, columns]: [usize; 2],
    scaling: Scaling,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut floats = Floats::new(source);
    (0..rows).try_for_each(|_| {
        let integers: Vec<u8> = scaling.integers(floats.row(columns)?).map(i8::cast_unsigned).collect();
        out.write_all(&integers)
    })
}

/// Writes the integers column by column, which transposes the matrix. One whole weight is in memory meanwhile.
pub(super) fn write_columns(
    source: &mut dyn Read,
    [rows, columns]: [usize; 2],
    scaling: Scaling,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut transposed = vec![0_u8; rows * columns];
    let mut floats = Floats::new(source);
    for row in 0..rows {
        let integers = scaling.integers(floats.row(columns)?);
        let places = transposed.iter_mut().skip(row).step_by(rows);
        places.zip(integers).for_each(|(place, integer)| *place = integer.cast_unsigned());
    }
    out.write_all(&transposed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MATRIX: [f32; 6] = [0.5, -2.0, 1.0, 0.0, 0.0, 0.0];

    fn bytes(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn written(write: impl FnOnce(&mut dyn Read, &mut dyn Write) -> io::Result<()>) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut bytes(&MATRIX).as_slice(), &mut out).unwrap();
        out
    }

    fn signed(bytes: &[u8]) -> Vec<i8> {
        bytes.iter().map(|byte| byte.cast_signed()).collect()
    }

    #[test]
    fn the_largest_number_of_a_row_is_the_largest_integer() {
        // numpy: w = [.5, -2, 1]; s = abs(w).max() / 127; rint(w / s) = [32, -127, 64]
        let rows = written(|source, out| write_rows(source, [2, 3], Scaling::Lookup, out));
        assert_eq!(signed(&rows), [32, -127, 64, 0, 0, 0]);
        let scales = written(|source, out| write_scales(source, [2, 3], Scaling::Lookup, out));
        assert_eq!(scales, bytes(&[2.0 / 127.0, 1.0]), "a row of zeros has a scale that can be divided by");
    }

    #[test]
    fn columns_are_the_transposed_rows() {
        let columns = written(|source, out| write_columns(source, [2, 3], Scaling::Lookup, out));
        assert_eq!(signed(&columns), [32, 0, -127, 0, 64, 0]);
    }

    #[test]
    fn too_few_floats_are_an_error() {
        let source = bytes(&MATRIX[..4]);
        let error = write_rows(&mut source.as_slice(), [2, 3], Scaling::Lookup, &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn neighbours_of_one_sign_share_the_range() {
        let integers = |row: &[f32]| Scaling::Product.integers(row).collect::<Vec<i8>>();
        assert_eq!(integers(&[1.0, 1.0, -0.5]), [64, 64, -32]);
        assert_eq!(integers(&[1.0, -1.0, -0.5]), [127, -127, -64], "of two signs, they do not add up");
        assert_eq!(integers(&[0.0, 1.0, 1.0, 0.0]), [0, 127, 127, 0], "pairs do not overlap");
    }

    proptest! {
        #[test]
        fn every_value_is_within_half_a_unit(row in proptest::collection::vec(-1e3_f32..1e3, 1..40)) {
            for scaling in [Scaling::Lookup, Scaling::Product] {
                let scale = scaling.scale(&row);
                for (value, integer) in row.iter().zip(scaling.integers(&row)) {
                    prop_assert!((value - f32::from(integer) * scale).abs() <= 0.500_01 * scale);
                }
            }
        }

        #[test]
        fn two_products_fit_into_16_bits(row in proptest::collection::vec(-1e3_f32..1e3, 2..40)) {
            let integers: Vec<i32> = Scaling::Product.integers(&row).map(i32::from).collect();
            for pair in integers.chunks(2) {
                // A pair's products are largest when the activation is 255 for positive weights and 0 for negative
                // ones.
                let highest: i32 = pair.iter().map(|weight| 255 * weight.max(&0)).sum();
                let lowest: i32 = pair.iter().map(|weight| 255 * weight.min(&0)).sum();
                prop_assert!(highest <= i32::from(i16::MAX) && lowest >= i32::from(i16::MIN));
            }
        }
    }
}
