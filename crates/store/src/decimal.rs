//! Reads the numbers of JSON, each as exactly as any other reader, and most of them several times as fast.

/// The powers of five that a `u64` holds, which are all that are needed to divide by a power of ten.
const FIVES: [u64; 28] = powers(5);
/// The powers of ten that a `u64` holds.
const TENS: [u64; 20] = powers(10);
/// The powers of ten that are exact as floating-point numbers.
const EXACT_TENS: [f64; 23] = exact_tens();
/// Below this, every whole number is exact as a floating-point number.
const EXACT: u64 = 1 << 53;

const fn powers<const N: usize>(base: u64) -> [u64; N] {
    let mut powers = [1; N];
    let mut at = 1;
    while at < N {
        powers[at] = powers[at - 1] * base;
        at += 1;
    }
    powers
}

const fn exact_tens() -> [f64; 23] {
    let mut powers = [1.0; 23];
    let mut at = 1;
    while at < 23 {
        powers[at] = powers[at - 1] * 10.0;
        at += 1;
    }
    powers
}

/// Reads a whole number at the beginning of some bytes, and returns it with the bytes behind it. `None` means that there is
/// none, or one of more than 19 digits.
pub(crate) fn whole(bytes: &[u8]) -> Option<(u64, &[u8])> {
    // Most have few digits.
    let (mut value, mut count) = (0_u64, 0);
    while let Some(digit) = bytes.get(count).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
        value = value.wrapping_mul(10).wrapping_add(digit.into());
        count += 1;
    }
    let is_json = count == 1 || bytes.first() != Some(&b'0');
    (is_json && (1..=19).contains(&count)).then(|| (value, &bytes[count..]))
}

/// Reads a number at the beginning of some bytes, and returns it with the bytes behind it. `None` means that there is none, or
/// one that this reader leaves to others: one of more than 19 digits, or one out of the ordinary range.
pub(crate) fn number(bytes: &[u8]) -> Option<(f64, &[u8])> {
    let positive = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let (before_point, rest) = whole(positive)?;
    let mut digits = Digits { value: before_point, count: 0 };
    let rest = match rest.strip_prefix(b".") {
        Some(fraction) => digits.read(fraction).filter(|_| digits.count > 0)?,
        None => rest,
    };
    let (exponent, rest) = exponent(rest)?;
    let value = scaled(digits.value, exponent - i64::from(digits.count))?;
    Some((if positive.len() < bytes.len() { -value } else { value }, rest))
}

/// Reads the exponent of a number, if it has one.
fn exponent(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let [b'e' | b'E', signed @ ..] = bytes else { return Some((0, bytes)) };
    let (sign, digits) = match signed {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    let mut read = Digits::default();
    let rest = read.read(digits)?;
    // No ordinary number has more.
    (1..=3).contains(&read.count).then_some((sign * read.value.cast_signed(), rest))
}

/// Returns the floating-point number that is nearest to `value` times a power of ten.
fn scaled(value: u64, exponent: i64) -> Option<f64> {
    if value == 0 {
        return Some(0.0);
    }
    let down = usize::try_from(-exponent).ok();
    match (value < EXACT, down) {
        // One operation on two exact numbers rounds once, and to the nearest.
        (true, Some(down)) if down < EXACT_TENS.len() => Some(value as f64 / EXACT_TENS[down]),
        (true, None) => EXACT_TENS.get(usize::try_from(exponent).ok()?).map(|ten| value as f64 * ten),
        (_, Some(down)) => FIVES.get(down).map(|five| divided(value, *five, down as u64)),
        _ => None,
    }
}

/// Returns the floating-point number that is nearest to `value / (five * 2^down)`, where `five` is 5 to the power `down`.
///
/// The quotient is computed with at least 62 bits. Where the division leaves a rest, the last of them is set, which is at least
/// eight bits below the last one that a floating-point number has: so the conversion rounds as it would round the exact
/// quotient. What follows only changes the power of two, far from the ends of the range.
fn divided(value: u64, five: u64, down: u64) -> f64 {
    let shift = u64::from(63 + value.leading_zeros() - five.leading_zeros());
    let dividend = u128::from(value) << shift;
    let (quotient, rest) = (dividend / u128::from(five), dividend % u128::from(five));
    let quotient = quotient as u64 | u64::from(rest > 0);
    quotient as f64 * f64::from_bits((1023 - shift - down) << 52)
}

/// The value of digits that have been read, and how many there were.
#[derive(Default)]
struct Digits {
    value: u64,
    count: u32,
}

impl Digits {
    /// Reads digits up to the first byte that is none, and returns the rest. `None` means that the value is too large.
    fn read<'a>(&mut self, mut bytes: &'a [u8]) -> Option<&'a [u8]> {
        loop {
            let (value, count) = first_digits(bytes);
            self.value = self.value.checked_mul(TENS[count])?.checked_add(value)?;
            self.count += count as u32;
            bytes = &bytes[count..];
            if count < 8 {
                return Some(bytes);
            }
        }
    }
}

