//! Compares a tree with the description of the language, reports every difference, and removes what is wrong so that no
//! decoder reports it again.

use std::collections::HashMap;
use std::ops::RangeBounds;

use crate::language::TOP;
use crate::problem::{Problem, Problems};
use crate::shape::{Key, Presence, Shape, Unknown, Words, fragment};
use crate::source::Span;
use crate::suggest::{alternatives, closest, did_you_mean, listed};
use crate::yaml::{Entry, Node, Value};

/// Checks a whole experiment.
pub(crate) fn check(document: &mut Node, problems: &mut Problems) {
    Checker { problems }.map(document, TOP, "");
}

struct Checker<'a> {
    problems: &'a mut Problems,
}

impl Checker<'_> {
    fn value(&mut self, node: &mut Node, shape: &Shape, path: &str) {
        if let Some(problem) = refusal(node, shape, path) {
            self.problems.add(problem);
            node.value = Value::Invalid;
            return;
        }
        match (shape, &mut node.value) {
            (Shape::List { of, unique, .. }, Value::List(values)) => {
                if *unique {
                    refuse_repetition(values, path, self.problems);
                }
                values.iter_mut().for_each(|value| self.value(value, of, path));
            }
            (Shape::Map(_) | Shape::Section(_), Value::Map(_)) => self.map(node, shape.keys(), path),
            (Shape::Either(shapes), _) => {
                if let Some(fitting) = shapes.iter().find(|shape| same_kind(shape, node)) {
                    self.value(node, fitting, path);
                }
            }
            // The values of `matrix` are checked at each point of the matrix, once they are applied to the keys they
            // belong to.
            _ => {}
        }
    }

    fn map(&mut self, node: &mut Node, keys: &'static [Key], path: &str) {
        if let Some(problem) = missing(node, keys, path) {
            self.problems.add(problem);
        }
        let Value::Map(entries) = &mut node.value else { return };
        for entry in entries {
            match keys.iter().find(|key| key.name == entry.key) {
                // A null means the same as a missing key.
                Some(_) if entry.value.is_null() => {}
                Some(key) => self.value(&mut entry.value, &key.shape, &join(path, key.name)),
                None => self.problems.add(unknown_key(entry, keys, path)),
            }
        }
    }
}

/// Returns what is wrong with the value itself, apart from what it contains.
fn refusal(node: &Node, shape: &Shape, path: &str) -> Option<Problem> {
    if !same_kind(shape, node) {
        let label = format!("expected {}, found {}", shape.expected(), node.kind());
        let problem = Problem::at(node.span, format!("wrong type for `{path}`")).label(label);
        return Some(problem.maybe_help(type_advice(node, shape)));
    }
    if let (Shape::Word(words), Value::Text(word)) = (shape, &node.value) {
        return wrong_word(node.span, word, &words(), path);
    }
    let label = || format!("expected {}", shape.expected());
    (!within(shape, node))
        .then(|| Problem::at(node.span, format!("impossible value for `{path}`")).label(label()))
}

fn wrong_word(span: Span, word: &str, words: &Words, path: &str) -> Option<Problem> {
    if words.names().any(|known| known == word) {
        return None;
    }
    let expected = format!("expected {}", alternatives(words.names()));
    Some(if words.planned.contains(&word) {
        Problem::at(span, format!("`{path}: {word}` is not supported yet")).label(expected)
    } else {
        Problem::at(span, format!("unknown value `{}` for `{path}`", shown(word)))
            .label(expected)
            .maybe_help(did_you_mean(word, words.names()))
    })
}

fn same_kind(shape: &Shape, node: &Node) -> bool {
    match (shape, &node.value) {
        (Shape::Text(_) | Shape::Word(_), Value::Text(_))
        | (Shape::Whole { .. }, Value::Whole(_))
        | (Shape::Number { .. }, Value::Number(_) | Value::Whole(_))
        | (Shape::Boolean, Value::Boolean(_))
        | (Shape::List { .. }, Value::List(_))
        | (Shape::Map(_) | Shape::Section(_) | Shape::Matrix, Value::Map(_)) => true,
        (Shape::Either(shapes), _) => shapes.iter().any(|shape| same_kind(shape, node)),
        _ => false,
    }
}

fn within(shape: &Shape, node: &Node) -> bool {
    match (shape, &node.value) {
        (Shape::Whole { min, max }, Value::Whole(value)) => (min..=max).contains(&value),
        (Shape::Number { low, high }, Value::Number(_) | Value::Whole(_)) => {
            node.number().is_some_and(|value| value.is_finite() && (*low, *high).contains(&value))
        }
        (Shape::List { min, max, .. }, Value::List(values)) => (*min..=*max).contains(&values.len()),
        (Shape::Text(_), Value::Text(text)) => !text.trim().is_empty(),
        _ => true,
    }
}

