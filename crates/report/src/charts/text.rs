//! Measures and shortens text for SVG.

use cliptune_documents::both_ends;
use cliptune_terminal::format;

/// The advance widths of Inter Regular for U+0020 to U+007E, in 1/2048 em.
const ADVANCES: [u16; 95] = [
    576, 589, 954, 1297, 1314, 2011, 1319, 614, 747, 747, 1026, 1355, 590, 942, 590, 738, 1292, 833, 1249,
    1265, 1323, 1215, 1270, 1159, 1267, 1270, 590, 618, 1355, 1355, 1355, 1047, 1978, 1413, 1340, 1496, 1478,
    1231, 1209, 1528, 1522, 550, 1169, 1376, 1158, 1850, 1543, 1566, 1308, 1566, 1318, 1314, 1322, 1524,
    1413, 2018, 1397, 1390, 1288, 747, 738, 747, 965, 934, 661, 1150, 1254, 1170, 1254, 1194, 758, 1256,
    1211, 496, 496, 1124, 496, 1794, 1210, 1228, 1254, 1254, 771, 1081, 670, 1211, 1151, 1676, 1118, 1151,
    1131, 873, 681, 873, 1355,
];

/// The width of a character that is not in the table, for each column that it takes in a terminal. It is wide enough for most
/// scripts.
const OTHER_ADVANCE: u16 = 1700;

/// The most letters that a drawing has room for.
const MOST: usize = 400;

/// The factor by which semibold text and other system fonts may be wider than Inter Regular.
const ALLOWANCE: f64 = 1.15;

/// Returns the approximate width of a text, in pixels.
pub(crate) fn width(text: &str, font_size: f64) -> f64 {
    let units: f64 = text.chars().map(|c| f64::from(advance(c))).sum();
    units / 2048.0 * font_size * ALLOWANCE
}

fn advance(c: char) -> u16 {
    let index = (c as usize).checked_sub(0x20);
    let known = index.and_then(|index| ADVANCES.get(index)).copied();
    known.unwrap_or_else(|| match (c, format::width(c.encode_utf8(&mut [0; 4]))) {
        // These are whole sentences and long dashes.
        ('\u{fdf0}'..='\u{fdfd}', _) => 8 * 2048,
        ('\u{2e3a}' | '\u{2e3b}' | '\u{12000}'..='\u{1254f}', _) => 4 * 2048,
        (_, 0) => 0,
        (_, 1) => OTHER_ADVANCE,
        // Wide letters are squares.
        _ => 2048,
    })
}

/// Returns the text, with its middle left out if it is wider than `room` pixels. The ends are kept, because that is
/// often where names of experiments differ.
pub(crate) fn shorten(text: &str, font_size: f64, room: f64) -> String {
    let text = both_ends(&format::visible(text), MOST);
    if width(&text, font_size) <= room {
        return text;
    }
    let chars: Vec<char> = text.chars().collect();
    let fitting = (2..chars.len()).rev().map(|keep| without_middle(&chars, keep));
    let mut fitting = fitting.filter(|short| width(short, font_size) <= room);
    fitting.next().unwrap_or_else(|| "…".to_owned())
}

fn without_middle(chars: &[char], keep: usize) -> String {
    let head = keep.div_ceil(2);
    let tail = &chars[chars.len() - (keep - head)..];
    chars[..head].iter().chain(['…'].iter()).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_both_ends() {
        let short = shorten("new-yorker-b32-full-lr-0.00001", 12.0, 100.0);
        assert!(short.starts_with("new") && short.ends_with("001") && short.contains('…'), "{short}");
        assert!(width(&short, 12.0) <= 100.0);
    }

    #[test]
    fn a_name_without_end_is_shortened_as_well_and_marks_take_no_room() {
        let short = shorten(&"東".repeat(1 << 20), 12.0, 100.0);
        assert!(width(&short, 12.0) <= 100.0 && short.starts_with('東'), "{short}");
        assert_eq!(width("e\u{301}", 12.0), width("e", 12.0));
    }

    #[test]
    fn a_name_that_fits_stays() {
        assert_eq!(shorten("tuned", 12.0, 100.0), "tuned");
    }
}
