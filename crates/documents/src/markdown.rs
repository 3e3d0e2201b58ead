//! The gate of Markdown.

use std::iter::repeat_n;

use cliptune_terminal::format::{visible, visible_lines};

use crate::bidi::isolated;
use crate::cut::beginning;

/// The most letters of a text in Markdown, which is for reading. Whoever needs more asks for JSON.
const MOST: usize = 2_000;

/// Returns a text on one line, with everything escaped that would be markup, an address, or a mention of somebody.
pub fn markdown_text(text: &str) -> String {
    let text = visible(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    let text = beginning(&text, MOST);
    let mut escaped = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        let (before, next) = (&text[..at], text[at + letter.len_utf8()..].chars().next());
        match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '!' | '~' | '$' | '#' => {
                escaped.extend(['\\', letter]);
            }
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            letter if begins_block(before, letter, next) || begins_address(before, letter, next) => {
                escaped.extend(['\\', letter]);
            }
            letter => escaped.push(letter),
        }
        // People and issues are looked for in what Markdown has become, where a backslash is no help.
        if is_reference(before, letter, next) {
            escaped.push_str("&#8203;");
        }
    }
    isolated(&escaped, "&#8296;", "&#8297;").into_owned()
}

/// Checks whether a letter makes a line an element of a list, a rule or a heading.
fn begins_block(before: &str, letter: char, next: Option<char>) -> bool {
    match letter {
        '-' | '+' | '=' => before.is_empty() && !next.is_some_and(|next| next.is_ascii_digit()),
        '.' | ')' => {
            let is_number = !before.is_empty() && before.bytes().all(|byte| byte.is_ascii_digit());
            is_number && next.is_none_or(char::is_whitespace)
        }
        _ => false,
    }
}

/// Checks whether a letter makes an address of what stands around it.
fn begins_address(before: &str, letter: char, next: Option<char>) -> bool {
    let begins = |word: &str| {
        let end = before.len().checked_sub(word.len()).and_then(|at| before.get(at..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(word))
    };
    match letter {
        // A time of day is no address.
        ':' if before.ends_with(|digit: char| digit.is_ascii_digit()) => next == Some('/'),
        ':' => next.is_some_and(|next| !next.is_whitespace()),
        '.' => begins("www"),
        _ => false,
    }
}

/// Checks whether a letter begins the mention of somebody or of an issue.
fn is_reference(before: &str, letter: char, next: Option<char>) -> bool {
    match letter {
        // Nothing but a measure has letters before and a number behind it: recall@5.
        '@' if before.ends_with(char::is_alphanumeric) => next.is_some_and(char::is_alphabetic),
        '@' => next.is_some_and(char::is_alphanumeric),
        '#' => next.is_some_and(|next| next.is_ascii_digit()),
        _ => false,
    }
}

/// Returns a row of a Markdown table without its line break.
pub fn markdown_line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(markdown_text).collect();
    format!("| {} |", cells.join(" | "))
}

/// Returns a text of several lines as a block of code, which nothing inside it closes.
pub fn fenced(language: &str, text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence: String = repeat_n('`', longest.max(2) + 1).collect();
    format!("{fence}{language}\n{}\n{fence}\n", visible_lines(text).trim_end_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_has_no_markup_of_strangers() {
        let cells =
            ["a|b", "<img src=x>", "[x](javascript:alert(1))", "two\nlines", "@someone `code` \u{202e}"];
        assert_eq!(
            markdown_line(cells),
            "| a\\|b | &lt;img src=x&gt; | \\[x\\](javascript\\:alert(1)) | two lines | @&#8203;someone \\`code\\` \\\\u{202e} |"
        );
        assert_eq!(markdown_text("![x](y) &amp; ~~no~~ $a$"), r"\!\[x\](y) &amp;amp; \~\~no\~\~ \$a\$");
    }

    #[test]
    fn no_line_becomes_a_list_or_a_heading() {
        let lines = [
            "# a",
            "- a",
            "+ a",
            "=== a",
            "2026. a",
            "1) a",
            "> a",
            "    a",
            "---",
            "* a",
            "1.5 a",
            "-1.5",
            "a: b 09:30",
        ];
        let read = lines.map(markdown_text);
        let expected = [
            r"\# a",
            r"\- a",
            r"\+ a",
            r"\=== a",
            r"2026\. a",
            r"1\) a",
            "&gt; a",
            "a",
            r"\---",
            r"\* a",
            "1.5 a",
            "-1.5",
            "a: b 09:30",
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn nothing_is_linked_and_nobody_is_called() {
        let texts = ["https://x.y/z", "WWW.x.y", "a@b.c", "see #12", "a @ b, # c, 0.62, recall@5"];
        let read = texts.map(markdown_text);
        let expected = [
            r"https\://x.y/z",
            r"WWW\.x.y",
            "a@&#8203;b.c",
            r"see \#&#8203;12",
            r"a @ b, \# c, 0.62, recall@5",
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn a_number_behind_a_name_from_right_to_left_stays_there() {
        assert_eq!(markdown_line(["run שלום", "12"]), "| run &#8296;שלום&#8297; | 12 |");
    }

    #[test]
    fn a_text_without_end_has_one() {
        assert_eq!(markdown_text(&"a".repeat(1 << 20)).chars().count(), MOST + 1);
    }

    #[test]
    fn nothing_inside_a_fence_closes_it() {
        assert_eq!(fenced("yaml", "a: 1\n"), "```yaml\na: 1\n```\n");
        assert_eq!(fenced("yaml", "````\n\u{1b}[2J"), "`````yaml\n````\n\\u{1b}[2J\n`````\n");
    }
}
