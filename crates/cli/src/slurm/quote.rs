//! Words as a shell reads them back.

/// Returns a word in a form that a POSIX shell reads as that word and nothing else, whatever is in it. No argument of a program
/// holds a NUL.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |letter: char| {
        letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '/' | ':' | ',' | '@' | '+')
    };
    // A word such as A=1 at the beginning of a command would be an assignment. An option is none.
    let is_harmless = |letter: char| is_plain(letter) || (letter == '=' && word.starts_with('-'));
    if !word.is_empty() && word.chars().all(is_harmless) {
        return word.to_owned();
    }
    // Inside single quotes, nothing has a meaning but the quote itself.
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Returns words with spaces between them.
pub(crate) fn line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What has a meaning for some shell, somewhere.
    const PIECES: [&str; 28] = [
        "a",
        " ",
        "'",
        "''",
        "\"",
        "\\",
        "$",
        "$(x)",
        "`x`",
        "\n",
        "\t",
        "\r",
        ";",
        "&",
        "|",
        "<",
        ">",
        "*",
        "?",
        "[a]",
        "{a,b}",
        "~",
        "!",
        "#",
        "=",
        "-n",
        "漫",
        "\u{7f}\u{1b}[2J",
    ];

    fn hostile() -> Vec<String> {
        let mut words = vec![String::new(), "-e".to_owned(), "A=1".to_owned(), "it's $HOME\\".to_owned()];
        for one in PIECES {
            words.push(one.to_owned());
            words.extend(PIECES.iter().map(|other| format!("{one}{other}")));
            words.push(PIECES.iter().map(|other| format!("{other}{one}")).collect());
        }
        words
    }

    #[test]
    fn a_shell_reads_every_word_back() {
        let words = hostile();
        for shell in ["bash", "sh"] {
            let script = format!("printf '%s\\0' {}", line(words.iter().map(String::as_str)));
            let output = Command::new(shell).arg("-c").arg(&script).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            let read: Vec<&[u8]> = output.stdout.split(|byte| *byte == 0).collect();
            assert_eq!(read.len(), words.len() + 1, "{shell}");
            for (word, read) in words.iter().zip(read) {
                assert_eq!(word.as_bytes(), read, "{shell} has read {word:?} otherwise");
            }
        }
    }

    #[test]
    fn plain_words_stay_as_they_are() {
        assert_eq!(
            line(["/bin/cliptune-train", "--only=tuned/0", "a b"]),
            "/bin/cliptune-train --only=tuned/0 'a b'"
        );
    }
}
