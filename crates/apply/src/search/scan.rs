//! Passes over the codes of all rows, and reads the vectors of those that may be among the best.

use rayon::prelude::*;

use super::Embeddings;
use crate::error::ApplyError;
use crate::layout::Group;

/// The bytes that are read at a time: half of a processor's second-level cache.
const AT_A_TIME: usize = 256 << 10;
/// The most row groups that a thread takes at once, so that none waits long for another.
const GROUPS: usize = 4;
/// The least number of vectors that are read before others are ruled out by what they tell.
const VECTORS: usize = 64;

/// Returns the `most` rows that are nearest to a unit vector with their cosines, the nearest first; of those that are equally
/// near, the first.
pub(super) fn best(
    embeddings: &Embeddings,
    query: &[f32],
    most: usize,
) -> Result<Vec<(usize, f64)>, ApplyError> {
    let groups = embeddings.groups().into_par_iter().with_max_len(GROUPS);
    let kept = groups
        .try_fold(|| Kept::new(most), |kept, (first, group)| pass(embeddings, query, first, &group, kept))
        .try_reduce(|| Kept::new(most), |one: Kept, other| Ok(one.and(other)))?;
    nearest(&kept.candidates(), most, |row| embeddings.cosine(row, query))
}

/// Compares a query with the codes of a row group.
fn pass(
    embeddings: &Embeddings,
    query: &[f32],
    first: usize,
    group: &Group,
    mut kept: Kept,
) -> Result<Kept, ApplyError> {
    let prepared = embeddings.prepared(group, query)?;
    let dimension = embeddings.dimension();
    let at_a_time = (AT_A_TIME / dimension).clamp(1, group.rows);
    let mut bytes = vec![0; at_a_time * dimension];
    for start in (0..group.rows).step_by(at_a_time) {
        let count = at_a_time.min(group.rows - start);
        let some = &mut bytes[..count * dimension];
        embeddings.codes(group, start, some)?;
        for (row, codes) in (first + start..).zip(some.chunks_exact(dimension)) {
            kept.see(row, prepared.cosine(codes), prepared.error);
        }
    }
    Ok(kept)
}

/// Returns the `most` nearest of some candidates, the best bounds first, of which no more are compared than need be.
fn nearest(
    candidates: &[Candidate],
    most: usize,
    cosine: impl Fn(usize) -> Result<f64, ApplyError> + Sync,
) -> Result<Vec<(usize, f64)>, ApplyError> {
    let mut found: Vec<(usize, f64)> = Vec::new();
    for some in candidates.chunks(most.max(VECTORS)) {
        let worst = found.last().map_or(f64::NEG_INFINITY, |(_, worst)| *worst);
        if found.len() == most && some[0].upper < worst {
            break;
        }
        let exact = |candidate: &Candidate| cosine(candidate.row).map(|cosine| (candidate.row, cosine));
        found.extend(some.par_iter().map(exact).collect::<Result<Vec<(usize, f64)>, ApplyError>>()?);
        found.sort_by(|(row, cosine), (other, its)| its.total_cmp(cosine).then(row.cmp(other)));
        found.truncate(most);
    }
    Ok(found)
}

/// A row that may be among the best.
struct Candidate {
    row: usize,
    /// What its cosine is not below.
    lower: f64,
    /// What its cosine is not above.
    upper: f64,
}

/// The rows that may be among the best of those that were seen.
struct Kept {
    most: usize,
    candidates: Vec<Candidate>,
    /// What `most` rows are certainly not below. A row that is certainly below it is not among the best.
    least: f64,
    /// The number of candidates at which those that fell behind are forgotten.
    full: usize,
}

impl Kept {
    fn new(most: usize) -> Self {
        Self { most, candidates: Vec::new(), least: f64::NEG_INFINITY, full: 4 * most + 1024 }
    }

