//! Resamples of groups, many at once.
//!
//! A resample draws as many groups as there are, with replacement. What is computed of it is a function of a few sums, so
//! that the groups are drawn once for all metrics. How often each group is drawn is a multinomial number, which is made
//! exactly and with few random bits: the draws are divided between halves of the groups again and again, by binomial numbers,
//! and only those that fall into one block are drawn one by one. Each resample has a generator of its own. So neither the
//! number of threads nor the order of the work has an influence.

use cliptune_random::Random;
use rayon::prelude::*;

use crate::bootstrap::Bootstrap;
use crate::clusters::Clusters;
use crate::columns::Columns;

/// The number of groups in a block. A group in it is eight random bits, and the numbers of a block fit into the fastest cache.
pub(crate) const BLOCK: usize = 256;

/// The number of resamples that go through the blocks together, so that each block is loaded once for all.
const BATCH: usize = 32;

/// The first part of the path of the generators of resamples.
const PATH: u64 = 0;

/// Returns what `finish` makes of each resample, in order. It is given the mean over the drawn items of each list, which has
/// the sum of each group, and the generator of the resample.
pub(crate) fn resampled_means<T: Send>(
    clusters: &Clusters,
    sums: &[Vec<f64>],
    options: &Bootstrap,
    finish: impl Fn(&[f64], &mut Random) -> T + Sync,
) -> Vec<T> {
    let Some(size) = clusters.common_size() else {
        let with_sizes: Vec<&[f64]> = sums.iter().map(Vec::as_slice).chain([clusters.sizes()]).collect();
        return resampled_sums(&with_sizes, options, |drawn, random| {
            let Some((items, own)) = drawn.split_last() else { return finish(&[], random) };
            let means: Vec<f64> = own.iter().map(|sum| sum / items).collect();
            finish(&means, random)
        });
    };
    // Groups of one size need no count of the drawn items, which is always the same.
    let items = size * clusters.count() as f64;
    let sums: Vec<&[f64]> = sums.iter().map(Vec::as_slice).collect();
    resampled_sums(&sums, options, |drawn, random| {
        let means: Vec<f64> = drawn.iter().map(|sum| sum / items).collect();
        finish(&means, random)
    })
}

/// Returns what `finish` makes of each resample, in order. It is given the sum of each column over the drawn groups, and the
/// generator of the resample. A column has one number for each group.
fn resampled_sums<T: Send>(
    columns: &[&[f64]],
    options: &Bootstrap,
    finish: impl Fn(&[f64], &mut Random) -> T + Sync,
) -> Vec<T> {
    let groups = columns.first().map_or(0, |column| column.len());
    let packed = Columns::new(columns);
    in_batches(options, |numbers| {
        let mut resamples: Vec<Resample> =
            numbers.map(|number| Resample::new(options.seed, number, groups)).collect();
        let mut sums = vec![vec![0.0; packed.padded()]; resamples.len()];
        let mut drawn = Vec::new();
        for block in 0..groups.div_ceil(BLOCK) {
            for (resample, sums) in resamples.iter_mut().zip(&mut sums) {
                resample.draw(block, &mut drawn);
                packed.add(block, &drawn, sums);
            }
        }
        let finished = resamples.iter_mut().zip(&sums);
        finished.map(|(one, sums)| finish(&sums[..columns.len()], &mut one.random)).collect()
    })
}

/// Returns what `finish` makes of each resample, in order. It is given how often each group was drawn, and the generator of the
/// resample. The draws are those of [`resampled_means`].
pub(crate) fn resampled_counts<T: Send>(
    groups: usize,
    options: &Bootstrap,
    finish: impl Fn(&[f64], &mut Random) -> T + Sync,
) -> Vec<T> {
    in_batches(options, |numbers| {
        let (mut counts, mut drawn) = (vec![0.0; groups], Vec::new());
        let one = |number| {
            let mut resample = Resample::new(options.seed, number, groups);
            counts.fill(0.0);
            for (block, counts) in counts.chunks_mut(BLOCK).enumerate() {
                resample.draw(block, &mut drawn);
                drawn.iter().for_each(|&group| counts[usize::from(group)] += 1.0);
            }
            finish(&counts, &mut resample.random)
        };
        numbers.map(one).collect()
    })
}

