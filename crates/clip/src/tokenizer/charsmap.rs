//! Reads SentencePiece's precompiled character map, which says which sequences of characters become which others.
//!
//! The format is that of `normalizer_spec.precompiled_charsmap`: the length in bytes of a double-array trie
//! (little-endian u32), the trie itself (u32 units), and the replacements, each terminated by a zero byte. A unit packs
//! a label, an offset to its children and whether it ends a key, as in the darts-clone library
//! (<https://github.com/s-yata/darts-clone>); the value of a key is the position where its replacement starts.
//!
//! The tokenizers library reads the same format, but it does not check indices that it reads, and it applies the
//! replacements differently from SentencePiece. Both ways are implemented here.

use unicode_segmentation::UnicodeSegmentation;

use super::encoder::LONGEST_TEXT;

/// The longest sequence that is looked up, in bytes. Maps are made from Unicode's compatibility forms, which are
/// shorter.
const LONGEST_KEY: usize = 64;
/// The longest replacement in bytes; a map with a longer one is refused. The longest in Unicode, for U+FDFA, has 33
/// bytes.
const LONGEST_REPLACEMENT: usize = 256;
/// The longest grapheme in bytes that the tokenizers library maps as a whole. It maps longer ones character by
/// character.
const LONGEST_GRAPHEME: usize = 5;

/// A character map. The default map changes nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Charsmap {
    units: Vec<u32>,
    replacements: String,
}

impl Charsmap {
    /// Parses a map.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let (length, rest) = bytes.split_first_chunk().ok_or("its character map has no header")?;
        let length = u32::from_le_bytes(*length) as usize;
        let (trie, replacements) =
            rest.split_at_checked(length).ok_or("its character map ends within its trie")?;
        let (units, odd) = trie.as_chunks();
        if !odd.is_empty() {
            return Err("its character map's trie is not a whole number of units".to_owned());
        }
        let replacements = std::str::from_utf8(replacements)
            .map_err(|error| format!("its character map's replacements are not UTF-8: {error}"))?;
        if replacements.split('\0').any(|replacement| replacement.len() > LONGEST_REPLACEMENT) {
            return Err(format!(
                "its character map has a replacement of more than {LONGEST_REPLACEMENT} bytes"
            ));
        }
        let units = units.iter().map(|unit| u32::from_le_bytes(*unit)).collect();
        Ok(Self { units, replacements: replacements.to_owned() })
    }

    /// Maps a text as SentencePiece does: at each position it replaces the longest sequence that the map knows. Stops
    /// when the result is longer than what matters.
    pub(super) fn longest_match(&self, text: &str) -> String {
        let mut mapped = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next()
            && mapped.len() < LONGEST_TEXT
        {
            let found = self.matches(rest).filter(|&(length, _)| rest.is_char_boundary(length)).last();
            let (length, replacement) = found.unwrap_or((first.len_utf8(), &rest[..first.len_utf8()]));
            mapped.push_str(replacement);
            rest = &rest[length..];
        }
        mapped
    }

    /// Maps a text as the tokenizers library does: a short grapheme is replaced according to its shortest beginning
    /// that the map knows, a long one character by character. Stops when the result is longer than what matters.
    pub(super) fn by_grapheme(&self, text: &str) -> String {
        let mut mapped = String::with_capacity(text.len());
        for grapheme in text.graphemes(true) {
            if mapped.len() >= LONGEST_TEXT {
                break;
            }
            let whole = if grapheme.len() <= LONGEST_GRAPHEME { self.shortest(grapheme) } else { None };
            if let Some(replacement) = whole {
                mapped.push_str(replacement);
                continue;
            }
            for (at, c) in grapheme.char_indices() {
                let character = &grapheme[at..at + c.len_utf8()];
                mapped.push_str(self.shortest(character).unwrap_or(character));
            }
        }
        mapped
    }

    fn shortest<'a>(&'a self, text: &str) -> Option<&'a str> {
        self.matches(text).next().map(|(_, replacement)| replacement)
    }

    /// Finds the keys that the text starts with, shortest first, and returns their lengths in bytes with their
    /// replacements.
    fn matches<'a>(&'a self, text: &str) -> impl Iterator<Item = (usize, &'a str)> {
        let mut node = self.units.first().map(|root| offset(*root));
        let step = move |(at, byte): (usize, u8)| {
            let place = node? ^ usize::from(byte);
            let unit = *self.units.get(place)?;
            if byte == 0 || label(unit) != u32::from(byte) {
                return None;
            }
            let children = place ^ offset(unit);
            node = Some(children);
            let value = if ends_key(unit) { self.units.get(children) } else { None };
            Some(value.map(|value| (at + 1, *value)))
        };
        let values = text.bytes().take(LONGEST_KEY).enumerate().map_while(step).flatten();
        values.filter_map(|(length, value)| self.replacement(value).map(|text| (length, text)))
    }

    /// Returns the replacement for the value at a leaf.
    fn replacement(&self, value: u32) -> Option<&str> {
        let text = self.replacements.get((value & 0x7fff_ffff) as usize..)?;
        text.split('\0').next()
    }
}

fn label(unit: u32) -> u32 {
    unit & 0x8000_00ff
}

fn ends_key(unit: u32) -> bool {
    unit >> 8 & 1 == 1
}

fn offset(unit: u32) -> usize {
    ((unit >> 10) << ((unit & 1 << 9) >> 6)) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// With such a trie, the library would index past the end.
        #[test]
        fn a_trie_of_random_units_maps_any_text(units in prop::collection::vec(any::<u32>(), 0..600), text: String) {
            let mut bytes = (units.len() as u32 * 4).to_le_bytes().to_vec();
            bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
            bytes.extend(b"a\0bc\0");
            let map = Charsmap::parse(&bytes).unwrap();
            prop_assert!(map.longest_match(&text).len() <= text.len() * 3);
            prop_assert!(map.by_grapheme(&text).len() <= text.len() * 3);
        }
    }

    #[test]
    fn a_map_without_a_trie_changes_nothing() {
        assert_eq!(Charsmap::default().longest_match("e\u{301} ½"), "e\u{301} ½");
        assert_eq!(Charsmap::parse(&[0; 4]).unwrap().by_grapheme("e\u{301} ½"), "e\u{301} ½");
    }
}
