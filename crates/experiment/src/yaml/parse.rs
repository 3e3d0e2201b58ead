//! Parses text into a tree, with limits that keep a hostile file harmless.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};

use super::node::{Entry, Node, Value};
use super::scalar;
use crate::problem::{Problem, Problems};
use crate::source::{Position, SourceId, Span};

/// The deepest nesting that is read; the language itself needs five levels.
const MAX_DEPTH: usize = 32;
/// The largest number of keys and values that are read from a file.
const MAX_NODES: usize = 20_000;

/// Parses a text that holds a single document. Duplicate keys are collected as problems; a syntax error ends the
/// parsing.
pub(crate) fn parse(text: &str, source: SourceId, problems: &mut Problems) -> Option<Node> {
    let mut builder = Builder {
        parser: Parser::new_from_str(text),
        text,
        source,
        problems,
        nodes: 0,
        last: Span::start_of(source),
    };
    builder.document()
}

struct Builder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    text: &'a str,
    source: SourceId,
    problems: &'a mut Problems,
    nodes: usize,
    /// The place of the latest event.
    last: Span,
}

impl<'a> Builder<'a> {
    fn document(&mut self) -> Option<Node> {
        loop {
            match self.next()? {
                Event::StreamEnd => return Some(Node::null(Span::start_of(self.source))),
                Event::DocumentStart(_) => break,
                _ => {}
            }
        }
        let event = self.next()?;
        let root = self.node(event, 0)?;
        loop {
            match self.next()? {
                Event::StreamEnd => return Some(root),
                Event::DocumentStart(_) => {
                    let problem = Problem::at(self.last, "a second YAML document in one file");
                    let problem = problem.label("expected the end of the file");
                    return self.problems.refuse(problem.help("write one experiment a file"));
                }
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Option<Event<'a>> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                self.last = self.span(span.start, span.end);
                Some(event)
            }
            Some(Err(error)) => {
                let at = self.within_text(self.span(*error.marker(), *error.marker()));
                if error.info().contains("recursion") {
                    return self.problems.refuse(too_deep(at));
                }
                let problem = Problem::at(at, format!("invalid YAML: {}", error.info()));
                let advice = self.syntax_advice(at);
                self.problems.refuse(problem.maybe_help(advice))
            }
            None => Some(Event::StreamEnd),
        }
    }

    /// Moves a place beyond the end of the text, where the parser missed something, to the end of the last line.
    fn within_text(&self, at: Span) -> Span {
        let lines: Vec<&str> = self.text.lines().collect();
        match lines.len().checked_sub(1).zip(lines.last()) {
            Some((line, text)) if at.start.line > line => {
                let end = Position { line, column: text.chars().count() };
                Span { start: end, end, ..at }
            }
            _ => at,
        }
    }

    /// Returns advice for the two slips that cause most syntax errors.
    fn syntax_advice(&self, at: Span) -> Option<String> {
        let line = self.text.lines().nth(at.start.line)?;
        let indent = line.len() - line.trim_start().len();
        if line.get(..indent)?.contains('\t') {
            return Some("indent with spaces: YAML does not allow tabs".to_owned());
        }
        let flow = line.contains(['{', '[']);
        flow.then(|| {
            "inside `{…}` and `[…]`, put text with commas, brackets or quotation marks in quotes".to_owned()
        })
    }

    fn span(&self, start: saphyr_parser::Marker, end: saphyr_parser::Marker) -> Span {
        let position = |marker: saphyr_parser::Marker| Position {
            line: marker.line().saturating_sub(1),
            column: marker.col(),
        };
        Span { source: self.source, start: position(start), end: position(end) }
    }

