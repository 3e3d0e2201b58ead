//! Converts HTML entities to characters, as Python's `html.unescape` and ftfy do.
//!
//! Python's rules are not those of the HTML standard: references to control characters and non-characters are removed,
//! and a name ends after 32 characters. Only the table of names comes from a library.

use htmlize::ENTITIES;

/// The longest name that `html.unescape` looks up.
const LONGEST_NAME: usize = 32;
/// The longest name that ftfy looks up.
const LONGEST_COMPLETE_NAME: usize = 24;

/// The characters that Windows-1252 has at 0x80 to 0x9F. The five bytes that it leaves undefined remain control
/// characters.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Returns the Windows-1252 character for a C1 control character, and any other character unchanged.
pub(super) fn windows_1252(c: char) -> char {
    match u32::from(c) {
        code @ 0x80..=0x9f => WINDOWS_1252[code as usize - 0x80],
        _ => c,
    }
}

/// Does the same as `html.unescape(text)`.
pub(super) fn unescape(text: &str) -> String {
    replace(text, |rest| numeric(rest).or_else(|| named(rest)))
}

/// Does the same as `ftfy.fixes.unescape_html(text)`: converts entities that end in a semicolon, and their upper-case
/// spellings.
pub(super) fn unescape_complete(text: &str) -> String {
    replace(text, |rest| {
        let hash = usize::from(rest[1..].starts_with('#'));
        let name = rest[1 + hash..].bytes().take_while(u8::is_ascii_alphanumeric).count();
        let length = 1 + hash + name + 1;
        if !(1..=LONGEST_COMPLETE_NAME).contains(&name) || rest.as_bytes().get(length - 1) != Some(&b';') {
            return None;
        }
        let entity = &rest[..length];
        let unescaped = if hash == 1 { complete_number(entity) } else { complete_name(entity) };
        // ftfy's pattern consumes entities that it does not understand. This makes no difference, because no entity
        // starts inside one.
        Some((length, unescaped.unwrap_or_else(|| entity.to_owned())))
    })
}

/// Calls `entity` at each ampersand and replaces what it finds. `entity` returns the length of the entity and its
/// replacement.
fn replace(text: &str, entity: impl Fn(&str) -> Option<(usize, String)>) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        replaced.push_str(&rest[..start]);
        rest = &rest[start..];
        let (length, characters) = entity(rest).unwrap_or_else(|| (1, "&".to_owned()));
        replaced.push_str(&characters);
        rest = &rest[length..];
    }
    replaced.push_str(rest);
    replaced
}

/// Looks up the characters of an entity, which is given with its ampersand and, if it has one, its semicolon.
fn lookup(entity: &str) -> Option<&'static str> {
    ENTITIES.get(entity.as_bytes()).and_then(|characters| std::str::from_utf8(characters).ok())
}

/// Parses a numeric reference at the start of the text.
fn numeric(rest: &str) -> Option<(usize, String)> {
    let digits = rest.strip_prefix("&#")?;
    let (radix, digits) = match digits.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => (16, hexadecimal),
        None => (10, digits),
    };
    let count = digits.bytes().take_while(|&digit| char::from(digit).is_digit(radix)).count();
    if count == 0 {
        return None;
    }
    let semicolon = usize::from(digits[count..].starts_with(';'));
    let length = rest.len() - digits.len() + count + semicolon;
    // A number with more digits than a u32 holds is beyond Unicode too.
    let code = u32::from_str_radix(&digits[..count], radix).unwrap_or(u32::MAX);
    Some((length, number(code).map(String::from).unwrap_or_default()))
}

/// Returns the character of a numeric reference, or none if Python removes the reference.
fn number(code: u32) -> Option<char> {
    match code {
        0 => Some('\u{fffd}'),
        0x0d => Some('\r'),
        0x80..=0x9f => char::from_u32(code).map(windows_1252),
        0x01..=0x08 | 0x0b | 0x0e..=0x1f | 0x7f | 0xfdd0..=0xfdef => None,
        _ if code & 0xfffe == 0xfffe && code <= 0x10_ffff => None,
        _ => Some(char::from_u32(code).unwrap_or('\u{fffd}')),
    }
}

/// Parses a named reference at the start of the text: the whole name or, failing that, its longest beginning that is an
/// entity.
fn named(rest: &str) -> Option<(usize, String)> {
    let stops = |c: char| matches!(c, '\t' | '\n' | '\x0c' | ' ' | '<' | '&' | '#' | ';');
    let letters = rest[1..].char_indices().take(LONGEST_NAME).take_while(|&(_, c)| !stops(c));
    let end = letters.last().map(|(at, c)| 1 + at + c.len_utf8())?;
    let length = end + usize::from(rest[end..].starts_with(';'));
    if let Some(characters) = lookup(&rest[..length]) {
        return Some((length, characters.to_owned()));
    }
    let beginnings = rest[..length].char_indices().map(|(at, _)| at).filter(|&at| at > 2).rev();
    let (at, characters) =
        beginnings.filter_map(|at| lookup(&rest[..at]).map(|characters| (at, characters))).next()?;
    Some((at, characters.to_owned()))
}

/// Converts a numeric reference that ends in a semicolon, unless only its beginning is a number.
fn complete_number(entity: &str) -> Option<String> {
    let unescaped = unescape(entity);
    (!unescaped.contains(';')).then_some(unescaped)
}

/// Converts a named reference, or the upper-case spelling of one, which becomes upper-case characters.
fn complete_name(entity: &str) -> Option<String> {
    if let Some(characters) = lookup(entity) {
        return Some(characters.to_owned());
    }
    let lower = entity.to_ascii_lowercase();
    let shouted = lower.to_ascii_uppercase() == entity && unescape(entity) == entity;
    lookup(&lower).filter(|_| shouted).map(str::to_uppercase)
}