/// Returns the value and the number of the digits, at most eight, that some bytes begin with.
fn first_digits(bytes: &[u8]) -> (u64, usize) {
    let eight = match bytes.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => {
            let mut padded = [0; 8];
            padded[..bytes.len()].copy_from_slice(bytes);
            u64::from_le_bytes(padded)
        }
    };
    let digits = eight ^ 0x3030_3030_3030_3030;
    // The upper bit of every byte that is no digit is set. A carry from one such byte may only reach those behind it.
    let others = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080;
    let count = (others.trailing_zeros() / 8) as usize;
    if count == 0 {
        return (0, 0);
    }
    // The digits move to the end, behind zeros; then neighbours are put together: ones, pairs, fours.
    let ones = digits << (64 - 8 * count);
    let pairs = (ones & 0x00FF_00FF_00FF_00FF) * 10 + ((ones >> 8) & 0x00FF_00FF_00FF_00FF);
    let fours = (pairs & 0x0000_FFFF_0000_FFFF) * 100 + ((pairs >> 16) & 0x0000_FFFF_0000_FFFF);
    ((fours & 0xFFFF_FFFF) * 10_000 + (fours >> 32), count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What another reader of JSON finds in a text, as bits.
    fn expected(text: &str) -> Option<u64> {
        serde_json::from_str::<f64>(text).ok().map(f64::to_bits)
    }

    /// Checks that a text is the number that others find in it, or is left to them. Returns whether it was read.
    fn agrees(text: &str) -> bool {
        let followed = format!("{text},\"next\":1}}");
        for bytes in [text.as_bytes(), followed.as_bytes()] {
            let Some((value, rest)) = number(bytes) else { continue };
            let (read, _) = bytes.split_at(bytes.len() - rest.len());
            let read = std::str::from_utf8(read).unwrap();
            assert_eq!(Some(value.to_bits()), expected(read), "{read} in {text}");
        }
        number(text.as_bytes()).is_some_and(|(_, rest)| rest.is_empty())
    }

    #[test]
    fn numbers_that_lie_between_two_are_rounded_to_the_even_one() {
        // 2^53 + 1 and 2^53 + 3 lie in the middle; the others are just beside it.
        for text in [
            "9007199254740993.0",
            "9007199254740993.1",
            "9007199254740992.9",
            "9007199254740995.0",
            "900719925474099.3",
            "0.9007199254740993",
            "1.0000000000000002220",
            "4503599627370497.500",
            "4503599627370496.500",
            "17959371218454292e-7",
            "0.1",
            "0.30000000000000004",
            "1795937121.8454292",
            "1.8446744073709551615",
        ] {
            assert!(agrees(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_of_json_is_none() {
        for text in [
            "", "-", "+1", "01", "00", "-01.5", ".5", "1.", "1.e5", "1e", "1e+", "NaN", "inf", "x", "1e400",
            "-1e999",
        ] {
            assert!(!agrees(text), "{text}");
        }
        for text in ["01", "", "-1", "x", "10000000000000000000"] {
            assert_eq!(whole(text.as_bytes()), None, "{text}");
        }
        assert_eq!(whole(b"0,"), Some((0, &b","[..])));
        assert_eq!(whole(b"9999999999999999999}"), Some((9_999_999_999_999_999_999, &b"}"[..])));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn written_numbers_are_read_exactly(bits in any::<u64>(), ordinary in -1e6..1e6_f64, small in 0.0..1e-3_f64) {
            for value in [f64::from_bits(bits), ordinary, small, ordinary as f32 as f64] {
                if value.is_finite() {
                    agrees(&serde_json::to_string(&value).unwrap());
                }
            }
            prop_assert!(agrees(&serde_json::to_string(&ordinary).unwrap()));
        }

        #[test]
        fn whatever_looks_like_a_number_is_read_exactly_or_left(text in "-?[0-9]{1,20}(\\.[0-9]{0,24})?([eE][-+]?[0-9]{0,4})?") {
            agrees(&text);
        }

        #[test]
        fn digits_before_anything_are_found(count in 0..20_usize, value in any::<u64>(), behind in any::<[u8; 8]>()) {
            let digits = &format!("{value:020}")[20 - count..];
            let text = [digits.as_bytes(), &behind].concat();
            let expected = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (value, found) = first_digits(&text);
            prop_assert_eq!(found, expected.min(8));
            let written = std::str::from_utf8(&text[..found]).unwrap();
            prop_assert_eq!(value, written.parse().unwrap_or(0));
        }
    }
}
