//! How every tool formats numbers, and texts that strangers have written.

use std::time::Duration;

use unicode_width::UnicodeWidthStr;

pub use crate::foreign::{harmless_json, harmless_yaml, visible, visible_lines};

/// Returns the number of columns that a text takes in a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Formats a count with its thousands grouped: `10,240`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a count with its noun: `1 item`, `10,240 items`, `3 classes`, `2 copies`.
pub fn counted(value: u64, singular: &str) -> String {
    format!("{} {}", count(value), if value == 1 { singular.to_owned() } else { plural(singular) })
}

fn plural(singular: &str) -> String {
    match singular.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if singular.ends_with(['s', 'x']) || singular.ends_with("tch") => format!("{singular}es"),
        _ => format!("{singular}s"),
    }
}

/// Formats counts with their nouns in a sentence: `1 item, 2 groups and 1 text`.
pub fn counted_all(counts: &[(u64, &str)]) -> String {
    let counted: Vec<String> = counts.iter().map(|(value, singular)| counted(*value, singular)).collect();
    match counted.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Returns the form of a word that goes with a count: that of one, or that of several or none.
pub fn agreed<'a>(value: u64, one: &'a str, several: &'a str) -> &'a str {
    if value == 1 { one } else { several }
}

/// Formats the first few of many names: `a, b, c, …`.
pub fn first_few(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = if names.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", names[..names.len().min(SHOWN)].join(", "))
}

/// Formats a duration in at most two units: `340 ms`, `4.2 s`, `42 s`, `1 min 23 s`, `2 h 5 min`, `3 d 4 h`.
pub fn duration(value: Duration) -> String {
    let seconds = value.as_secs_f64().round() as u64;
    match value.as_secs_f64() {
        s if s < 0.9995 => format!("{} ms", (s * 1e3).round()),
        s if s < 9.95 => format!("{s:.1} s"),
        _ if seconds < 60 => format!("{seconds} s"),
        _ if seconds < 3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ if seconds < 86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// Formats the time until something ends, in whole seconds because it is a guess: `4 s`, `1 min 23 s`.
pub fn remaining(value: Duration) -> String {
    let seconds = value.as_secs_f64().ceil();
    if seconds < 60.0 { format!("{seconds} s") } else { duration(Duration::from_secs(seconds as u64)) }
}

/// The units of sizes, as people write them. `B` comes last, because the others end with it.
const UNITS: [(&str, u64); 9] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

/// Reads a size such as `500MB` or `2 GiB`; `None` where it is none, or is zero.
pub fn parse_bytes(written: &str) -> Option<u64> {
    let unit = UNITS.into_iter().find_map(|(unit, bytes)| Some((written.strip_suffix(unit)?, bytes)));
    let size = unit.and_then(|(number, bytes)| number.trim().parse::<u64>().ok()?.checked_mul(bytes));
    size.filter(|size| *size > 0)
}

/// Formats a size in binary units: `512 B`, `1.4 MiB`, `338 MiB`.
pub fn bytes(value: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if value < 1024 {
        return format!("{value} B");
    }
    let mut size = value as f64 / 1024.0;
    let mut unit = 0;
    // 1023.95 KiB would print as 1024 KiB.
    while size >= 1023.5 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    let decimals = if size < 9.95 { 1 } else { 0 };
    format!("{size:.decimals$} {}", UNITS[unit])
}

/// Formats a number between 0 and 1, or close to that range, to three decimals; a missing number is `–`.
pub fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:.3}") } else { "–".to_owned() }
}

/// Formats a difference with its sign, even when it is positive: `+0.021`, `-0.004`.
pub fn signed(value: f64) -> String {
    // A difference that rounds to zero has no direction.
    match value.is_finite() {
        true if value.abs() < 0.0005 => "0.000".to_owned(),
        true => format!("{value:+.3}"),
        false => number(value),
    }
}

/// Formats an estimate with its interval: `0.621 [0.579, 0.661]`.
pub fn estimate(value: f64, low: f64, high: f64) -> String {
    interval(value, low, high, number)
}

/// Formats a difference with its interval: `+0.021 [-0.004, +0.047]`.
pub fn difference(value: f64, low: f64, high: f64) -> String {
    interval(value, low, high, signed)
}

/// Formats a fraction as a percentage: `62.1%`.
pub fn percent(fraction: f64) -> String {
    if fraction.is_finite() { format!("{:.1}%", fraction * 100.0) } else { number(fraction) }
}

/// Formats a rate: `312 items/s`, or per minute when it is less than one a second.
pub fn rate(per_second: f64, unit: &str) -> String {
    match per_second {
        r if !r.is_finite() => number(r),
        r if r >= 1e4 => format!("{} {unit}/s", count(r.round() as u64)),
        r if r >= 9.95 => format!("{r:.0} {unit}/s"),
        r if r >= 1.0 => format!("{r:.1} {unit}/s"),
        r if r * 60.0 >= 9.95 => format!("{:.0} {unit}/min", r * 60.0),
        r => format!("{:.1} {unit}/min", r * 60.0),
    }
}

fn interval(value: f64, low: f64, high: f64, write: fn(f64) -> String) -> String {
    match low.is_finite() && high.is_finite() {
        true => format!("{} [{}, {}]", write(value), write(low), write(high)),
        false => write(value),
    }
}

/// Returns an error and its causes in one line, without those that it names already.
pub fn in_one_line(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !line.contains(&message) {
            line = format!("{line}: {message}");
        }
        cause = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let sizes = [
            ("500MB", 500_000_000),
            ("2 GiB", 2 << 30),
            ("1B", 1),
            ("3kB", 3_000),
            ("1TB", 1_000_000_000_000),
        ];
        for (written, bytes) in sizes {
            assert_eq!(parse_bytes(written), Some(bytes), "{written}");
        }
        for wrong in ["", "5", "GB", "0MB", "-1GB", "1.5GB", "99999999999TiB", "5 mb"] {
            assert_eq!(parse_bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn counts_are_grouped() {
        let counts = [0, 999, 1_000, 10_240, 123_456, 1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "10,240", "123,456", "1,234,567"]);
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!([0, 1, 2_000].map(|n| counted(n, "item")), ["0 items", "1 item", "2,000 items"]);
        let nouns = ["class", "copy", "key", "index", "match", "epoch"].map(|noun| counted(2, noun));
        assert_eq!(nouns, ["2 classes", "2 copies", "2 keys", "2 indexes", "2 matches", "2 epochs"]);
    }

    #[test]
    fn counts_are_listed_as_a_sentence_has_them() {
        let counts = [(1, "item"), (2, "group"), (1, "text")];
        let listed = [0, 1, 2, 3].map(|number| counted_all(&counts[..number]));
        assert_eq!(listed, ["nothing", "1 item", "1 item and 2 groups", "1 item, 2 groups and 1 text"]);
    }

    #[test]
    fn durations_have_at_most_two_units() {
        let read = [0.0, 0.34, 0.9996, 4.2, 9.96, 42.0, 59.6, 83.0, 3599.7, 7500.0, 273_600.0];
        let read = read.map(|seconds| duration(Duration::from_secs_f64(seconds))).join(" | ");
        insta::assert_snapshot!(read, @"0 ms | 340 ms | 1.0 s | 4.2 s | 10 s | 42 s | 1 min 0 s | 1 min 23 s | 1 h 0 min | 2 h 5 min | 3 d 4 h");
    }

    #[test]
    fn guesses_are_in_whole_seconds() {
        let read = [0.0, 0.2, 3.2, 59.2, 83.0].map(|seconds| remaining(Duration::from_secs_f64(seconds)));
        assert_eq!(read, ["0 s", "1 s", "4 s", "1 min 0 s", "1 min 23 s"]);
    }

    #[test]
    fn sizes_have_two_figures_or_more() {
        let read =
            [0, 1_023, 1_024, 1_468_006, 10_485_760, 354_418_688, 1_048_575, u64::MAX].map(bytes).join(" | ");
        insta::assert_snapshot!(read, @"0 B | 1023 B | 1.0 KiB | 1.4 MiB | 10 MiB | 338 MiB | 1.0 MiB | 16 EiB");
    }

    #[test]
    fn estimates_show_their_interval_when_there_is_one() {
        assert_eq!(estimate(0.6214, 0.579, 0.6606), "0.621 [0.579, 0.661]");
        assert_eq!(estimate(0.5, f64::NAN, f64::NAN), "0.500");
        assert_eq!(estimate(f64::NAN, 0.1, 0.2), "– [0.100, 0.200]");
        assert_eq!(difference(0.021, -0.0041, 0.047), "+0.021 [-0.004, +0.047]");
        assert_eq!(signed(-0.0001), "0.000");
        assert_eq!(percent(0.6214), "62.1%");
    }

    #[test]
    fn rates_stay_readable() {
        let read = [25_000.4, 312.2, 4.25, 0.5, 0.04, f64::INFINITY].map(|r| rate(r, "items")).join(" | ");
        insta::assert_snapshot!(read, @"25,000 items/s | 312 items/s | 4.2 items/s | 30 items/min | 2.4 items/min | –");
    }
}
