//! Passes over the codes of all rows and keeps those that may be among the best.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rayon::prelude::*;

use super::Embeddings;
use crate::codes::{self, UNIT};
use crate::error::ApplyError;

/// The bytes that are read at a time: half of a processor's second-level cache.
const AT_A_TIME: usize = 256 << 10;
/// The number of parts for each thread, so that none waits long for another.
const PARTS: usize = 8;
/// How far single precision may leave the length of a unit vector from 1, with room to spare.
const ROUNDING: f64 = 1e-5;

/// Returns the `most` rows that are nearest to a unit vector with their cosines, the nearest first; of those that are equally
/// near, the first.
pub(super) fn best(
    embeddings: &Embeddings,
    query: &[f32],
    most: usize,
) -> Result<Vec<(usize, f64)>, ApplyError> {
    let code: Vec<i16> = query.iter().map(|&value| codes::code(value)).collect();
    // |q·r − q'·r'| ≤ |q'| |r − r'| + |q − q'| |r|, where q' and r' are what the codes stand for.
    let off = codes::error(query);
    let bound = (1.0 + ROUNDING + off) * embeddings.error() + off * (1.0 + ROUNDING) + ROUNDING;
    let margin = (2.0 * bound / UNIT).ceil() as i64;
    let rows = embeddings.rows();
    let parts = (rayon::current_num_threads() * PARTS).min(rows).max(1);
    let part = |part: usize| {
        let mut kept = Kept::new(most, margin);
        pass(embeddings, &code, rows * part / parts..rows * (part + 1) / parts, &mut kept)?;
        Ok(kept)
    };
    let kept = (0..parts).into_par_iter().map(part).collect::<Result<Vec<_>, ApplyError>>()?;
    let all = kept.into_iter().fold(Kept::new(most, margin), Kept::and);
    let cosine = |(row, _): &(usize, i64)| Ok((*row, embeddings.cosine(*row, query)?));
    let mut found = all.rows.par_iter().map(cosine).collect::<Result<Vec<(usize, f64)>, ApplyError>>()?;
    found.sort_by(|(row, cosine), (other, its)| its.total_cmp(cosine).then(row.cmp(other)));
    found.truncate(most);
    Ok(found)
}

/// Compares a query with the codes of some rows.
fn pass(
    embeddings: &Embeddings,
    query: &[i16],
    rows: std::ops::Range<usize>,
    kept: &mut Kept,
) -> Result<(), ApplyError> {
    let row_bytes = size_of_val(query);
    let at_a_time = (AT_A_TIME / row_bytes).max(1);
    let mut bytes = vec![0; at_a_time * row_bytes];
    for first in rows.clone().step_by(at_a_time) {
        let count = at_a_time.min(rows.end - first);
        let some = &mut bytes[..count * row_bytes];
        embeddings.codes(first, some)?;
        for (row, code) in (first..).zip(some.chunks_exact(row_bytes)) {
            kept.see(row, codes::product(query, code).into());
        }
    }
    Ok(())
}

/// The rows that may be among the best of those that were seen.
struct Kept {
    most: usize,
    /// How far the product of a row among the best may be below the worst of the best products.
    margin: i64,
    /// The best products.
    best: BinaryHeap<Reverse<i64>>,
    rows: Vec<(usize, i64)>,
    /// The number of rows at which those that fell behind are forgotten.
    full: usize,
}

impl Kept {
    fn new(most: usize, margin: i64) -> Self {
        Self { most, margin, best: BinaryHeap::new(), rows: Vec::new(), full: 4 * most + 1024 }
    }

    /// Returns the least product that a row needs to be kept.
    fn least(&self) -> i64 {
        match self.best.peek() {
            Some(Reverse(worst)) if self.best.len() == self.most => worst.saturating_sub(self.margin),
            _ => i64::MIN,
        }
    }

    #[inline]
    fn see(&mut self, row: usize, product: i64) {
        if product >= self.least() {
            self.keep(row, product);
        }
    }

    fn keep(&mut self, row: usize, product: i64) {
        self.rows.push((row, product));
        self.best.push(Reverse(product));
        if self.best.len() > self.most {
            self.best.pop();
        }
        if self.rows.len() >= self.full {
            self.forget();
            self.full = self.full.max(2 * self.rows.len());
        }
    }

    /// Forgets the rows that have fallen behind.
    fn forget(&mut self) {
        let least = self.least();
        self.rows.retain(|(_, product)| *product >= least);
    }

    /// Adds what another one has kept.
    fn and(mut self, other: Self) -> Self {
        other.rows.into_iter().for_each(|(row, product)| self.see(row, product));
        self.forget();
        self
    }
}
