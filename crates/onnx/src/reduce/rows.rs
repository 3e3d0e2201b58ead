//! Rows of floats as 8-bit integers: `value ≈ scale · integer`, symmetric, with a scale for each row.

use std::io::{self, Read, Write};

/// The integers that are used: from `-limit` to `limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    limit: i8,
}

impl Range {
    /// All of them but −128, for tables whose rows are only looked up.
    pub(super) const FULL: Self = Self { limit: i8::MAX };

    /// For products with unsigned 8-bit integers.
    ///
    /// Processors without VNNI add two of these products in a 16-bit register that saturates: 2 · 255 · 127 does not
    /// fit, 2 · 255 · 64 does. With this range the integer product is exact on every processor, so that what the
    /// model was judged by holds wherever it runs.
    pub(super) const EXACT: Self = Self { limit: 64 };

    /// What one unit of a row's integers stands for.
    fn scale(self, row: &[f32]) -> f32 {
        let largest = row.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        // A row of zeros may have any scale but 0.
        if largest > 0.0 { largest / f32::from(self.limit) } else { 1.0 }
    }

    /// The integers of a row. Ties go to the even one, as in `QuantizeLinear`.
    fn integers(self, row: &[f32]) -> impl Iterator<Item = i8> + '_ {
        let (scale, limit) = (self.scale(row), f32::from(self.limit));
        row.iter().map(move |value| (value / scale).round_ties_even().clamp(-limit, limit) as i8)
    }
}

/// 32-bit floats, a few at a time.
pub(super) struct Floats<'a> {
    source: &'a mut dyn Read,
    bytes: Vec<u8>,
    values: Vec<f32>,
}

impl<'a> Floats<'a> {
    pub(super) fn new(source: &'a mut dyn Read) -> Self {
        Self { source, bytes: Vec::new(), values: Vec::new() }
    }

    /// The next floats.
    pub(super) fn row(&mut self, length: usize) -> io::Result<&[f32]> {
        self.bytes.resize(length * size_of::<f32>(), 0);
        self.source.read_exact(&mut self.bytes)?;
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
    range: Range,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut floats = Floats::new(source);
    (0..rows).try_for_each(|_| out.write_all(&range.scale(floats.row(columns)?).to_le_bytes()))
}

/// Writes the integers row by row.
pub(super) fn write_rows(
    source: &mut dyn Read,
    [rows, columns]: [usize; 2],
    range: Range,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut floats = Floats::new(source);
    (0..rows).try_for_each(|_| {
        let integers: Vec<u8> = range.integers(floats.row(columns)?).map(i8::cast_unsigned).collect();
        out.write_all(&integers)
    })
}

/// Writes the integers column by column: the transposed matrix, one weight of which is in memory.
pub(super) fn write_columns(
    source: &mut dyn Read,
    [rows, columns]: [usize; 2],
    range: Range,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut transposed = vec![0_u8; rows * columns];
    let mut floats = Floats::new(source);
    for row in 0..rows {
        let integers = range.integers(floats.row(columns)?);
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

    #[test]
    fn the_largest_of_a_row_is_the_limit() {
        // numpy: w = [.5, -2, 1]; s = abs(w).max() / 64; round(w / s) = [16, -64, 32]
        let range = Range::EXACT;
        let rows = written(|source, out| write_rows(source, [2, 3], range, out));
        assert_eq!(rows.iter().map(|&byte| byte.cast_signed()).collect::<Vec<_>>(), [16, -64, 32, 0, 0, 0]);
        let scales = written(|source, out| write_scales(source, [2, 3], range, out));
        assert_eq!(scales, bytes(&[2.0 / 64.0, 1.0]), "a row of zeros has a scale that can be divided by");
    }

    #[test]
    fn columns_are_the_transposed_rows() {
        let columns = written(|source, out| write_columns(source, [2, 3], Range::EXACT, out));
        assert_eq!(
            columns.iter().map(|&byte| byte.cast_signed()).collect::<Vec<_>>(),
            [16, 0, -64, 0, 32, 0]
        );
    }

    #[test]
    fn too_few_floats_are_an_error() {
        let source = bytes(&MATRIX[..4]);
        let error = write_rows(&mut source.as_slice(), [2, 3], Range::FULL, &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn two_products_of_the_exact_range_fit_into_16_bits() {
        let largest = i32::from(u8::MAX) * i32::from(Range::EXACT.limit);
        assert!(2 * largest <= i32::from(i16::MAX), "{largest}");
    }

    proptest! {
        #[test]
        fn every_value_is_within_half_a_unit(row in proptest::collection::vec(-1e3_f32..1e3, 1..40)) {
            for range in [Range::EXACT, Range::FULL] {
                let scale = range.scale(&row);
                for (value, integer) in row.iter().zip(range.integers(&row)) {
                    prop_assert!((value - f32::from(integer) * scale).abs() <= 0.500_01 * scale);
                }
            }
        }
    }
}