/// Goes through the numbers of all resamples on all processors.
fn in_batches<T: Send>(
    options: &Bootstrap,
    batch: impl Fn(std::ops::Range<usize>) -> Vec<T> + Sync,
) -> Vec<T> {
    let starts: Vec<usize> = (0..options.resamples).step_by(BATCH).collect();
    let batches = starts.into_par_iter().map(|start| batch(start..options.resamples.min(start + BATCH)));
    batches.collect::<Vec<_>>().into_iter().flatten().collect()
}

/// A resample in the making.
struct Resample {
    random: Random,
    groups: usize,
    /// The number of draws that fall into each block.
    in_block: Vec<usize>,
}

impl Resample {
    fn new(seed: u64, number: usize, groups: usize) -> Self {
        let mut random = Random::at(seed, &[PATH, number as u64]);
        let mut in_block = vec![0; groups.div_ceil(BLOCK)];
        divide(&mut random, groups, groups, &mut in_block);
        Self { random, groups, in_block }
    }

    /// Draws the groups of the next block, as their places in it.
    fn draw(&mut self, block: usize, drawn: &mut Vec<u8>) {
        let size = BLOCK.min(self.groups - block * BLOCK);
        places(&mut self.random, self.in_block[block], size, drawn);
    }
}

/// Divides draws between the blocks of some groups. Where the number of groups is not a power of two, the left part is the
/// largest one that is, so that nearly all divisions are into halves, which cost least.
fn divide(random: &mut Random, draws: usize, groups: usize, in_block: &mut [usize]) {
    match in_block {
        [] => {}
        [only] => *only = draws,
        several => {
            let half = several.len().next_power_of_two() / 2;
            let (left, right) = several.split_at_mut(half);
            let in_left = half * BLOCK;
            let draws_left = binomial(random, draws, in_left as u64, groups as u64);
            divide(random, draws_left, in_left, left);
            divide(random, draws - draws_left, groups - in_left, right);
        }
    }
}

/// Draws how many of some trials succeed, each with the probability `part / whole`, which is below one.
fn binomial(random: &mut Random, trials: usize, part: u64, whole: u64) -> usize {
    let mut successes = 0;
    let mut left = trials;
    while left > 0 {
        let lanes = left.min(64);
        let used = u64::MAX >> (64 - lanes);
        successes += (succeeding(random, part, whole) & used).count_ones() as usize;
        left -= lanes;
    }
    successes
}

/// Draws 64 trials at once, a bit for each. The binary digits of a uniform number are compared with those of the
/// probability, from the first on, until all trials are decided: after one digit for a half, after some seven otherwise.
fn succeeding(random: &mut Random, part: u64, whole: u64) -> u64 {
    let (mut undecided, mut below, mut rest) = (u64::MAX, 0, part);
    while undecided != 0 && rest != 0 {
        let drawn = random.bits();
        rest *= 2;
        if rest >= whole {
            rest -= whole;
            below |= undecided & !drawn;
            undecided &= drawn;
        } else {
            undecided &= !drawn;
        }
    }
    below
}

