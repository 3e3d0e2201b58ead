//! The rules for the texts of an item.

use std::collections::HashSet;

use cliptune_experiment::TaskKind;
use cliptune_store::Reason;
use serde::Deserialize;

use crate::shown::shown_list;

/// Checks whether a text has nothing but spaces.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

/// The texts of a row, in lists that are used again for the next one.
#[derive(Clone, Copy)]
pub(crate) struct Listed<'l, 'a> {
    /// The list, with `None` where a text is missing.
    pub(crate) all: &'l [Option<&'a str>],
    /// Those that are not missing.
    pub(crate) present: &'l [&'a str],
}

impl<'l, 'a> Listed<'l, 'a> {
    /// Returns the texts if none is missing.
    pub(crate) fn whole(self) -> Option<&'l [&'a str]> {
        (self.present.len() == self.all.len()).then_some(self.present)
    }
}

/// Returns the reason why texts cannot be those of an item, and the value that was refused.
pub(crate) fn flaw(task: Option<TaskKind>, listed: Listed<'_, '_>) -> Option<(Reason, String)> {
    let refuse = |reason| Some((reason, shown_list(listed.all)));
    let Some(texts) = listed.whole() else {
        return refuse(match task {
            Some(TaskKind::Choice) => Reason::ChoicesWithNull,
            Some(TaskKind::Classes) => Reason::ClassMissing,
            Some(TaskKind::Pairs) | None => Reason::TextEmpty,
        });
    };
    if task == Some(TaskKind::Choice) && texts.len() < 2 {
        return refuse(Reason::ChoicesTooFew);
    }
    if texts.iter().any(|text| is_blank(text)) {
        return refuse(if task == Some(TaskKind::Classes) {
            Reason::ClassMissing
        } else {
            Reason::TextEmpty
        });
    }
    repeated(texts).map(|repeated| (Reason::ChoicesRepeated, repeated.to_owned()))
}

/// Returns the first text that has been in the list before.
fn repeated<'a>(texts: &[&'a str]) -> Option<&'a str> {
    /// The length up to which comparing each with each is faster than hashing.
    const FEW: usize = 16;
    if texts.len() <= FEW {
        return (1..texts.len()).find(|&at| texts[..at].contains(&texts[at])).map(|at| texts[at]);
    }
    let mut seen = HashSet::new();
    texts.iter().copied().find(|text| !seen.insert(*text))
}

/// Returns the distinct texts of a list, in the order in which they first occur.
pub(crate) fn distinct<'a>(list: &[Option<&'a str>]) -> Vec<Option<&'a str>> {
    let mut seen = HashSet::new();
    list.iter().flatten().filter(|text| seen.insert(**text)).map(|text| Some(*text)).collect()
}

/// One value in a list of texts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Element {
    Text(String),
    Boolean(bool),
    Whole(i64),
    Large(u64),
    Number(f64),
    Missing(()),
}

/// Reads the texts of a JSON array. Returns `None` if the JSON is not an array, or if it contains arrays or objects.
pub(crate) fn listed(json: &str) -> Option<Vec<Option<String>>> {
    let elements: Vec<Element> = serde_json::from_str(json).ok()?;
    let text = |element| match element {
        Element::Text(text) => Some(text),
        Element::Boolean(value) => Some(value.to_string()),
        Element::Whole(value) => Some(value.to_string()),
        Element::Large(value) => Some(value.to_string()),
        Element::Number(value) => Some(value.to_string()),
        Element::Missing(()) => None,
    };
    Some(elements.into_iter().map(text).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_repetition_is_found_in_short_lists_and_in_long_ones() {
        for length in [0, 1, 2, 5, 16, 17, 40] {
            let texts: Vec<String> = (0..length).map(|at: usize| at.to_string()).collect();
            let mut texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            assert_eq!(repeated(&texts), None, "{length}");
            texts.extend_from_slice(&["x", "0", "x"]);
            assert_eq!(repeated(&texts), Some(if length > 0 { "0" } else { "x" }), "{length}");
        }
    }

    #[test]
    fn a_list_of_texts_is_one_of_scalars() {
        let texts = |texts: &[Option<&str>]| {
            Some(texts.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>())
        };
        assert_eq!(
            listed(r#"["1:15", 7, true, null, "null", ""]"#),
            texts(&[Some("1:15"), Some("7"), Some("true"), None, Some("null"), Some("")])
        );
        for none in ["", "not a list", "['a', 'b']", r#"[["a"], ["b"]]"#, r#"[{"raw": "a"}]"#, r#""a""#, "3"]
        {
            assert_eq!(listed(none), None, "{none}");
        }
    }
}