    /// Sees a row whose cosine is no further from this one than the error.
    #[inline]
    fn see(&mut self, row: usize, cosine: f64, error: f64) {
        if cosine + error >= self.least {
            self.keep(Candidate { row, lower: cosine - error, upper: cosine + error });
        }
    }

    fn keep(&mut self, candidate: Candidate) {
        self.candidates.push(candidate);
        if self.candidates.len() >= self.full {
            self.forget();
            self.full = self.full.max(2 * self.candidates.len());
        }
    }

    /// Forgets the rows that have fallen behind.
    fn forget(&mut self) {
        if (1..self.candidates.len()).contains(&self.most) {
            let downwards = |one: &Candidate, other: &Candidate| other.lower.total_cmp(&one.lower);
            let (_, worst, _) = self.candidates.select_nth_unstable_by(self.most - 1, downwards);
            self.least = worst.lower;
            let least = self.least;
            self.candidates.retain(|candidate| candidate.upper >= least);
        }
    }

    /// Adds what another one has kept.
    fn and(mut self, other: Self) -> Self {
        self.candidates.extend(other.candidates);
        self.forget();
        self
    }

    /// Returns the rows that may be among the best of all, those with the best bounds first.
    fn candidates(mut self) -> Vec<Candidate> {
        self.forget();
        self.candidates.sort_unstable_by(|one, other| other.upper.total_cmp(&one.upper));
        self.candidates
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;

    use super::*;

    /// A row as a search sees it.
    #[derive(Clone, Copy, Debug)]
    struct Seen {
        cosine: f64,
        /// What its codes say of the cosine.
        estimate: f64,
        error: f64,
    }

    /// Returns the nearest of some rows, of which two threads see half each, and how many vectors were read.
    fn searched(rows: &[Seen], most: usize) -> (Vec<(usize, f64)>, usize) {
        let see = |some: std::ops::Range<usize>| {
            let mut kept = Kept::new(most);
            some.for_each(|row| kept.see(row, rows[row].estimate, rows[row].error));
            kept
        };
        let kept = see(rows.len() / 2..rows.len()).and(see(0..rows.len() / 2));
        let read = AtomicUsize::new(0);
        let found = nearest(&kept.candidates(), most, |row| {
            read.fetch_add(1, Ordering::Relaxed);
            Ok(rows[row].cosine)
        });
        (found.unwrap(), read.into_inner())
    }

    fn naive(rows: &[Seen], most: usize) -> Vec<(usize, f64)> {
        let mut all: Vec<(usize, f64)> = rows.iter().map(|row| row.cosine).enumerate().collect();
        all.sort_by(|(row, cosine), (other, its)| its.total_cmp(cosine).then(row.cmp(other)));
        all.truncate(most);
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_row_is_lost_that_the_errors_leave_open(
            // Cosines in steps of a sixteenth, so that many are equal.
            rows in proptest::collection::vec((-16_i32..=16, 0.0..0.1_f64, -1.0..=1.0_f64), 1..6000),
            most in 1_usize..300,
        ) {
            let seen = |(cosine, error, off): (i32, f64, f64)| {
                let cosine = f64::from(cosine) / 16.0;
                Seen { cosine, estimate: cosine + off * error, error: error + 1e-12 }
            };
            let rows: Vec<Seen> = rows.into_iter().map(seen).collect();
            prop_assert_eq!(searched(&rows, most).0, naive(&rows, most));
        }
    }

    #[test]
    fn vectors_are_read_only_as_long_as_one_may_be_among_the_best() {
        // All multiples of 1 ÷ 50,000 in another order, each seen with an error of 500 of them.
        let cosine = |row: i32| f64::from(row * 7919 % 50_000) / 5e4;
        let seen = |cosine| Seen { cosine, estimate: cosine, error: 0.01 };
        let rows: Vec<Seen> = (0..50_000).map(cosine).map(seen).collect();
        // The next ones would begin 503 of them below the tenth.
        assert_eq!(searched(&rows, 10), (naive(&rows, 10), 512));
    }
}
