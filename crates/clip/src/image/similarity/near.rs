//! Finds all pairs of hashes that are near each other without comparing each with each.
//!
//! The 64 bits are cut into four bands. Two hashes that differ in at most `within` bits differ in at most a quarter as
//! many bits in one band at least, so only hashes are compared that are as near as that in a band.

use super::hash::PerceptualHash;

/// Two hashes that are near each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Near {
    /// The index of the first hash.
    pub first: usize,
    /// The index of the second hash, which is higher.
    pub second: usize,
    /// The number of bits in which they differ.
    pub distance: u32,
}

/// Finds all pairs of different hashes that differ in at most `within` bits, ordered by their indices.
///
/// Where several hashes are equal, the first of them stands for all, and the others are each paired with the one before
/// at a distance of 0. So the pairs connect the same hashes as all pairs would, and there are not as many.
pub fn near_duplicates(hashes: &[PerceptualHash], within: u32) -> Vec<Near> {
    let mut order: Vec<usize> = (0..hashes.len()).collect();
    order.sort_unstable_by_key(|&at| (hashes[at], at));
    let mut pairs = Vec::new();
    let mut distinct = Vec::new();
    for equal in order.chunk_by(|&a, &b| hashes[a] == hashes[b]) {
        distinct.push((hashes[equal[0]].bits(), equal[0]));
        pairs.extend(equal.windows(2).map(|two| Near { first: two[0], second: two[1], distance: 0 }));
    }
    for band in 0..BANDS {
        Band::new(band, within, distinct.clone()).pairs(&mut pairs);
    }
    pairs.sort_unstable();
    pairs
}

const BANDS: u32 = 4;
/// The number of bits of a band.
const WIDTH: u32 = u64::BITS / BANDS;

/// Returns the bits of a band.
fn part(bits: u64, band: u32) -> u16 {
    (bits >> (band * WIDTH)) as u16
}

/// Hashes in the order of one of their bands.
struct Band {
    band: u32,
    within: u32,
    /// The bits and the index of each hash.
    hashes: Vec<(u64, usize)>,
    /// For each value of the band, where its hashes start; one more at the end.
    starts: Vec<usize>,
}

impl Band {
    fn new(band: u32, within: u32, mut hashes: Vec<(u64, usize)>) -> Self {
        hashes.sort_unstable_by_key(|&(bits, _)| part(bits, band));
        let mut starts = vec![0; usize::from(u16::MAX) + 2];
        for &(bits, _) in &hashes {
            starts[usize::from(part(bits, band)) + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        Self { band, within, hashes, starts }
    }

    fn with(&self, value: u16) -> &[(u64, usize)] {
        &self.hashes[self.starts[usize::from(value)]..self.starts[usize::from(value) + 1]]
    }

    /// The largest number of bits in which two near hashes may differ in their nearest band.
    fn radius(&self) -> u32 {
        self.within / BANDS
    }

    /// Adds the pairs that are near in this band and in none before.
    fn pairs(&self, pairs: &mut Vec<Near>) {
        let masks: Vec<u16> = (0..=u16::MAX).filter(|mask| mask.count_ones() <= self.radius()).collect();
        for value in 0..=u16::MAX {
            let here = self.with(value);
            if here.is_empty() {
                continue;
            }
            for (at, hash) in here.iter().enumerate() {
                self.compare(hash, &here[at + 1..], pairs);
            }
            // Each two values meet once.
            for other in masks.iter().map(|mask| value ^ mask).filter(|&other| other > value) {
                let there = self.with(other);
                here.iter().for_each(|hash| self.compare(hash, there, pairs));
            }
        }
    }

    fn compare(&self, &(bits, index): &(u64, usize), others: &[(u64, usize)], pairs: &mut Vec<Near>) {
        for &(other, other_index) in others {
            let distance = (bits ^ other).count_ones();
            if distance <= self.within && !self.is_known(bits ^ other) {
                let (first, second) = (index.min(other_index), index.max(other_index));
                pairs.push(Near { first, second, distance });
            }
        }
    }

    /// Checks whether two hashes with this difference meet in a band before.
    fn is_known(&self, difference: u64) -> bool {
        (0..self.band).any(|band| part(difference, band).count_ones() <= self.radius())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hashes(bits: &[u64]) -> Vec<PerceptualHash> {
        bits.iter().map(|&bits| PerceptualHash::from_bits(bits)).collect()
    }

    /// Each different hash with each.
    fn brute_force(hashes: &[PerceptualHash], within: u32) -> Vec<Near> {
        let is_first = |at: usize| !hashes[..at].contains(&hashes[at]);
        let pair = |first: usize, second: usize| {
            let distance = hashes[first].distance(hashes[second]);
            Near { first, second, distance }
        };
        let firsts: Vec<usize> = (0..hashes.len()).filter(|&at| is_first(at)).collect();
        let different = firsts
            .iter()
            .enumerate()
            .flat_map(|(at, &first)| firsts[at + 1..].iter().map(move |&second| pair(first, second)));
        let repeated = (0..hashes.len())
            .filter(|&at| !is_first(at))
            .filter_map(|at| Some(pair(hashes[..at].iter().rposition(|hash| *hash == hashes[at])?, at)));
        let mut pairs: Vec<Near> = different.filter(|pair| pair.distance <= within).chain(repeated).collect();
        pairs.sort();
        pairs
    }

    proptest! {
        #[test]
        fn the_pairs_are_those_of_comparing_each_with_each(
            seeds in prop::collection::vec(any::<u64>(), 1..4),
            changes in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(0..64u32, 0..9)), 0..60),
            within in 0..=13u32,
        ) {
            let bits: Vec<u64> = changes
                .iter()
                .map(|(seed, flips)| flips.iter().fold(seeds[seed.index(seeds.len())], |bits, at| bits ^ 1 << at))
                .collect();
            let hashes = hashes(&bits);
            prop_assert_eq!(near_duplicates(&hashes, within), brute_force(&hashes, within));
        }
    }

    #[test]
    fn equal_hashes_make_a_chain() {
        let near = |first, second| Near { first, second, distance: 0 };
        assert_eq!(near_duplicates(&hashes(&[5, 9, 5, 5]), 0), [near(0, 2), near(2, 3)]);
        assert_eq!(near_duplicates(&hashes(&vec![7; 100_000]), 6).len(), 99_999);
        assert_eq!(near_duplicates(&[], 6), []);
    }
}
