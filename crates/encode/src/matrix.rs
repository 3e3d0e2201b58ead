//! Rows of numbers: the vectors that the towers give, and the cosines between them.

use rayon::prelude::*;

/// A matrix, whose rows all have the same length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    rows: usize,
    values: Vec<f32>,
}

/// A row that cannot be made a unit vector.
#[derive(Clone, Copy, Debug)]
pub struct NoDirection {
    /// The number of the row, from 0.
    pub row: usize,
    /// The Euclidean norm of the row.
    norm: f32,
}

impl NoDirection {
    /// Returns the same for the row of another matrix that is made of this one.
    pub fn of_row(self, row: usize) -> Self {
        Self { row, ..self }
    }

    /// Returns what the row consists of, in words.
    pub fn computed(self) -> &'static str {
        match self.norm {
            norm if norm.is_nan() => "NaN",
            norm if norm.is_infinite() => "infinite numbers",
            _ => "nothing but zeros",
        }
    }
}

/// The number of queries whose products with all candidates are computed together: their rows stay in the processor's
/// cache while each candidate passes by once.
const QUERIES_AT_A_TIME: usize = 16;

/// The number of sums that a product is split into, so that it can use the processor's vector units.
const LANES: usize = 8;

impl Matrix {
    /// Returns a matrix of row-major values.
    pub fn new(rows: usize, values: Vec<f32>) -> Self {
        Self { rows, values }
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the length of a row.
    pub fn columns(&self) -> usize {
        self.values.len() / self.rows.max(1)
    }

    /// Returns one row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.columns()..(row + 1) * self.columns()]
    }

    /// Appends the rows of another matrix with the same number of columns.
    pub fn extend(&mut self, other: &Self) {
        self.values.extend_from_slice(&other.values);
        self.rows += other.rows;
    }

    /// Appends one row, which is as long as the others.
    pub fn push(&mut self, row: &[f32]) {
        self.values.extend_from_slice(row);
        self.rows += 1;
    }

    /// Returns the values, row by row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Returns a matrix of the given rows, in any order; rows may be repeated or left out.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self { rows: rows.len(), values: rows.iter().flat_map(|&row| self.row(row)).copied().collect() }
    }

    /// Divides each row by its Euclidean norm, in 32 bits as the towers do.
    ///
    /// # Errors
    /// Returns an error if a row has no direction: it is zero, infinite or not a number.
    pub fn normalise(&mut self) -> Result<(), NoDirection> {
        let columns = self.columns();
        for (index, row) in self.values.chunks_exact_mut(columns.max(1)).enumerate() {
            let norm = row.iter().map(|value| value * value).sum::<f32>().sqrt();
            if !(norm.is_finite() && norm > 0.0) {
                return Err(NoDirection { row: index, norm });
            }
            row.iter_mut().for_each(|value| *value /= norm);
        }
        Ok(())
    }

    /// Returns the means of so many consecutive rows at a time.
    pub fn means(&self, rows: usize) -> Self {
        let columns = self.columns();
        let mean = |block: &[f32]| -> Vec<f32> {
            let sum = |column: usize| {
                block.iter().skip(column).step_by(columns).map(|&value| f64::from(value)).sum::<f64>()
            };
            (0..columns).map(|column| (sum(column) / rows as f64) as f32).collect()
        };
        Self {
            rows: self.rows / rows,
            values: self.values.chunks_exact((rows * columns).max(1)).flat_map(mean).collect(),
        }
    }

    /// Computes the products of each row with all rows of `candidates`, on all cores, and passes them to `visit` one
    /// query at a time.
    ///
    /// The products are exact and need no memory of size queries × candidates, because each core holds the products of
    /// only a few queries. The results are in query order.
    pub fn against<T: Send>(&self, candidates: &Self, visit: impl Fn(usize, &[f64]) -> T + Sync) -> Vec<T> {
        let queries: Vec<usize> = (0..self.rows).collect();
        let chunk = |chunk: &[usize]| -> Vec<T> {
            let mut products = vec![0.0; chunk.len() * candidates.rows];
            for candidate in 0..candidates.rows {
                let row = candidates.row(candidate);
                for (place, &query) in chunk.iter().enumerate() {
                    products[place * candidates.rows + candidate] = product(self.row(query), row);
                }
            }
            let of = |place: usize| &products[place * candidates.rows..(place + 1) * candidates.rows];
            chunk.iter().enumerate().map(|(place, &query)| visit(query, of(place))).collect()
        };
        queries.par_chunks(QUERIES_AT_A_TIME).flat_map_iter(chunk).collect()
    }
}

/// Returns the scalar product in 64 bits, which is the cosine if the rows are normalised.
pub fn product(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0_f64; LANES];
    let (a, b) = (a.chunks(LANES), b.chunks(LANES));
    for (a, b) in a.zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += f64::from(*a) * f64::from(*b);
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rows_become_unit_vectors() {
        let mut matrix = Matrix::new(2, vec![3.0, 4.0, 0.0, 2.0]);
        assert!(matrix.normalise().is_ok());
        assert_eq!((matrix.row(0), matrix.row(1)), ([0.6, 0.8].as_slice(), [0.0, 1.0].as_slice()));
    }

    #[test]
    fn rows_without_direction_are_named() {
        let lost = |rows, values| {
            let lost = Matrix::new(rows, values).normalise().unwrap_err();
            (lost.row, lost.computed())
        };
        assert_eq!(lost(2, vec![1.0, 0.0, 0.0, 0.0]), (1, "nothing but zeros"));
        assert_eq!(lost(1, vec![1.0, f32::NAN]), (0, "NaN"));
        assert_eq!(lost(1, vec![1.0, f32::INFINITY]), (0, "infinite numbers"));
        assert!(Matrix::default().normalise().is_ok());
    }

    proptest! {
        #[test]
        fn products_in_chunks_are_the_full_matrix(queries in 0_usize..40, candidates in 1_usize..23, seed in 0_u32..99) {
            let columns = 13;
            let fill = |rows: usize, salt: u32| {
                let value = |i: usize| ((i as u32 * 37 + salt * 101 + seed) % 29) as f32 - 14.0;
                Matrix::new(rows, (0..rows * columns).map(value).collect())
            };
            let (a, b) = (fill(queries, 1), fill(candidates, 2));
            // The values are whole numbers, for which every order of summation is exact.
            let naive = |query: usize, candidate: usize| -> f64 {
                (0..columns).map(|i| f64::from(a.row(query)[i]) * f64::from(b.row(candidate)[i])).sum()
            };
            let full: Vec<Vec<f64>> =
                (0..queries).map(|query| (0..candidates).map(|candidate| naive(query, candidate)).collect()).collect();
            prop_assert_eq!(a.against(&b, |_, products| products.to_vec()), full);
        }
    }
}
