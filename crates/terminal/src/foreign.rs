//! Texts that strangers have written, made harmless: which characters no output may hold, whatever its format.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

/// The number of marks that a letter may carry. No script needs more, and a higher stack covers the lines around it.
const MARKS: usize = 4;

/// Formats a text so that it is shown as it is and does nothing: on one line, with an escape such as `\n`, `\u{1b}` and
/// `\u{202e}` in place of every character that a terminal obeys, that turns the order of letters around or that is not
/// seen, and of every mark on a letter that has four already.
pub fn visible(text: &str) -> String {
    // Nearly every text is harmless, and some tables have a hundred thousand of them.
    match text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        true => text.to_owned(),
        false => escaped(text, |_| false, spell).into_owned(),
    }
}

/// Formats a text of several lines as [`visible`] formats one line: the line breaks stay.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| letter == '\n', spell)
}

/// Escapes the same characters in a JSON document, which means the same afterwards. JSON itself has none but line breaks
/// outside of texts, and demands to escape only some within them.
pub fn harmless_json(json: &str) -> Cow<'_, str> {
    escaped(json, |letter| letter == '\n', spell_for_json)
}

/// Escapes the same characters in a YAML document whose texts are all in double quotes. It means the same afterwards.
pub fn harmless_yaml(yaml: &str) -> Cow<'_, str> {
    escaped(yaml, |letter| letter == '\n', spell_for_yaml)
}

/// Checks whether a character is no letter but an order: to a terminal, or to whoever lays out lines. Joiners and variation
/// selectors are none, because scripts and emoji need them.
fn is_obeyed(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}')
        // The first two are no characters, and XML knows none of them. The others are letters that nobody sees.
        || matches!(letter, '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

/// Returns a text with every order that does not stay written by `write` instead.
fn escaped(text: &str, stays: fn(char) -> bool, write: fn(&mut String, char)) -> Cow<'_, str> {
    let (mut harmless, mut copied, mut marks) = (String::new(), 0, 0);
    for (at, letter) in text.char_indices() {
        // Nearly every character is one of these.
        if matches!(letter, ' '..='~') {
            marks = 0;
            continue;
        }
        let is_mark = letter >= '\u{300}' && letter.width() == Some(0);
        marks = if is_mark { marks + 1 } else { 0 };
        if marks > MARKS || is_obeyed(letter) && !stays(letter) {
            harmless.push_str(&text[copied..at]);
            write(&mut harmless, letter);
            copied = at + letter.len_utf8();
        }
    }
    match copied {
        0 => Cow::Borrowed(text),
        _ => Cow::Owned(harmless + &text[copied..]),
    }
}

fn spell(text: &mut String, letter: char) {
    match letter {
        '\n' | '\r' | '\t' => text.extend(letter.escape_default()),
        letter => text.extend(letter.escape_unicode()),
    }
}

fn spell_for_json(text: &mut String, letter: char) {
    for unit in letter.encode_utf16(&mut [0; 2]) {
        let _ = write!(text, "\\u{unit:04x}");
    }
}

fn spell_for_yaml(text: &mut String, letter: char) {
    let _ = write!(text, "\\U{:08x}", u32::from(letter));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_a_stranger_gives_no_orders() {
        let hostile = "a\u{1b}[31m b\nc\u{9b}2J \u{202e}lleh\u{2028}\u{7f}\0";
        let read = visible(hostile);
        assert_eq!(read, r"a\u{1b}[31m b\nc\u{9b}2J \u{202e}lleh\u{2028}\u{7f}\u{0}");
        assert_eq!(visible("a\u{e0041}\u{ffff}\u{fff9}"), r"a\u{e0041}\u{ffff}\u{fff9}");
        for plain in
            ["It's 東京 – “über” 👩\u{200d}🚀", r"C:\new", "", "\u{e000}", "Tiếng Việt ❤\u{fe0f}", "שָׁלוֹם"]
        {
            assert_eq!(visible(plain), plain);
        }
    }

    #[test]
    fn lines_stay_where_there_are_several() {
        assert_eq!(visible_lines("one\ntwo\r\n\u{202e}"), "one\ntwo\\r\n\\u{202e}");
        assert!(matches!(visible_lines("one\ntwo"), Cow::Borrowed("one\ntwo")));
    }

    #[test]
    fn a_letter_carries_no_tower_of_marks() {
        let tower = |marks: usize| format!("e{}f", "\u{301}".repeat(marks));
        assert_eq!(visible(&tower(4)), tower(4));
        assert_eq!(visible(&tower(6)), format!("e{}\\u{{301}}\\u{{301}}f", "\u{301}".repeat(4)));
        let read = visible(&tower(10_000));
        assert_eq!(read.matches('\u{301}').count(), 4);
    }

    #[test]
    fn json_means_the_same_and_gives_no_orders() {
        let value = serde_json::json!({ "caption": "a\u{9b}2J\u{202e}\u{7f}\n\u{1b}ü\u{e0041}" });
        let text = serde_json::to_string_pretty(&value).expect("it is JSON");
        let text = harmless_json(&text);
        assert_eq!(text, "{\n  \"caption\": \"a\\u009b2J\\u202e\\u007f\\n\\u001bü\\udb40\\udc41\"\n}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("it is JSON"), value);
    }
}
