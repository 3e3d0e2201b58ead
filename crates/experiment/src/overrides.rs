//! `--set key.path=value`: the settings that the command line lays over every experiment.

use std::path::PathBuf;

use crate::check::unknown_key_at;
use crate::language::{OF_THE_FILE, TOP};
use crate::merge::merge_at;
use crate::problem::{Problem, Problems};
use crate::shape::{Key, Presence, find};
use crate::source::{OVERRIDE, Position, Source, SourceId, Sources, Span};
use crate::yaml::{Node, parse};

/// A setting `key.path=value` whose key exists and whose value is YAML, such as `train.epochs=1` or `seeds=[0, 1]`. An
/// empty value resets the key to its default. Relative paths start from the working directory.
///
/// An override is laid over every experiment in which it has a meaning and leaves the others alone: `train.epochs=1`
/// does not concern an experiment that only scores, nor `train.lora.rank=4` one that tunes all weights. It is an error
/// only if it has no meaning in any experiment.
pub(crate) struct Setting {
    /// The argument as it was written.
    text: String,
    /// The names on the way to the key.
    path: Vec<String>,
    span: Span,
    value: Node,
    used: bool,
    /// The reason why an experiment that was left alone had no use for the override.
    why_not: Option<Problem>,
}

impl Setting {
    /// Reads an override as a source of its own, so that problems with its value can show it.
    pub(crate) fn read(text: &str, sources: &mut Sources, problems: &mut Problems) -> Option<Self> {
        let Some((key, _)) = text.split_once('=').filter(|(key, _)| !key.trim().is_empty()) else {
            let wanted = "expected KEY=VALUE such as `train.epochs=1`";
            return problems.refuse(Problem::nowhere(format!("{wanted}, found `{text}`")));
        };
        let base = std::path::absolute(".").unwrap_or_else(|_| PathBuf::from("."));
        let source = sources.add(Source { name: OVERRIDE.to_owned(), base, text: text.to_owned() });
        let span = key_span(source, key);
        let path = known_path(key.trim(), span, problems)?;
        // The key is replaced by spaces, so that every place in the value stays where it is in the text.
        let padded = format!("{}{}", " ".repeat(key.chars().count() + 1), text.get(key.len() + 1..)?);
        let mut value = parse(&padded, source, problems)?;
        if value.is_null() {
            value.span = span;
        }
        Some(Self { text: text.to_owned(), path, span, value, used: false, why_not: None })
    }

    /// Returns the argument as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the place of the value, which is also the place of every map that is created on the way to it.
    pub(crate) fn value_span(&self) -> Span {
        self.value.span
    }

    /// Checks whether the override changes the matrix, which must be known before any run is.
    pub(crate) fn is_of_matrix(&self) -> bool {
        self.path.first().is_some_and(|name| name == "matrix")
    }

    /// Lays the value over an experiment.
    ///
    /// # Errors
    /// Fails when the experiment lacks a section that a single value cannot create.
    pub(crate) fn lay_over(&self, document: &mut Node) -> Result<(), Box<Problem>> {
        if let Some(section) = self.lacking(document) {
            let problem = Problem::at(self.span, format!("no experiment has `{section}`"));
            return Err(problem.label("this override changes nothing").into());
        }
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        merge_at(document, &path, self.value.clone());
        Ok(())
    }

    /// Remembers that an experiment has taken the value, or why it has not.
    pub(crate) fn remember(&mut self, taken: Result<(), Box<Problem>>) {
        match taken {
            Ok(()) => self.used = true,
            // That a key has no meaning is a more precise reason than that its section is missing.
            Err(problem) if self.why_not.as_ref().is_none_or(|known| problem.is_idle && !known.is_idle) => {
                self.why_not = Some(*problem);
            }
            Err(_) => {}
        }
    }

    /// Returns the first section on the way to the value that is missing and that the value does not create. A section
    /// can be created if it needs nothing else; resetting a key creates nothing.
    fn lacking(&self, document: &Node) -> Option<String> {
        let path: Vec<&str> = match self.path.as_slice() {
            [matrix, axis] if matrix == "matrix" => axis.split('.').collect(),
            path => path.iter().map(String::as_str).collect(),
        };
        let is_complete = |key: &Key| key.shape.keys().iter().all(|key| key.presence != Presence::Required);
        let mut node = Some(document);
        (1..path.len()).find_map(|depth| {
            let sections = path.get(..depth)?;
            node = node.and_then(|node| node.get(sections.last()?)).filter(|node| node.is_map());
            let key = find(TOP, sections.iter().copied()).ok()?;
            let stays_missing = matches!(key.presence, Presence::Optional | Presence::Place)
                && (self.value.is_null() || !is_complete(key));
            (node.is_none() && stays_missing).then(|| sections.join("."))
        })
    }

    /// Checks whether the value decides an axis of a matrix.
    pub(crate) fn covers(&self, axis: &str) -> bool {
        let key = self.path.join(".");
        axis == key || axis.strip_prefix(&key).is_some_and(|rest| rest.starts_with('.'))
    }

    /// Reports the value if it had a meaning in no experiment.
    pub(crate) fn report_unused(&self, problems: &mut Problems) {
        if !self.used {
            self.why_not.clone().into_iter().for_each(|problem| problems.add(problem));
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
    // The keys of a matrix contain dots themselves.
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
