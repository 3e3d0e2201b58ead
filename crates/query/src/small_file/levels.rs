//! Small numbers in runs: equal ones as one, others bit by bit.

/// Reads so many numbers of so many bits, and returns `None` if there are fewer.
pub(super) fn numbers(mut bytes: &[u8], bits: usize, count: usize) -> Option<Vec<u32>> {
    let mut numbers = Vec::new();
    if bits > 32 {
        return None;
    }
    while numbers.len() < count {
        let left = count - numbers.len();
        let head = varint(&mut bytes)?;
        let length = usize::try_from(head >> 1).ok()?;
        match head & 1 {
            0 => {
                let value = number(take(&mut bytes, bits.div_ceil(8))?);
                numbers.extend(std::iter::repeat_n(value, length.min(left)));
            }
            _ => {
                let packed = take(&mut bytes, length.checked_mul(bits)?)?;
                numbers.extend((0..length.checked_mul(8)?.min(left)).map(|at| unpacked(packed, bits, at)));
            }
        }
    }
    Some(numbers)
}

/// Takes levels of so many bits, which say how long they are, from the beginning of a page.
pub(super) fn levels(page: &mut &[u8], bits: usize, count: usize) -> Option<Vec<u32>> {
    let length = number(take(page, 4)?);
    numbers(take(page, usize::try_from(length).ok()?)?, bits, count)
}

/// Takes so many bytes from the beginning.
pub(super) fn take<'b>(bytes: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

/// Returns the number that a few bytes stand for.
pub(super) fn number(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *take(bytes, 1)?.first()?;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Returns the number with this place among numbers of so many bits.
fn unpacked(packed: &[u8], bits: usize, at: usize) -> u32 {
    let bit = |bit: usize| u32::from(packed[bit / 8] >> (bit % 8) & 1);
    (0..bits).fold(0, |number, of| number | bit(at * bits + of) << of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_equal_numbers_or_numbers_bit_by_bit() {
        // The example of parquet's own description: 0 to 7 in three bits each.
        assert_eq!(numbers(&[3, 0x88, 0xC6, 0xFA], 3, 8), Some((0..8).collect()));
        assert_eq!(numbers(&[3, 0x88, 0xC6, 0xFA, 4, 5], 3, 10), Some(vec![0, 1, 2, 3, 4, 5, 6, 7, 5, 5]));
        assert_eq!(numbers(&[6, 0x34, 0x12], 12, 3), Some(vec![0x1234; 3]));
        assert_eq!(numbers(&[3], 0, 5), Some(vec![0; 5]));
    }

    #[test]
    fn what_ends_too_early_is_refused() {
        let all = [3, 0x88, 0xC6, 0xFA, 4, 5];
        (0..all.len()).for_each(|cut| assert_eq!(numbers(&all[..cut], 3, 10), None, "{cut}"));
        assert_eq!(numbers(&all, 3, 11), None);
        assert_eq!(numbers(&[0xFF; 16], 1, 1), None);
        assert_eq!(numbers(&all, 33, 1), None);
        assert_eq!(levels(&mut &[9, 0, 0, 0, 2, 1][..], 1, 1), None);
    }
}
