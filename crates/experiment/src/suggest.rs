//! "Did you mean …".

/// The candidate that `written` was probably meant to be: one that differs by a slip, or whose beginning it is.
pub(crate) fn closest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = plain(written);
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let begins =
        |candidate: &&str| wanted.len() >= SHORTEST_BEGINNING && plain(candidate).starts_with(&wanted);
    by_a_slip(&wanted, &candidates).or_else(|| candidates.iter().copied().find(begins))
}

/// `val` for `validation` is an abbreviation; fewer letters could be anything.
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

/// Case and the kind of dash are never what distinguishes two words. Hostile lengths are cut: the distance is quadratic.
fn plain(word: &str) -> String {
    word.chars().take(64).map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// "did you mean …" for a close candidate.
pub(crate) fn did_you_mean<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    closest(written, candidates).map(|word| format!("did you mean `{word}`?"))
}

/// `a`, `a or b`, `a, b or c`, each in backticks.
pub(crate) fn alternatives<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    listed(words, "or")
}

/// `a`, `a and b`, `a, b and c` with the given conjunction, each in backticks.
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
