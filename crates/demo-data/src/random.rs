//! A small random source whose numbers are the same on every machine.

/// A `SplitMix64` stream. Its state is one word, so a stream for any part of the contest costs nothing to make.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: u64,
}

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

impl Random {
    /// The stream that belongs to `path` under `seed`: the same path gives the same stream, in whatever order
    /// the parts of the contest are made.
    pub(crate) fn at(seed: u64, path: &[u64]) -> Self {
        let state = path.iter().fold(mix(seed.wrapping_add(STEP)), |state, &part| {
            mix(state ^ mix(part.wrapping_add(STEP)).wrapping_mul(STEP))
        });
        Self { state }
    }

    pub(crate) fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let product = u128::from(self.word()) * bound as u128;
        (product >> 64) as usize
    }

    /// A number in `[0, 1)`; 24 bits, so that the conversion to `f32` is exact.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.word() >> 40) as f32 / 16_777_216.0
    }

    /// A number in `[low, high)`.
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// A number in `[-reach, reach)`.
    pub(crate) fn jitter(&mut self, reach: f32) -> f32 {
        self.between(-reach, reach)
    }

    /// True in `percent` cases of a hundred.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// One of `items`, which the caller knows not to be empty.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// `count` items dealt from shuffled decks of `cards`, so that every card comes up equally often (give or
    /// take one) and two equal cards lie as far apart as the decks allow.
    pub(crate) fn deal<T: Copy>(&mut self, cards: &[T], count: usize) -> Vec<T> {
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

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_same_path_gives_the_same_numbers_and_another_path_gives_others() {
        let numbers = |path: &[u64]| {
            let mut random = Random::at(7, path);
            [random.word(), random.word()]
        };
        assert_eq!(numbers(&[1, 2]), numbers(&[1, 2]));
        assert_ne!(numbers(&[1, 2]), numbers(&[2, 1]));
        assert_ne!(numbers(&[1]), numbers(&[1, 0]));
    }

    #[test]
    fn numbers_stay_within_their_bounds() {
        let mut random = Random::at(1, &[]);
        for _ in 0..1000 {
            assert!(random.below(3) < 3);
            assert!((-2.0..2.0).contains(&random.jitter(2.0)));
        }
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn a_deal_uses_every_card_equally_often() {
        let dealt = Random::at(3, &[]).deal(&[1, 2, 3], 9);
        for card in [1, 2, 3] {
            assert_eq!(dealt.iter().filter(|&&other| other == card).count(), 3);
        }
    }
}
