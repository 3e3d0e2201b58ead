//! Texts in a page: apart from what stands around them, and never longer than somebody reads.

use cliptune_terminal::format::{count, visible};
use maud::{Markup, html};

use crate::cut::{beginning, both_ends};

/// The most letters of a name.
const NAME: usize = 120;
/// The most letters of a text that are seen at once.
const SEEN: usize = 400;
/// The most letters of a text that a page has.
const WHOLE: usize = 10_000;

/// Returns a name for a place that has a line or two: its middle is left out if it is long.
pub fn named(name: &str) -> Markup {
    html! { bdi { (both_ends(&visible(name), NAME)) } }
}

/// Returns a text for a place that has room: its beginning, and the whole of it behind a fold if it is long.
pub fn folded(text: &str) -> Markup {
    let text = visible(text);
    let letters = text.chars().count();
    if letters <= SEEN {
        return html! { bdi { (text) } };
    }
    let (seen, whole) = (beginning(&text, SEEN), beginning(&text, WHOLE));
    html! {
        bdi { (seen) }
        details.whole {
            summary { "show more" }
            bdi { (whole) }
            @if letters > WHOLE { " (" (count(letters as u64)) " characters)" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_there_and_a_long_one_unfolds() {
        assert_eq!(folded("<b>\u{202e}").into_string(), "<bdi>&lt;b&gt;\\u{202e}</bdi>");
        let shown = folded(&"ü".repeat(SEEN + 1)).into_string();
        assert!(shown.starts_with(&format!("<bdi>{}…</bdi>", "ü".repeat(SEEN))), "{shown}");
        assert!(
            shown.contains(&format!("<summary>show more</summary><bdi>{}</bdi>", "ü".repeat(SEEN + 1))),
            "{shown}"
        );
    }

    #[test]
    fn a_text_without_end_has_one() {
        let shown = folded(&"a".repeat(1 << 20)).into_string();
        assert!(shown.contains("(1,048,576 characters)") && shown.len() < 11_000, "{}", shown.len());
        assert!(named(&"a".repeat(1 << 20)).into_string().len() < 200);
    }
}
