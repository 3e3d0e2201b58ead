//! Telling a truncated JPEG.
//!
//! The decoder behind the `image` crate fills what is missing with gray and reports success. Pillow refuses such
//! files, and a half-gray image is no training example, so the markers are walked here (ITU-T T.81, annex B).

/// The end-of-image marker.
const END: u8 = 0xD9;

/// Whether the markers lead to an end-of-image marker.
pub(super) fn is_complete(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    loop {
        match next_marker(rest) {
            None => return false,
            Some((END, _)) => return true,
            Some((marker, tail)) if has_segment(marker) => {
                let Some(after) = skip_segment(tail) else { return false };
                rest = after;
            }
            Some((_, tail)) => rest = tail,
        }
    }
}

/// The next marker's code and what follows it.
///
/// Entropy-coded data are skipped on the way: in them, 0xFF is followed by a stuffed zero. 0xFF before 0xFF is fill.
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let at = bytes.windows(2).position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xFF))?;
    Some((bytes[at + 1], &bytes[at + 2..]))
}

/// Whether a length and contents follow the marker: not after start-of-image, restarts and TEM.
fn has_segment(marker: u8) -> bool {
    !matches!(marker, 0x01 | 0xD0..=0xD8)
}

/// What follows a segment, whose length counts its own two bytes.
fn skip_segment(bytes: &[u8]) -> Option<&[u8]> {
    let length = usize::from(u16::from_be_bytes(*bytes.first_chunk()?));
    bytes.get(length.max(2)..)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Start; an application segment that holds what looks like an end; a scan with a stuffed 0xFF; end.
    const WHOLE: [u8; 18] =
        [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 0xFF, END, 0xFF, 0xDA, 0, 2, 7, 0xFF, 0x00, 8, 0xFF, END];

    #[test]
    fn only_a_whole_file_is_complete() {
        assert!(is_complete(&WHOLE));
        for length in 0..WHOLE.len() {
            assert!(!is_complete(&WHOLE[..length]), "{length}");
        }
    }
}
