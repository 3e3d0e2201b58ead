//! Passes over several symbols at once.
//!
//! Whether a block can be decoded depends on the lengths of its codes and of the values after them, and on how far each
//! symbol moves through the block; not on the values themselves. So all symbols whose codes lie within the bits of one
//! look-up make one step.

use super::codes::{BITS, Codes, ENTRIES};

/// A number of bits, above it a number of coefficients shifted left by [`PLACE`], and [`ENDS`]. A sum of steps holds the
/// sums of both, and a shift by a whole step is one by its length.
pub(super) type Step = u16;

/// The number of bits of a step that hold its length.
pub(super) const PLACE: u32 = 6;
pub(super) const LENGTH: u32 = (1 << PLACE) - 1;
/// The bits that tell that a sum of steps is beyond the 64 coefficients of a block.
pub(super) const BEYOND: u32 = 0b11 << (PLACE + 6);
/// The number of the bit that tells that a step ends its block.
pub(super) const ENDS: u32 = 15;
/// A step that cannot be taken as a whole. It leads beyond any block.
pub(super) const NO_STEP: Step = 64 << PLACE;

/// The number of steps for which a window has enough bits.
pub(super) const STEPS: usize = 3;
/// The length of the longest step in bits.
const LONGEST: u32 = 21;
/// The number of bits that a window has at least.
pub(super) const WINDOW: u32 = 57;
/// The largest number of bits of a value, as in libjpeg.
pub(super) const LARGEST: u8 = 15;

// The lengths of all steps fit into their place in a sum, and a window has the bits for the last look-up.
const _: () = assert!(STEPS as u32 * LONGEST <= LENGTH);
const _: () = assert!((STEPS as u32 - 1) * LONGEST + BITS <= WINDOW);

/// Computes the steps of a component for all bits of a look-up: from the start of a block, and from within it.
pub(super) fn steps(dc: &Codes, ac: &Codes) -> [Vec<Step>; 2] {
    let mut within = steps_within(ac);
    let start = |bits| match dc.short_symbol(bits) {
        Some((size, length)) if size <= LARGEST => {
            then(1 << PLACE | (length as Step + Step::from(size)), bits, BITS, &within)
        }
        _ => NO_STEP,
    };
    [(0..ENTRIES).map(start).collect(), within.split_off(ENTRIES)]
}

/// Computes the steps within a block for any number of bits up to that of a look-up. Those for `n` bits begin at `1 << n`.
fn steps_within(ac: &Codes) -> Vec<Step> {
    let mut steps = vec![NO_STEP; 2 * ENTRIES];
    for count in 1..=BITS {
        for bits in 0..1 << count {
            let symbol = ac.short_symbol(bits << (BITS - count)).filter(|&(_, length)| length <= count);
            let Some((symbol, length)) = symbol else { continue };
            let length = length as Step + Step::from(symbol & 0xF);
            steps[1 << count | bits] = match advance(symbol) {
                None => 1 << ENDS | length,
                Some(more) => then(more << PLACE | length, bits, count, &steps),
            };
        }
    }
    steps
}

/// Joins a step of one symbol with what follows it in the same bits, of which there are `count`.
fn then(first: Step, bits: usize, count: u32, within: &[Step]) -> Step {
    let length = u32::from(first) & LENGTH;
    if length > LONGEST {
        return NO_STEP;
    }
    let Some(left) = count.checked_sub(length) else { return first };
    let both = u32::from(first) + u32::from(within[1 << left | bits & ((1 << left) - 1)]);
    let is_too_long = both & LENGTH > LONGEST || both & BEYOND != 0;
    if is_too_long { first } else { both as Step }
}

/// Returns by how many coefficients a symbol moves on, or `None` if it ends the block. Symbols that the standard does
/// not define end the block as well, as in libjpeg.
pub(super) fn advance(symbol: u8) -> Option<Step> {
    let ends = symbol & 0xF == 0 && symbol != 0xF0;
    (!ends).then(|| Step::from(symbol >> 4) + 1)
}

#[cfg(test)]
mod tests {
    use super::super::codes::Definition;
    use super::*;

    /// The codes 0 to 110 for four symbols.
    fn codes(symbols: [u8; 3]) -> Codes {
        let counts = &[1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        Codes::new(Definition { counts, symbols: &symbols }).unwrap()
    }

    fn step(length: Step, coefficients: Step) -> Step {
        coefficients << PLACE | length
    }

    #[test]
    fn a_step_takes_all_symbols_whose_codes_are_there() {
        // 0 ends a block, 10 is a coefficient with a value of 2 bits, 110 passes over 16 coefficients.
        let ac = codes([0, 0x02, 0xF0]);
        let [start, within] = steps(&codes([3, 0, 11]), &ac);
        let at = |bits: &str| usize::from_str_radix(bits, 2).unwrap();
        assert_eq!(within[at("000000000000")], 1 << ENDS | 1);
        assert_eq!(within[at("101101100000")], 1 << ENDS | step(4 + 1, 1));
        // The value of the last coefficient lies beyond the bits.
        assert_eq!(within[at("101110111011")], step(12, 3));
        assert_eq!(within[at("110101110111")], step(3 + 4 + 4, 16 + 1 + 1));
        assert_eq!(within[at("111000000000")], NO_STEP);
        // A block begins with a value of 3 bits, of none or of 11.
        assert_eq!(start[at("011110000000")], step(4, 1) + within[at("100000000000")]);
        assert_eq!(start[at("100000000000")], 1 << ENDS | step(3, 1));
        assert_eq!(start[at("110111111111")], step(14, 1));
    }

    #[test]
    fn no_step_is_longer_than_a_window_allows_or_passes_over_more_than_a_block() {
        for symbols in [[0, 0x0F, 0xF0], [0xF0, 0xFF, 0], [0x1F, 0x2A, 0xEF]] {
            let [start, within] = steps(&codes([0, 15, 11]), &codes(symbols));
            for step in start.into_iter().chain(within).map(u32::from).filter(|&step| step & BEYOND == 0) {
                assert!((1..=LONGEST).contains(&(step & LENGTH)));
            }
        }
    }
}
