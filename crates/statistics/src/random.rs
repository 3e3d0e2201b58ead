//! A small random number generator with the same numbers on every machine and in every version.

/// xoshiro256++ 1.0 (Blackman & Vigna 2021, <https://prng.di.unimi.it/xoshiro256plusplus.c>), seeded by SplitMix64.
///
/// Our own, because an interval in a record must come out again years later: the crates' generators may change
/// with a version.
#[derive(Clone, Debug)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// The generator of that seed.
    pub fn new(seed: u64) -> Self {
        let mut seeder = seed;
        Self { state: std::array::from_fn(|_| split_mix(&mut seeder)) }
    }

    /// 64 uniform bits.
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

    /// A uniform index below `n`, without bias (Lemire 2019, doi 10.1145/3230636); 0 when `n` is 0.
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

    /// A uniform number in [0, 1), a multiple of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (-53_f64).exp2()
    }
}

/// One step of SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>).
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
        // The published test vector of xoshiro256++ with state 1, 2, 3, 4 (as in the crate rand_xoshiro).
        let mut random = Random { state: [1, 2, 3, 4] };
        let expected = [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386];
        assert_eq!([(); 4].map(|()| random.bits()), expected);
    }

    #[test]
    fn split_mix_is_the_reference() {
        // The published test vector of splitmix64 with seed 1477776061723855037 (as in the crate rand_xoshiro).
        let mut state = 1_477_776_061_723_855_037;
        let expected = [1_985_237_415_132_408_290, 2_979_275_885_539_914_483, 13_511_426_838_097_143_398];
        assert_eq!([(); 3].map(|()| split_mix(&mut state)), expected);
    }

    #[test]
    fn indices_are_uniform() {
        let mut random = Random::new(0);
        let mut counts = [0_u32; 7];
        (0..70_000).for_each(|_| counts[random.below(7)] += 1);
        // Five standard deviations of a binomial(70000, 1/7).
        assert!(counts.iter().all(|&count| count.abs_diff(10_000) < 465), "{counts:?}");
    }

    #[test]
    fn units_fill_their_range() {
        let mut random = Random::new(1);
        let mean = (0..10_000).map(|_| random.unit()).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 5.0 * 0.2887 / 100.0);
    }

    #[test]
    fn no_range_is_no_panic() {
        assert_eq!(Random::new(0).below(0), 0);
    }
}
