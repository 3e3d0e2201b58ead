//! `--set key.path=value`: what the command line lays over every experiment.

use std::path::PathBuf;

use crate::check::unknown_key_at;
use crate::language::{OF_THE_FILE, TOP};
use crate::merge::merge_at;
use crate::problem::{Problem, Problems};
use crate::shape::{Presence, find};
use crate::source::{Position, Source, SourceId, Sources, Span};
use crate::yaml::{Node, Value, parse};

/// `key.path=value` whose key exists and whose value is YAML, such as `train.epochs=1` or `seeds=[0, 1]`. An empty
/// value resets the key to its default. Relative paths start from the working directory.
pub(crate) struct Setting {
    /// The names on the way to the key.
    path: Vec<String>,
    span: Span,
    value: Node,
    used: bool,
}

impl Setting {
    /// Reads an override as a source of its own, so that problems of its value show it.
    pub(crate) fn read(text: &str, sources: &mut Sources, problems: &mut Problems) -> Option<Self> {
        let Some((key, _)) = text.split_once('=').filter(|(key, _)| !key.trim().is_empty()) else {
            let wanted = "expected KEY=VALUE such as `train.epochs=1`";
            return problems.refuse(Problem::nowhere(format!("{wanted}, found `{text}`")));
        };
        let base = std::path::absolute(".").unwrap_or_else(|_| PathBuf::from("."));
        let source = sources.add(Source { name: "--set".to_owned(), base, text: text.to_owned() });
        let span = key_span(source, key);
        let path = known_path(key.trim(), span, problems)?;
        // Spaces for the key keep every place of the value where it is in the text.
        let padded = format!("{}{}", " ".repeat(key.chars().count() + 1), text.get(key.len() + 1..)?);
        let mut value = parse(&padded, source, problems)?;
        if value.is_null() {
            value.span = span;
        }
        Some(Self { path, span, value, used: false })
    }

    /// Lays the value over an experiment. What lies inside an optional section says nothing about experiments
    /// without it: `train.epochs=1` leaves one alone that only scores.
    pub(crate) fn apply(&mut self, document: &mut Node) {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        if !lacks_section(document, &path) {
            self.used = true;
            merge_at(document, &path, self.value.clone());
        }
    }

    /// Whether the value decides an axis of a matrix.
    pub(crate) fn covers(&self, axis: &str) -> bool {
        let key = self.path.join(".");
        axis == key || axis.strip_prefix(&key).is_some_and(|rest| rest.starts_with('.'))
    }

    /// Tells when no experiment had a place for the value.
    pub(crate) fn report_unused(&self, problems: &mut Problems) {
        if !self.used {
            let section = self.path.split_last().map(|(_, section)| section.join(".")).unwrap_or_default();
            let problem = Problem::at(self.span, format!("no experiment has `{section}`"));
            problems.add(problem.label("this override changes nothing"));
        }
    }
}

fn key_span(source: SourceId, key: &str) -> Span {
    let start = Position::default();
    Span { source, start, end: Position { line: 0, column: key.chars().count() } }
}

fn known_path(key: &str, span: Span, problems: &mut Problems) -> Option<Vec<String>> {
    if OF_THE_FILE.contains(&key) {
        return problems.refuse(Problem::at(span, format!("`{key}` belongs to the file and cannot be set")));
    }
    // The keys of a matrix are dotted themselves.
    let path: Vec<&str> = match key.strip_prefix("matrix.") {
        Some(axis) => vec!["matrix", axis],
        None => key.split('.').collect(),
    };
    let known = if let ["matrix", axis] = path.as_slice() {
        find(TOP, axis.split('.'))
    } else {
        find(TOP, path.iter().copied())
    };
    match known {
        Ok(_) => Some(path.into_iter().map(str::to_owned).collect()),
        Err(unknown) => problems.refuse(unknown_key_at(span, &unknown)),
    }
}

fn lacks_section(document: &Node, path: &[&str]) -> bool {
    let mut node = Some(document);
    let sections = path.len().saturating_sub(1);
    (1..=sections).any(|depth| {
        let name = path.get(depth - 1).copied().unwrap_or_default();
        node = node.and_then(|node| node.get(name)).filter(|node| matches!(node.value, Value::Map(_)));
        let optional = find(TOP, path.iter().take(depth).copied())
            .is_ok_and(|key| key.presence == Presence::Optional && key.name != "matrix");
        node.is_none() && optional
    })
}
