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

/// The number of groups in a block. Its counts and its part of a few columns fit into the fastest cache.
const BLOCK: usize = 256;

/// The number of resamples that go through the blocks together, so that each part of a column is loaded once for all.
const BATCH: usize = 32;

/// The first part of the path of the generators of resamples.
const PATH: u64 = 0;

/// Returns what `finish` makes of each resample, in order. It is given the sum of each column over the drawn groups, and the
/// generator of the resample. A column has one number for each group.
pub(crate) fn resampled<T: Send>(
    columns: &[Vec<f64>],
    options: &Bootstrap,
    finish: impl Fn(&[f64], &mut Random) -> T + Sync,
) -> Vec<T> {
    let starts: Vec<usize> = (0..options.resamples).step_by(BATCH).collect();
    let batches = starts.into_par_iter().map(|start| {
        let end = options.resamples.min(start + BATCH);
        let mut resamples: Vec<Resample> =
            (start..end).map(|number| Resample::new(options.seed, number, columns)).collect();
        add_blocks(&mut resamples, columns);
        resamples.iter_mut().map(|one| finish(&one.sums, &mut one.random)).collect::<Vec<T>>()
    });
    batches.collect::<Vec<_>>().into_iter().flatten().collect()
}

/// Adds the drawn groups of each block to the sums of some resamples.
fn add_blocks(resamples: &mut [Resample], columns: &[Vec<f64>]) {
    let groups = columns.first().map_or(0, Vec::len);
    let mut counts = [0.0; BLOCK];
    for (block, start) in (0..groups).step_by(BLOCK).enumerate() {
        let end = groups.min(start + BLOCK);
        for resample in &mut *resamples {
            let counts = &mut counts[..end - start];
            scatter(&mut resample.random, resample.in_block[block], counts);
            for (sum, column) in resample.sums.iter_mut().zip(columns) {
                *sum += dot(counts, &column[start..end]);
            }
        }
    }
}

/// A resample in the making.
struct Resample {
    random: Random,
    /// The number of draws that fall into each block.
    in_block: Vec<usize>,
    /// The sum of each column over the groups drawn so far.
    sums: Vec<f64>,
}

impl Resample {
    fn new(seed: u64, number: usize, columns: &[Vec<f64>]) -> Self {
        let groups = columns.first().map_or(0, Vec::len);
        let mut random = Random::at(seed, &[PATH, number as u64]);
        let mut in_block = vec![0; groups.div_ceil(BLOCK)];
        divide(&mut random, groups, groups, &mut in_block);
        Self { random, in_block, sums: vec![0.0; columns.len()] }
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

/// Draws groups of a block, which has at most 256, and writes how often each was drawn. An index takes 16 bits of a random
/// number, and those that would favour some groups are drawn again (Lemire 2019, doi 10.1145/3230636).
fn scatter(random: &mut Random, draws: usize, counts: &mut [f64]) {
    counts.fill(0.0);
    let size = counts.len() as u32;
    let biased = (1 << 16) % size;
    let mut left = draws;
    while left > 0 {
        let mut bits = random.bits();
        for _ in 0..4 {
            let product = (bits as u32 & 0xffff) * size;
            bits >>= 16;
            if product & 0xffff >= biased && left > 0 {
                counts[(product >> 16) as usize] += 1.0;
                left -= 1;
            }
        }
    }
}

/// Returns the scalar product of two lists of equal length, in eight partial sums that a processor adds side by side.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(a, b)| a * b).sum();
    let mut sums = [0.0; 8];
    for (a, b) in a_chunks.zip(b_chunks) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    rest + sums.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how often each group is drawn in each resample.
    fn counts(groups: usize, resamples: usize) -> Vec<Vec<f64>> {
        let column = |own: usize| (0..groups).map(|group| f64::from(u8::from(group == own))).collect();
        let columns: Vec<Vec<f64>> = (0..groups).map(column).collect();
        resampled(&columns, &Bootstrap { resamples, seed: 0 }, |sums, _| sums.to_vec())
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
        let columns = vec![(0..1000).map(f64::from).collect::<Vec<f64>>()];
        let drawn = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let options = Bootstrap { resamples: 200, seed: 3 };
            pool.install(|| resampled(&columns, &options, |sums, random| (sums[0], random.bits())))
        };
        assert_eq!(drawn(1), drawn(3));
    }
}
