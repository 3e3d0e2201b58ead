//! What lists of texts say, as a column of lists of fingerprints.

use std::sync::Arc;

use duckdb::arrow::array::{ArrayRef, ListBuilder, UInt64Builder};

use crate::identity;
use crate::texts::is_blank;

/// A column with the fingerprints of texts. The rows of a table often repeat what those just before them say, and no text is
/// hashed again that was hashed a moment ago.
#[derive(Default)]
pub(crate) struct Saying<'a> {
    lists: ListBuilder<UInt64Builder>,
    recent: Recent<'a>,
}

impl<'a> Saying<'a> {
    /// Appends the fingerprints of the texts that say something, or NULL if there is no list.
    pub(crate) fn push(&mut self, texts: Option<&[&'a str]>) {
        for &text in texts.into_iter().flatten().filter(|text| !is_blank(text)) {
            self.lists.values().append_value(self.recent.fingerprint(text));
        }
        self.lists.append(texts.is_some());
    }

    pub(crate) fn finish(mut self) -> ArrayRef {
        Arc::new(self.lists.finish())
    }
}

/// The number of slots for recent texts, as a power of two. All of them lie in the cache of a processor.
const BITS: u32 = 10;

/// The fingerprints of some recent texts: of those that share a slot, the last one's.
struct Recent<'a>(Vec<Option<(&'a str, u64)>>);

impl Default for Recent<'_> {
    fn default() -> Self {
        Self(vec![None; 1 << BITS])
    }
}

impl<'a> Recent<'a> {
    fn fingerprint(&mut self, text: &'a str) -> u64 {
        let slot = &mut self.0[slot_of(text.as_bytes())];
        match *slot {
            Some((known, fingerprint)) if known == text => fingerprint,
            _ => slot.insert((text, identity::fingerprint(text))).1,
        }
    }
}

/// Returns the slot of a text, by its length, its beginning and its end.
fn slot_of(text: &[u8]) -> usize {
    let few = text.len().min(8);
    let word = |part: &[u8]| {
        let mut word = [0; 8];
        word[..few].copy_from_slice(part);
        u64::from_le_bytes(word)
    };
    let ends = word(&text[..few]) ^ word(&text[text.len() - few..]).rotate_left(32) ^ text.len() as u64;
    // The golden ratio spreads numbers that differ in few bits.
    (ends.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - BITS)) as usize
}

#[cfg(test)]
mod tests {
    use duckdb::arrow::array::AsArray as _;
    use duckdb::arrow::datatypes::UInt64Type;

    use super::*;

    #[test]
    fn a_text_has_its_own_fingerprint_whatever_was_hashed_before() {
        // Those of one length that begin and end alike share a slot.
        let mut texts: Vec<String> =
            (0..100).map(|number| format!("a picture with the number {number:03} in it")).collect();
        texts.extend((0..20).map(|length| "é".repeat(length)));
        texts.extend((0..5_000).map(|number| number.to_string()));
        let listed: Vec<&str> = texts.iter().chain(texts.iter().rev()).map(String::as_str).collect();
        let mut saying = Saying::default();
        listed.chunks(7).for_each(|row| saying.push(Some(row)));
        let said = saying.finish();
        let fingerprints = said.as_list::<i32>().values().as_primitive::<UInt64Type>().values().to_vec();
        let expected: Vec<u64> =
            listed.iter().filter(|text| !text.is_empty()).map(|text| identity::fingerprint(text)).collect();
        assert_eq!(fingerprints, expected);
    }
}
