//! A random number generator that gives the same numbers on every machine and in every version.
//!
//! Everything that cliptune draws itself comes from here: the order of the data, the augmentation of images, the
//! resamples for an interval, and the drawn contest. (What libtorch draws, such as initial weights, is seeded from
//! here.)

/// xoshiro256++ 1.0 (Blackman & Vigna 2021, <https://prng.di.unimi.it/xoshiro256plusplus.c>), seeded by SplitMix64.
///
/// It is implemented here because an interval in a record must be reproducible years later, and the generators of
/// published crates may change with a version.
#[derive(Clone, Debug)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// Starts the generator for a seed.
    pub fn new(seed: u64) -> Self {
        let mut seeder = seed;
        Self { state: std::array::from_fn(|_| split_mix(&mut seeder)) }
    }

    /// Starts the generator for a place under a seed. The same path always gives the same numbers, in whatever order
    /// the places are visited.
    pub fn at(seed: u64, path: &[u64]) -> Self {
        path.iter().fold(Self::new(seed), |mut random, part| Self::new(random.bits() ^ part))
    }

    /// Draws 64 uniform bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Draws a uniform index below `n`, without bias (Lemire 2019, doi 10.1145/3230636); 0 when `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        let range = n as u64;
        let mut product = u128::from(self.bits()) * u128::from(range);
        if (product as u64) < range {
            let biased = range.wrapping_neg() % range;
            while (product as u64) < biased {
                product = u128::from(self.bits()) * u128::from(range);
            }
        }
        (product >> 64) as usize
    }

    /// Draws a uniform number in `[0, 1)`, a multiple of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (-53_f64).exp2()
    }

    /// Draws a uniform number in `[low, high)`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Draws a uniform number in `[low, high)` in single precision.
    pub fn between_f32(&mut self, low: f32, high: f32) -> f32 {
        // Only 24 bits are used, so that the conversion is exact and the result stays below `high`.
        low + (high - low) * ((self.bits() >> 40) as f32 / 16_777_216.0)
    }

    /// Returns true in `percent` of a hundred cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Puts items into a uniformly drawn order (Fisher–Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// Draws one of `items`, which the caller knows not to be empty.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// Deals `count` items from shuffled decks of `cards`. Every card comes up equally often, give or take one, and two
    /// equal cards lie as far apart as the decks allow.
    pub fn deal<T: Copy>(&mut self, cards: &[T], count: usize) -> Vec<T> {
        let mut dealt = Vec::with_capacity(count + cards.len());
        while dealt.len() < count && !cards.is_empty() {
            let mut deck = cards.to_vec();
            self.shuffle(&mut deck);
            dealt.extend(deck);
        }
        dealt.truncate(count);
        dealt
    }
}

/// Takes one step of SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xoshiro_is_the_reference() {
        // This is the published test vector of xoshiro256++ with state 1, 2, 3, 4 (as in the crate rand_xoshiro).
        let mut random = Random { state: [1, 2, 3, 4] };
        let expected = [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386];
        assert_eq!([(); 4].map(|()| random.bits()), expected);
    }

    #[test]
    fn split_mix_is_the_reference() {
        // This is the published test vector of splitmix64 with seed 1477776061723855037 (as in the crate rand_xoshiro).
        let mut state = 1_477_776_061_723_855_037;
        let expected = [1_985_237_415_132_408_290, 2_979_275_885_539_914_483, 13_511_426_838_097_143_398];
        assert_eq!([(); 3].map(|()| split_mix(&mut state)), expected);
    }

    #[test]
    fn indices_are_uniform() {
        let mut random = Random::new(0);
        let mut counts = [0_u32; 7];
        (0..70_000).for_each(|_| counts[random.below(7)] += 1);
        // The tolerance is five standard deviations of a binomial(70000, 1/7).
        assert!(counts.iter().all(|&count| count.abs_diff(10_000) < 465), "{counts:?}");
    }

    #[test]
    fn units_fill_their_range() {
        let mut random = Random::new(1);
        let mean = (0..10_000).map(|_| random.unit()).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 5.0 * 0.2887 / 100.0);
    }

    #[test]
    fn the_same_path_gives_the_same_numbers_and_another_path_gives_others() {
        let numbers = |path: &[u64]| [(); 2].map(|()| Random::at(7, path).bits());
        assert_eq!(numbers(&[1, 2]), numbers(&[1, 2]));
        for other in [&[2, 1][..], &[1], &[1, 2, 0], &[]] {
            assert_ne!(numbers(&[1, 2]), numbers(other), "{other:?}");
        }
    }

    #[test]
    fn numbers_stay_within_their_bounds() {
        let mut random = Random::new(2);
        for _ in 0..1000 {
            assert!((-2.0..3.0).contains(&random.between(-2.0, 3.0)));
            assert!((-2.0..3.0).contains(&random.between_f32(-2.0, 3.0)));
        }
    }

    #[test]
    fn a_chance_of_a_quarter_comes_true_every_fourth_time() {
        let mut random = Random::new(3);
        let come_true = (0..10_000).filter(|_| random.chance(25)).count();
        // The tolerance is five standard deviations of a binomial(10000, 1/4).
        assert!(come_true.abs_diff(2_500) < 217, "{come_true}");
        assert!(!random.chance(0) && random.chance(100));
    }

    #[test]
    fn every_order_of_three_is_as_likely() {
        let mut random = Random::new(4);
        let mut counts = std::collections::BTreeMap::<_, u32>::new();
        for _ in 0..6_000 {
            let mut order = [0, 1, 2];
            random.shuffle(&mut order);
            *counts.entry(order).or_default() += 1;
        }
        // The tolerance is five standard deviations of a binomial(6000, 1/6).
        assert!(counts.len() == 6 && counts.values().all(|count| count.abs_diff(1_000) < 145), "{counts:?}");
    }

    #[test]
    fn a_deal_uses_every_card_equally_often() {
        let dealt = Random::new(5).deal(&[1, 2, 3], 9);
        for card in [1, 2, 3] {
            assert_eq!(dealt.iter().filter(|&&other| other == card).count(), 3);
        }
    }

    #[test]
    fn no_range_is_no_panic() {
        assert_eq!(Random::new(0).below(0), 0);
    }
}
