//! Words in the names of columns.

/// Returns the place of the first of some words that the name of a column has, or `None` if it has none of them. `imageCaptions`
/// and `image_caption` have the word `caption`.
pub(super) fn hint(name: &str, words: &[&str]) -> Option<usize> {
    let parts = parts(name);
    let is_in = |word: &&str| parts.iter().any(|part| is_word(part, word));
    words.iter().position(is_in)
}

/// Checks whether a part of a name is a word, or several of what it names.
fn is_word(part: &str, word: &str) -> bool {
    part.strip_prefix(word).is_some_and(|end| matches!(end, "" | "s" | "es"))
}

/// Splits a name where its words begin, and returns them in lower case.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut was_lower = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() || (was_lower && letter.is_uppercase()) {
            parts.push(String::new());
        }
        if letter.is_alphanumeric() {
            parts.last_mut().into_iter().for_each(|part| part.extend(letter.to_lowercase()));
        }
        was_lower = letter.is_lowercase();
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_however_they_are_joined() {
        let words = ["caption", "text"];
        for name in ["caption", "Captions", "image_caption", "imageCaption", "alt-caption 2", "CAPTION"] {
            assert_eq!(hint(name, &words), Some(0), "{name}");
        }
        assert_eq!(hint("image classes", &["class"]), Some(0));
        assert_eq!(hint("caption_text", &["text", "caption"]), Some(0));
        for name in ["recaptioned", "context", "", "é", "title"] {
            assert_eq!(hint(name, &words), None, "{name}");
        }
    }
}
