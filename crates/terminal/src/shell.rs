//! Commands that a person copies into a shell.

use std::borrow::Cow;

/// Returns a text as one word for a shell, in quotes where it needs them: whatever is in it, the shell takes it as it is.
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=:,+@%".contains(letter);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(format!("'{}'", text.replace('\'', r"'\''"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_take_them_apart() {
        for plain in ["../experiments/own.yaml", "--set=train.optimizer.lr=1e-5", "tuned@best"] {
            assert_eq!(shell_word(plain), plain);
        }
        assert_eq!(shell_word("my photos"), "'my photos'");
        assert_eq!(shell_word("it's ours"), r"'it'\''s ours'");
        assert_eq!(shell_word("$(rm -rf ~)"), "'$(rm -rf ~)'");
        assert_eq!(shell_word("a*"), "'a*'");
        assert_eq!(shell_word(""), "''");
    }
}
