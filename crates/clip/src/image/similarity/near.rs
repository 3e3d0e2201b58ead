//! Finds all pairs of hashes that are near each other without comparing each with each.
//!
//! The 64 bits are cut into four bands. Two hashes that differ in at most `within` bits differ in at most a quarter as
//! many bits in one band at least, so only hashes are compared that are as near as that in a band.

use super::hash::PerceptualHash;

/// Finds all pairs of hashes that differ in at most `within` bits. The indices of each pair are handed over once, the
/// lower one first, in an order that the hashes decide.
///
/// The hashes should be different from one another: of many equal ones, each is near each, and there are as many pairs as
/// that. Whoever has equal hashes counts them instead.
pub fn near_duplicates(hashes: &[PerceptualHash], within: u32, mut on_pair: impl FnMut(usize, usize)) {
    for band in 0..BANDS {
        Band::new(band, within, hashes).pairs(&mut on_pair);
    }
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
    fn new(band: u32, within: u32, hashes: &[PerceptualHash]) -> Self {
        let mut hashes: Vec<(u64, usize)> =
            hashes.iter().enumerate().map(|(at, hash)| (hash.bits(), at)).collect();
        hashes.sort_unstable_by_key(|&(bits, at)| (part(bits, band), at));
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

    /// Hands over the pairs that are near in this band and in none before.
    fn pairs(&self, on_pair: &mut impl FnMut(usize, usize)) {
        let masks: Vec<u16> = (0..=u16::MAX).filter(|mask| mask.count_ones() <= self.radius()).collect();
        for value in 0..=u16::MAX {
            let here = self.with(value);
            if here.is_empty() {
                continue;
            }
            for (at, hash) in here.iter().enumerate() {
                self.compare(hash, &here[at + 1..], on_pair);
            }
            // Each two values meet once.
            for other in masks.iter().map(|mask| value ^ mask).filter(|&other| other > value) {
                let there = self.with(other);
                here.iter().for_each(|hash| self.compare(hash, there, on_pair));
            }
        }
    }

    fn compare(
        &self,
        &(bits, index): &(u64, usize),
        others: &[(u64, usize)],
        on_pair: &mut impl FnMut(usize, usize),
    ) {
        for &(other, other_index) in others {
            if (bits ^ other).count_ones() <= self.within && !self.is_known(bits ^ other) {
                on_pair(index.min(other_index), index.max(other_index));
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

    fn found(hashes: &[PerceptualHash], within: u32) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        near_duplicates(hashes, within, |first, second| pairs.push((first, second)));
        pairs.sort_unstable();
        pairs
    }

    /// Each hash with each.
    fn brute_force(hashes: &[PerceptualHash], within: u32) -> Vec<(usize, usize)> {
        let is_near = |&(first, second): &(usize, usize)| hashes[first].distance(hashes[second]) <= within;
        let all =
            (0..hashes.len()).flat_map(|first| (first + 1..hashes.len()).map(move |second| (first, second)));
        all.filter(is_near).collect()
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
            prop_assert_eq!(found(&hashes, within), brute_force(&hashes, within));
        }
    }

    #[test]
    fn no_hash_is_near_itself() {
        assert_eq!(found(&hashes(&[]), 6), []);
        assert_eq!(found(&hashes(&[5]), 6), []);
        assert_eq!(found(&hashes(&[5, 9, u64::MAX, 5]), 0), [(0, 3)]);
    }
}
