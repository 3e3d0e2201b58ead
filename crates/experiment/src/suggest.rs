//! Suggests what was probably meant.

/// Finds the candidate that `written` was probably meant to be: one that differs by a slip, or else one that begins
/// with it.
pub(crate) fn closest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = plain(written);
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let begins =
        |candidate: &&str| wanted.len() >= SHORTEST_BEGINNING && plain(candidate).starts_with(&wanted);
    by_a_slip(&wanted, &candidates).or_else(|| candidates.iter().copied().find(begins))
}

/// The smallest number of letters that count as an abbreviation, such as `val` for `validation`. Fewer letters could
/// mean anything.
const SHORTEST_BEGINNING: usize = 3;

fn by_a_slip<'a>(wanted: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let tolerated = (wanted.chars().count() / 3).clamp(1, 4);
    candidates
        .iter()
        .map(|candidate| (strsim::osa_distance(wanted, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= tolerated && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| *candidate)
}

/// Simplifies a word for comparison: neither case nor the kind of dash ever distinguishes two words. Very long words
/// from hostile files are cut, because computing the distance takes quadratic time.
fn plain(word: &str) -> String {
    word.chars().take(64).map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// Asks "did you mean …?" if there is a close candidate.
pub(crate) fn did_you_mean<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    closest(written, candidates).map(|word| format!("did you mean `{word}`?"))
}

/// Lists words in backticks: `a`, `a or b`, `a, b or c`.
pub(crate) fn alternatives<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    listed(words, "or")
}

/// Lists words in backticks with a conjunction: `a`, `a and b`, `a, b and c`.
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>, conjunction: &str) -> String {
    let mut quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    let Some(last) = quoted.pop() else { return String::new() };
    if quoted.is_empty() { last } else { format!("{} {conjunction} {last}", quoted.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_slips_are_recognized_and_strangers_are_not() {
        let keys = ["epochs", "batch_size", "lr", "tune"];
        assert_eq!(closest("epoch", keys), Some("epochs"));
        assert_eq!(closest("batch-size", keys), Some("batch_size"));
        assert_eq!(closest("Batch_Szie", keys), Some("batch_size"));
        assert_eq!(closest("batch", keys), Some("batch_size"));
        assert_eq!(closest("momentum", keys), None);
        assert_eq!(closest("", keys), None);
        assert_eq!(closest("x", ["y"]), None);
    }

    #[test]
    fn alternatives_read_as_english() {
        assert_eq!(alternatives([]), "");
        assert_eq!(alternatives(["a"]), "`a`");
        assert_eq!(alternatives(["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
