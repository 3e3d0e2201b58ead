//! Texts as scalars of YAML.

use cliptune_terminal::format::{harmless_yaml, visible};

/// Words that some readers of YAML take for something else than text.
const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

/// Returns a text as a scalar of YAML on one line, which means that text within `{…}` and `[…]`, too: bare where that is safe, else in
/// quotes.
///
/// Whatever the text is, no character of it ends the line, begins a comment or turns letters around.
pub fn scalar(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let is_shown_as_it_is = visible(text) == text;
    if is_shown_as_it_is && text.contains(['"', '\\']) && !text.contains('\'') {
        return format!("'{text}'");
    }
    // JSON is YAML, and its texts can hold any character as an escape.
    harmless_yaml(&serde_json::Value::from(text).to_string()).into_owned()
}

/// Checks whether a text needs no quotes: a name, a path or an address.
fn is_plain(text: &str) -> bool {
    let is_word = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let is_path = ["/", "./", "../"].iter().any(|start| text.starts_with(start));
    let is_safe = |letter: char| letter.is_ascii_alphanumeric() || "_-./*:".contains(letter);
    (is_word || is_path)
        && text.chars().all(is_safe)
        && !text.ends_with(':')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_paths_and_addresses_are_bare() {
        for text in
            ["caption", "image_name", "_7", "../data/images/*.jpeg", "/data/a-b", "gs://bucket/a.parquet"]
        {
            assert_eq!(scalar(text), text);
        }
    }

    #[test]
    fn what_yaml_could_take_for_something_else_is_in_quotes() {
        for (text, written) in [
            ("7", "\"7\""),
            ("no", "\"no\""),
            ("Null", "\"Null\""),
            ("", "\"\""),
            ("a: b", "\"a: b\""),
            ("a #b", "\"a #b\""),
            ("key:", "\"key:\""),
            ("*", "\"*\""),
            ("- a", "\"- a\""),
            ("it's", "\"it's\""),
            ("[\"a\", \"b\"]", "'[\"a\", \"b\"]'"),
            ("it's \"a\"", "\"it's \\\"a\\\"\""),
            ("ü 漫画", "\"ü 漫画\""),
        ] {
            assert_eq!(scalar(text), written);
        }
    }

    #[test]
    fn no_character_ends_the_line_or_gives_an_order() {
        let hostile = "a\nb\r\u{85}\u{2028}\u{1b}[31m\u{202e}\"\\";
        let written = scalar(hostile);
        assert_eq!(visible(&written), written, "{written}");
        assert!(written.starts_with('"') && written.ends_with('"'), "{written}");
    }
}
