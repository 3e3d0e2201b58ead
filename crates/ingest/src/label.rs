//! Which text a label means.

/// The index of the right text: the text itself, a letter from A on, or an index from 0 on; `None` when it is not
/// among the choices.
///
/// A text wins over a letter, so that a choice called "A" can be the answer.
pub(crate) fn index(label: &str, choices: &[String]) -> Option<usize> {
    let label = label.trim();
    let written = choices.iter().position(|choice| choice == label);
    let index = written.or_else(|| letter(label)).or_else(|| label.parse().ok())?;
    (index < choices.len()).then_some(index)
}

fn letter(label: &str) -> Option<usize> {
    match label.as_bytes() {
        [letter] if letter.is_ascii_alphabetic() => Some(usize::from(letter.to_ascii_uppercase() - b'A')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn letters_count_from_a_in_either_case() {
        let five = choices(&["p", "q", "r", "s", "t"]);
        assert_eq!((index("A", &five), index("e", &five)), (Some(0), Some(4)));
    }

    #[test]
    fn numbers_count_from_zero() {
        assert_eq!(index("1", &choices(&["no", "yes"])), Some(1));
    }

    #[test]
    fn the_text_itself_wins_over_a_letter() {
        assert_eq!(index("A", &choices(&["B", "A"])), Some(1));
        assert_eq!(index("yes", &choices(&["no", "yes"])), Some(1));
    }

    #[test]
    fn what_is_beyond_the_choices_is_no_label() {
        for label in ["C", "2", "-1", "maybe", "", "é"] {
            assert_eq!(index(label, &choices(&["no", "yes"])), None, "{label}");
        }
    }
}
