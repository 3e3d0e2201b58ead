//! The gate of drawings.

use cliptune_terminal::format::visible;

use crate::bidi::isolated;

/// Returns a text as XML character data or as the value of an attribute.
pub fn xml_text(text: &str) -> String {
    // Whatever XML forbids is a character that no output may hold.
    let text = visible(text);
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    // As references, because the characters themselves are ones that no output may hold.
    isolated(&escaped, "&#x2068;", "&#x2069;").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_orders_cannot_leave_a_text() {
        assert_eq!(
            xml_text("</text>]]><script>'\"&\u{0}\u{1b}\u{ffff}\u{202e}"),
            r"&lt;/text&gt;]]&gt;&lt;script&gt;&#39;&quot;&amp;\u{0}\u{1b}\u{ffff}\u{202e}"
        );
    }

    #[test]
    fn a_number_behind_a_name_from_right_to_left_stays_there() {
        assert_eq!(xml_text("<שלום> 12"), "&lt;&#x2068;שלום&#x2069;&gt; 12");
    }

    #[test]
    fn no_character_that_xml_forbids_is_left() {
        let forbidden = |letter: &char| !matches!(letter, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        for letter in ('\0'..=char::MAX).filter(forbidden) {
            assert!(!xml_text(&letter.to_string()).contains(letter), "{letter:?}");
        }
    }
}
