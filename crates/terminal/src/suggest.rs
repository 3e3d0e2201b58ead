//! Suggestions for misspelled words: “Did you mean …?”

/// Returns the candidate that the word is most likely a misspelling of, if one is close enough to suggest.
///
/// A candidate is close if it takes at most one edit for every three letters of the word, or if it starts with the word
/// (as `warmup_steps` does with `warmup`). The first of several equally close candidates is returned.
pub fn did_you_mean<'a, S>(word: &str, candidates: impl IntoIterator<Item = &'a S>) -> Option<&'a str>
where
    S: AsRef<str> + ?Sized + 'a,
{
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(AsRef::as_ref)
        .filter_map(|candidate| Some((distance(&word, &candidate.to_lowercase())?, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns the number of edits between two lower-case words, or `None` when one is no plausible slip of the other.
fn distance(word: &str, candidate: &str) -> Option<usize> {
    let edits = strsim::damerau_levenshtein(word, candidate);
    let letters = word.chars().count();
    let a_slip = edits <= (letters / 3).max(1) && edits < letters;
    let unfinished = letters >= 3 && candidate.starts_with(word);
    (a_slip || unfinished).then_some(edits)
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    const KEYS: [&str; 7] =
        ["name", "epochs", "batch_size", "optimizer", "warmup_steps", "weight_decay", "select"];

    #[test]
    fn finds_slips() {
        for (word, expected) in [
            ("epoch", "epochs"),
            ("epcohs", "epochs"),
            ("batchsize", "batch_size"),
            ("batch-size", "batch_size"),
            ("optimiser", "optimizer"),
            ("Name", "name"),
            ("warmup", "warmup_steps"),
            ("weight_deacy", "weight_decay"),
        ] {
            assert_eq!(did_you_mean(word, KEYS), Some(expected), "{word}");
        }
    }

    #[test]
    fn suggests_nothing_far_fetched() {
        for word in ["", "x", "lr", "momentum", "learning_rate", "same_thing"] {
            assert_eq!(did_you_mean(word, KEYS), None, "{word}");
        }
    }

    #[test]
    fn takes_borrowed_strings_and_prefers_the_closest() {
        let owned = vec!["train2".to_owned(), "train".to_owned()];
        assert_eq!(did_you_mean("trian", &owned), Some("train"));
    }
}