/// Returns what to write instead, for common slips in YAML.
fn type_advice(node: &Node, shape: &Shape) -> Option<String> {
    match (shape, &node.value) {
        (Shape::Text(_), Value::Boolean(_) | Value::Whole(_) | Value::Number(_)) => {
            Some("put it in quotes to make it text".to_owned())
        }
        (Shape::Boolean, Value::Text(word)) => match word.to_ascii_lowercase().as_str() {
            "yes" | "on" | "y" => Some("did you mean `true`?".to_owned()),
            "no" | "off" | "n" => Some("did you mean `false`?".to_owned()),
            _ => None,
        },
        (Shape::List { of, .. }, _) if same_kind(of, node) => Some("put it in brackets: `[…]`".to_owned()),
        (Shape::Whole { .. } | Shape::Number { .. }, Value::Text(text)) if text.parse::<f64>().is_ok() => {
            Some("write the number without quotes".to_owned())
        }
        (Shape::Whole { .. } | Shape::Number { .. }, Value::Text(text))
            if text.replace('_', "").parse::<f64>().is_ok() =>
        {
            Some("write the number without `_`".to_owned())
        }
        _ => None,
    }
}

/// Reports everything that a map lacks as one problem.
fn missing(node: &Node, keys: &'static [Key], path: &str) -> Option<Problem> {
    let lacks = |key: &&Key| key.presence == Presence::Required && node.get(key.name).is_none();
    let missing: Vec<&Key> = keys.iter().filter(lacks).collect();
    // A null that was written for a missing key is the best place to point at.
    let null = missing.iter().find_map(|key| node.entry(key.name));
    // A map that a matrix or an override made has no place of its own.
    let made = node.entries().first().filter(|_| node.span.is_default());
    let span = null.or(made).map_or(node.span, |entry| entry.key_span);
    let names = listed(missing.iter().map(|key| key.name), "and");
    let label = match missing.as_slice() {
        [] => return None,
        [key] => format!("expected {names}: {}", fragment(key.about)),
        _ => format!("expected {names}"),
    };
    let message = match (path, missing.len()) {
        ("", 1) => format!("{names} is missing"),
        ("", _) => format!("{names} are missing"),
        _ => format!("`{path}` lacks {names}"),
    };
    Some(Problem::at(span, message).label(label))
}

/// Reports every value that a list contains twice.
pub(crate) fn refuse_repetition(values: &[Node], path: &str, problems: &mut Problems) {
    let mut seen = HashMap::new();
    for value in values {
        if let Some(first) = seen.insert(value.to_json().to_string(), value.span) {
            let problem = Problem::at(value.span, format!("`{path}` holds the same value twice"));
            problems.add(problem.label("given again here").related(first, "first given here"));
        }
    }
}

fn unknown_key(entry: &Entry, keys: &'static [Key], path: &str) -> Problem {
    let unknown = Unknown { name: entry.key.clone(), section: path.to_owned(), keys };
    unknown_key_at(entry.key_span, &unknown)
}

/// The number of keys above which a list of them is too long to read in a message.
const MANY: usize = 12;

/// Creates the problem of a key that is not in the language, with a suggestion for what was probably meant.
pub(crate) fn unknown_key_at(span: Span, unknown: &Unknown) -> Problem {
    let name = shown(&unknown.name);
    let message = match unknown.section.as_str() {
        "" => format!("unknown key `{name}`"),
        section => format!("unknown key `{name}` in `{section}`"),
    };
    let names = || unknown.keys.iter().map(|key| key.name);
    let elsewhere = || {
        let place = section_of(TOP, "", &unknown.name)?;
        Some(if place.is_empty() {
            format!("`{name}` belongs at the top of the file")
        } else {
            format!("`{name}` belongs in `{place}`")
        })
    };
    let help = closest(&unknown.name, names()).map(|key| format!("did you mean `{key}`?")).or_else(elsewhere);
    let label = match unknown.keys {
        [] => format!("`{}` holds a value, not a map", unknown.section),
        // With a suggestion, nobody needs a long list.
        keys if keys.len() > MANY && help.is_some() => {
            format!("expected one of the keys of `{}`", unknown.section)
        }
        _ => format!("expected {}", alternatives(names())),
    };
    Problem::at(span, message).label(label).maybe_help(help)
}

/// Finds the section that has a key of this name.
fn section_of(keys: &'static [Key], path: &str, name: &str) -> Option<String> {
    if keys.iter().any(|key| key.name == name) {
        return Some(path.to_owned());
    }
    keys.iter().find_map(|key| section_of(key.shape.keys(), &join(path, key.name), name))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Shortens a word of the file so that it fits into a message.
fn shown(word: &str) -> String {
    const LONGEST: usize = 60;
    if word.chars().count() <= LONGEST {
        return word.escape_debug().to_string();
    }
    format!("{}…", word.chars().take(LONGEST).collect::<String>().escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defaults::default;

    fn fits(node: &mut Node, shape: &Shape) -> bool {
        let mut problems = Problems::default();
        Checker { problems: &mut problems }.value(node, shape, "default");
        problems.is_empty() && !node.is_null()
    }

    fn defaults_fit(keys: &'static [Key]) {
        for key in keys {
            let values: Vec<&str> = match key.presence {
                Presence::Default(yaml) => vec![yaml],
                Presence::Usual(usual) => usual.values().collect(),
                Presence::Required | Presence::Optional | Presence::Place => Vec::new(),
            };
            for yaml in values {
                assert!(fits(&mut default(yaml), &key.shape), "{}: {yaml}", key.name);
            }
            defaults_fit(key.shape.keys());
        }
    }

    #[test]
    fn every_default_fits_its_own_shape() {
        defaults_fit(TOP);
    }
}
