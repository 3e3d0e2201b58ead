//! How rows are shared out over processes.

use std::ops::Range;

/// Returns the rows of one of so many processes: contiguous, in the order of the ranks, in shares whose sizes differ by
/// at most one. With fewer rows than processes some have none.
pub(super) fn share(rank: usize, world: usize, rows: usize) -> Range<usize> {
    let start = |rank: usize| rank * rows / world;
    start(rank)..start(rank + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_one_process_and_shares_differ_by_at_most_one() {
        for world in 1..=7 {
            for rows in 0..=20 {
                let shares: Vec<Range<usize>> = (0..world).map(|rank| share(rank, world, rows)).collect();
                let together: Vec<usize> = shares.iter().cloned().flatten().collect();
                assert_eq!(together, (0..rows).collect::<Vec<_>>(), "{rows} over {world}");
                let sizes = shares.iter().map(ExactSizeIterator::len);
                let (least, most) = (sizes.clone().min(), sizes.max());
                assert!(most <= least.map(|least| least + 1), "{rows} over {world}: {shares:?}");
            }
        }
    }
}
