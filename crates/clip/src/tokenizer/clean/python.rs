//! Implements Python's string methods where they differ from Rust's.

/// Checks whether `str.split` and the pattern `\s` count a character as white space: Unicode's white space and the four
/// information separators.
pub(in super::super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// Does the same as `text.strip()`.
pub(in super::super) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Does the same as `" ".join(text.split())`.
pub(in super::super) fn collapse(text: &str) -> String {
    let mut collapsed = String::with_capacity(text.len());
    for word in text.split(is_space).filter(|word| !word.is_empty()) {
        if !collapsed.is_empty() {
            collapsed.push(' ');
        }
        collapsed.push_str(word);
    }
    collapsed
}

/// Does the same as `text.translate(str.maketrans("", "", string.punctuation))`.
pub(in super::super) fn without_punctuation(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_punctuation()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn information_separators_are_white_space_as_in_python() {
        assert_eq!(collapse("\u{1f}a\u{1c}\u{85}b\u{a0}\u{3000}c\u{200b}\n"), "a b c\u{200b}");
        assert_eq!(strip("\u{1d} a \u{2028}"), "a");
    }
}
