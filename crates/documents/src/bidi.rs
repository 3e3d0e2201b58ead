//! Letters that are written from right to left: kept apart from what stands around them. Otherwise a number behind such a name
//! would be shown on its other side, as if it belonged to something else.

use std::borrow::Cow;

/// Returns a text in which every piece that is written from right to left stands between two marks. A piece reaches from its
/// first such letter to its last one, as long as no letter of another direction stands between them.
pub(crate) fn isolated<'a>(text: &'a str, open: &str, close: &str) -> Cow<'a, str> {
    if text.is_ascii() || !text.contains(is_right_to_left) {
        return Cow::Borrowed(text);
    }
    let (mut marked, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find(is_right_to_left) {
        let (before, from) = rest.split_at(start);
        let other = from.find(|letter: char| letter.is_alphabetic() && !is_right_to_left(letter));
        let reach = &from[..other.unwrap_or(from.len())];
        let end = reach.trim_end_matches(|letter| !is_right_to_left(letter)).len();
        marked.extend([before, open, &from[..end], close]);
        rest = &from[end..];
    }
    Cow::Owned(marked + rest)
}

/// Checks whether a letter is of a script that is written from right to left: Hebrew, Arabic, Syriac, Thaana, N'Ko and the
/// historical ones, with their marks and digits.
fn is_right_to_left(letter: char) -> bool {
    matches!(
        letter,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}'
            | '\u{1e800}'..='\u{1efff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_behind_a_name_stays_behind_it() {
        for (text, marked) in [
            ("שלום 12 of 30", "<שלום> 12 of 30"),
            ("run שלום: 0.62 (0.5 to 0.7)", "run <שלום>: 0.62 (0.5 to 0.7)"),
            ("قطة, כלב, 3 cats", "<قطة, כלב>, 3 cats"),
            ("תמונה 12 גדולה.png", "<תמונה 12 גדולה>.png"),
            ("שָׁלוֹם", "<שָׁלוֹם>"),
            ("plain 12 – “über” 東京", "plain 12 – “über” 東京"),
            ("", ""),
        ] {
            assert_eq!(isolated(text, "<", ">"), marked);
        }
    }
}
