//! Comments of a file.

use cliptune_terminal::format::{visible, width};

/// The number of columns of a line, as far as words allow.
const WIDTH: usize = 110;

/// Writes a sentence as a comment, broken into lines. Names in it are those of strangers: whatever they hold, it stays a comment.
pub(crate) fn comment(indent: &str, sentence: &str) -> String {
    let start = format!("{indent}# ");
    let (mut written, mut line) = (String::new(), start.clone());
    for word in visible(sentence).split(' ').filter(|word| !word.is_empty()) {
        let is_first = line.len() == start.len();
        if !is_first && width(&line) + 1 + width(word) > WIDTH {
            written += line.trim_end();
            written.push('\n');
            line.clone_from(&start);
        } else if !is_first {
            line.push(' ');
        }
        line += word;
    }
    written += line.trim_end();
    written + "\n"
}

/// Writes lines of YAML as a comment, from which whoever reads it makes a setting.
pub(crate) fn setting(indent: &str, lines: &[String]) -> String {
    lines.iter().map(|line| format!("{indent}#   {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sentences_are_broken_between_words() {
        let written = comment("    ", &"word ".repeat(60));
        assert!(written.lines().count() > 2);
        for line in written.lines() {
            assert!(
                line.starts_with("    # word") && line.len() <= WIDTH && !line.ends_with(' '),
                "{line:?}"
            );
        }
        assert_eq!(comment("", "One."), "# One.\n");
    }

    #[test]
    fn nothing_in_a_name_ends_the_comment() {
        let written = comment("  ", "the column `a\nmodel: {from: b}\u{2028}c\u{85}d` names images");
        assert_eq!(written.lines().count(), 1);
        assert!(written.contains(r"a\nmodel"), "{written}");
        assert!(!written.contains(['\u{2028}', '\u{85}']), "{written}");
    }
}