/// Draws groups of a block, which has at most 256. In a full block, each byte of a random number is a group. Otherwise an index
/// takes 16 bits, and those that would favour some groups are drawn again (Lemire 2019, doi 10.1145/3230636).
fn places(random: &mut Random, draws: usize, size: usize, drawn: &mut Vec<u8>) {
    drawn.clear();
    if size == BLOCK {
        while drawn.len() < draws {
            drawn.extend_from_slice(&random.bits().to_le_bytes());
        }
        drawn.truncate(draws);
        return;
    }
    let size = size as u32;
    let biased = (1 << 16) % size;
    while drawn.len() < draws {
        let mut bits = random.bits();
        for _ in 0..4 {
            let product = (bits as u32 & 0xffff) * size;
            bits >>= 16;
            if product & 0xffff >= biased && drawn.len() < draws {
                drawn.push((product >> 16) as u8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how often each group is drawn in each resample.
    fn counts(groups: usize, resamples: usize) -> Vec<Vec<f64>> {
        resampled_counts(groups, &Bootstrap { resamples, seed: 0 }, |counts, _| counts.to_vec())
    }

    #[test]
    fn every_resample_draws_as_many_groups_as_there_are() {
        for groups in [1, 2, 7, 256, 257, 600] {
            let drawn = counts(groups, 40);
            assert!(drawn.iter().all(|one| one.iter().sum::<f64>() == groups as f64), "{groups}");
        }
    }

    #[test]
    fn every_group_is_drawn_as_often_as_a_multinomial_number_says() {
        // 700 groups are three blocks, of which the last is not full.
        let drawn = counts(700, 4000);
        for group in [0, 255, 256, 511, 512, 699] {
            let own: Vec<f64> = drawn.iter().map(|one| one[group]).collect();
            let mean = own.iter().sum::<f64>() / 4000.0;
            let variance = own.iter().map(|count| (count - 1.0).powi(2)).sum::<f64>() / 4000.0;
            // Mean 1, variance 1 - 1/700; the tolerances are five standard errors.
            assert!(
                (mean - 1.0).abs() < 0.08 && (variance - 0.9986).abs() < 0.14,
                "{group}: {mean} {variance}"
            );
        }
        // The sum over a block has the variance 700 · p (1 - p), p = 256 / 700.
        let of_block: Vec<f64> = drawn.iter().map(|one| one[..256].iter().sum()).collect();
        let mean = of_block.iter().sum::<f64>() / 4000.0;
        let variance = of_block.iter().map(|count| (count - 256.0).powi(2)).sum::<f64>() / 4000.0;
        assert!((mean - 256.0).abs() < 1.01 && (variance / 162.4 - 1.0).abs() < 0.12, "{mean} {variance}");
    }

    #[test]
    fn binomial_numbers_have_their_mean_and_variance() {
        let mut random = Random::new(0);
        for (part, whole) in [(1, 2), (3, 10), (65_536, 100_000), (1, 1000)] {
            let p = part as f64 / whole as f64;
            let drawn: Vec<f64> = (0..4000).map(|_| binomial(&mut random, 100, part, whole) as f64).collect();
            let mean = drawn.iter().sum::<f64>() / 4000.0;
            let variance = drawn.iter().map(|one| (one - 100.0 * p).powi(2)).sum::<f64>() / 4000.0;
            let expected = 100.0 * p * (1.0 - p);
            assert!((mean - 100.0 * p).abs() < 5.0 * (expected / 4000.0).sqrt(), "{p}: {mean}");
            assert!((variance / expected - 1.0).abs() < 0.35, "{p}: {variance}");
        }
    }

    #[test]
    fn the_number_of_threads_decides_nothing() {
        let column = (0..1000).map(f64::from).collect::<Vec<f64>>();
        let drawn = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let options = Bootstrap { resamples: 200, seed: 3 };
            pool.install(|| resampled_sums(&[&column], &options, |sums, random| (sums[0], random.bits())))
        };
        assert_eq!(drawn(1), drawn(3));
    }

    #[test]
    fn sums_are_those_of_the_counts() {
        // Whole numbers, for which every order of summation is exact; seven columns are packed four, two and one wide.
        for groups in [3, 256, 600] {
            let column = |factor: usize| (0..groups).map(|i| (i * factor % 97) as f64).collect::<Vec<f64>>();
            let columns: Vec<Vec<f64>> = [3, 5, 7, 11, 13, 17, 19].map(column).to_vec();
            let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            let options = Bootstrap { resamples: 40, seed: 5 };
            let sums = resampled_sums(&columns, &options, |sums, random| (sums.to_vec(), random.bits()));
            let counted = resampled_counts(groups, &options, |counts, random| {
                let dot = |column: &&[f64]| counts.iter().zip(*column).map(|(a, b)| a * b).sum();
                (columns.iter().map(dot).collect::<Vec<f64>>(), random.bits())
            });
            assert_eq!(sums, counted, "{groups} groups");
        }
    }
}