    fn node(&mut self, event: Event<'a>, depth: usize) -> Option<Node> {
        let span = self.last;
        self.nodes += 1;
        if depth > MAX_DEPTH {
            return self.problems.refuse(too_deep(span));
        }
        if self.nodes > MAX_NODES {
            let problem = Problem::at(span, format!("more than {MAX_NODES} keys and values in one file"));
            return self.problems.refuse(problem);
        }
        self.refuse_anchor_and_tag(&event)?;
        match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) => Some(Node { span, value: scalar::plain(&text) }),
            Event::Scalar(text, ..) => Some(Node { span, value: Value::Text(text.into_owned()) }),
            Event::SequenceStart(..) => self.list(span, depth),
            Event::MappingStart(..) => self.map(span, depth),
            _ => self.problems.refuse(Problem::at(span, "invalid YAML: expected a value")),
        }
    }

    fn list(&mut self, start: Span, depth: usize) -> Option<Node> {
        let mut values = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => break,
                event => values.push(self.node(event, depth + 1)?),
            }
        }
        Some(Node { span: collection(start, self.last), value: Value::List(values) })
    }

    fn map(&mut self, start: Span, depth: usize) -> Option<Node> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut places = HashMap::new();
        loop {
            let event = match self.next()? {
                Event::MappingEnd => break,
                event => event,
            };
            let (key, key_span) = self.key(event)?;
            let event = self.next()?;
            let mut value = self.node(event, depth + 1)?;
            point_block_at_key(&mut value, key_span);
            match places.get(&key) {
                Some(&first) => self.duplicate(&key, key_span, first),
                None => {
                    places.insert(key.clone(), key_span);
                    entries.push(Entry { key, key_span, value });
                }
            }
        }
        Some(Node { span: collection(start, self.last), value: Value::Map(entries) })
    }

    fn key(&mut self, event: Event<'a>) -> Option<(String, Span)> {
        self.refuse_anchor_and_tag(&event)?;
        match event {
            Event::Scalar(text, ..) if text == "<<" => self.problems.refuse(
                Problem::at(self.last, "merge keys are not supported")
                    .label("expected a key")
                    .help("share settings with `extends: other.yaml`"),
            ),
            Event::Scalar(text, ..) => Some((text.into_owned(), self.last)),
            _ => {
                self.problems.refuse(Problem::at(self.last, "a key that is not text").label("expected a key"))
            }
        }
    }

    /// Refuses anchors and tags. Anchors would be a second way to share settings beside `extends`, and would need a
    /// guard against expansion bombs.
    fn refuse_anchor_and_tag(&mut self, event: &Event<'a>) -> Option<()> {
        let (anchor, tag) = match event {
            Event::Alias(_) => (true, false),
            Event::Scalar(_, _, anchor, tag) => (*anchor != 0, tag.is_some()),
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => {
                (*anchor != 0, tag.is_some())
            }
            _ => (false, false),
        };
        if anchor {
            let problem = Problem::at(self.last, "anchors and aliases (`&`, `*`) are not supported").help(
                "share settings with `extends: other.yaml`; put text that begins with `*` or `&` in quotes",
            );
            return self.problems.refuse(problem);
        }
        if tag {
            let problem = Problem::at(self.last, "tags (`!`) are not supported");
            return self.problems.refuse(problem.help("put text that begins with `!` in quotes"));
        }
        Some(())
    }

    fn duplicate(&mut self, key: &str, span: Span, first: Span) {
        let problem = Problem::at(span, format!("the key `{key}` is given twice"))
            .label("given again here")
            .related(first, "first given here");
        self.problems.add(problem);
    }
}

fn too_deep(at: Span) -> Problem {
    Problem::at(at, format!("nested deeper than {MAX_DEPTH} levels"))
}

/// Gives a block map or list the place of its key, because it begins lines below what a reader takes for its name. A
/// flow one keeps its own place.
fn point_block_at_key(value: &mut Node, key: Span) {
    if value.span.start == value.span.end {
        value.span = key;
    }
}

/// Returns the place of a flow collection. A block collection has only a start, because its start event is empty.
fn collection(start: Span, last: Span) -> Span {
    if start.start == start.end { start } else { Span { end: last.end, ..start } }
}
