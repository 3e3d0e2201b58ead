//! Implements the part of `ftfy.fix_text` (6.3.1) that follows fixed rules.
//!
//! `fix_encoding` is left out. It repairs text that was decoded in the wrong encoding ("mojibake", `schÃ¶n`). ftfy has
//! to guess there, with a pattern of some forty suspicious combinations and ten encodings. A text that the pattern does
//! not find suspicious is left unchanged by it, and for such texts this module gives the same result as ftfy.

use unicode_normalization::UnicodeNormalization;

use super::html;

/// Fixes a text line by line, as ftfy does.
pub(super) fn fix_text(text: &str) -> String {
    let mut fixed = String::with_capacity(text.len());
    // From the first line with a tag on, the text is assumed to be HTML, in which entities are intentional.
    let mut unescape = true;
    for line in text.split_inclusive('\n') {
        unescape &= !line.contains('<');
        fixed.push_str(&fix_line(line, unescape));
    }
    fixed
}

/// Repeats the fixes until they no longer change anything.
fn fix_line(line: &str, unescape: bool) -> String {
    let mut text = line.to_owned();
    loop {
        let fixed = fix_once(&text, unescape);
        if fixed == text {
            return text;
        }
        text = fixed;
    }
}

fn fix_once(text: &str, unescape: bool) -> String {
    let unescaped = if unescape { html::unescape_complete(text) } else { text.to_owned() };
    let mut plain = String::with_capacity(unescaped.len());
    unescaped.chars().map(html::windows_1252).for_each(|c| push_ligature(&mut plain, c));
    let plain: String = plain.chars().flat_map(standard_width).map(uncurl).collect();
    let plain = line_breaks(&plain);
    without_terminal_escapes(&plain).chars().filter(|&c| !is_control(c)).nfc().collect()
}

/// Appends a character, with Latin ligatures and digraphs split into their letters.
fn push_ligature(text: &mut String, c: char) {
    let letters = match c {
        'Ĳ' => "IJ",
        'ĳ' => "ij",
        'ŉ' => "\u{2bc}n",
        'Ǳ' => "DZ",
        'ǲ' => "Dz",
        'ǳ' => "dz",
        'Ǆ' => "DŽ",
        'ǅ' => "Dž",
        'ǆ' => "dž",
        'Ǉ' => "LJ",
        'ǈ' => "Lj",
        'ǉ' => "lj",
        'Ǌ' => "NJ",
        'ǋ' => "Nj",
        'ǌ' => "nj",
        'ﬀ' => "ff",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        'ﬃ' => "ffi",
        'ﬄ' => "ffl",
        'ﬅ' => "ſt",
        'ﬆ' => "st",
        _ => return text.push(c),
    };
    text.push_str(letters);
}

/// Converts full-width letters and half-width kana to their usual width.
fn standard_width(c: char) -> impl Iterator<Item = char> {
    let wide = ('\u{ff01}'..='\u{ffef}').contains(&c);
    let usual = if c == '\u{3000}' { ' ' } else { c };
    (!wide).then_some(usual).into_iter().chain(wide.then(|| c.nfkc()).into_iter().flatten())
}

fn uncurl(c: char) -> char {
    match c {
        '\u{2bc}' | '\u{2018}'..='\u{201b}' => '\'',
        '\u{201c}'..='\u{201f}' => '"',
        _ => c,
    }
}

fn line_breaks(text: &str) -> String {
    text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}', '\u{85}'], "\n")
}

/// Removes the sequences that colour text in a terminal: ESC, `[`, digits of any script and semicolons, a letter.
fn without_terminal_escapes(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("\x1b[") {
        let arguments = &rest[start + 2..];
        let after = arguments.trim_start_matches(|c: char| c.is_numeric() || c == ';');
        let end = if after.starts_with(|c: char| c.is_ascii_alphabetic()) { &after[1..] } else { arguments };
        kept.push_str(&rest[..start]);
        if end.len() == arguments.len() {
            kept.push_str("\x1b[");
        }
        rest = end;
    }
    kept.push_str(rest);
    kept
}

/// Checks for control characters that display nothing. Joiners and directional marks do not count.
fn is_control(c: char) -> bool {
    matches!(c, '\0'..='\x08' | '\x0b' | '\x0e'..='\x1f' | '\x7f' | '\u{206a}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffc}')
}
