//! Shows problems the way rustc does: message, place, the line itself, what is expected.

use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::problem::Problem;
use crate::source::{Position, Sources, Span};

/// The largest number of problems that are shown. When there are more, most of them have one cause.
const MAX_SHOWN: usize = 50;
/// The largest number of characters of a line that are shown before the place, within it and after it, each.
const CONTEXT: usize = 80;

/// Renders all problems, with an empty line between any two.
pub(crate) fn render(problems: &[Problem], sources: &Sources) -> String {
    let mut shown: Vec<String> =
        problems.iter().take(MAX_SHOWN).map(|problem| one(problem, sources)).collect();
    if let Some(more) = problems.len().checked_sub(MAX_SHOWN).filter(|more| *more > 0) {
        shown.push(format!("… and {more} more problems\n"));
    }
    shown.join("\n")
}

/// Writes a place as `file:line:column`, counted from 1.
pub(crate) fn location(span: Span, sources: &Sources) -> Option<String> {
    let source = sources.get(span.source)?;
    Some(format!("{}:{}:{}", source.name, span.start.line + 1, span.start.column + 1))
}

fn one(problem: &Problem, sources: &Sources) -> String {
    let places = [problem.span.map(|span| (span, problem.label.as_str())), related(problem)];
    let last_line = places.iter().flatten().map(|(span, _)| span.start.line + 1).max().unwrap_or_default();
    let gutter = last_line.to_string().len();
    let mut text = format!("error: {}\n", clean(&problem.message));
    for (place, arrow) in places.iter().zip(["-->", ":::"]) {
        if let Some((span, label)) = place {
            text.push_str(&snippet(*span, label, arrow, gutter, sources).unwrap_or_default());
        }
    }
    if let Some(advice) = &problem.help {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(text, "{:gutter$} = help: {}", "", clean(advice));
    }
    text
}

fn related(problem: &Problem) -> Option<(Span, &str)> {
    problem.related.as_ref().map(|(span, label)| (*span, label.as_str()))
}

fn snippet(span: Span, label: &str, arrow: &str, gutter: usize, sources: &Sources) -> Option<String> {
    let place = location(span, sources)?;
    let line = sources.get(span.source)?.text.lines().nth(span.start.line).unwrap_or_default();
    let excerpt = Excerpt::of(line, span);
    let number = span.start.line + 1;
    let mut text = format!("{:gutter$}{arrow} {place}\n{:gutter$} |\n", "", "");
    let _ = writeln!(text, "{number:gutter$} | {}", excerpt.line);
    let underline = format!("{}{} {}", " ".repeat(excerpt.indent), "^".repeat(excerpt.width), clean(label));
    let _ = writeln!(text, "{:gutter$} | {}", "", underline.trim_end());
    Some(text)
}

/// A line as it is displayed, with the position of its underline in terminal columns.
struct Excerpt {
    line: String,
    indent: usize,
    width: usize,
}

impl Excerpt {
    fn of(line: &str, span: Span) -> Self {
        let Position { column: start, .. } = span.start;
        let from = start.saturating_sub(CONTEXT);
        let cut = if from > 0 { "…" } else { "" };
        let before: String = printable(line.chars().skip(from).take(start - from));
        let length =
            if span.end.line == span.start.line { span.end.column.saturating_sub(start) } else { usize::MAX };
        let marked: String = printable(line.chars().skip(start).take(length.min(CONTEXT)));
        let after: String = printable(line.chars().skip(start).skip(length.min(CONTEXT)).take(CONTEXT));
        let more = if line.chars().count() > start.saturating_add(length.min(CONTEXT)) + CONTEXT {
            "…"
        } else {
            ""
        };
        Self {
            indent: cut.width() + before.width(),
            width: marked.trim_end().width().max(1),
            line: format!("{cut}{before}{marked}{after}{more}").trim_end().to_owned(),
        }
    }
}

/// Makes a text that may quote a file safe for a terminal.
pub(crate) fn clean(text: &str) -> String {
    printable(text.chars())
}

/// Turns tabs into single spaces and replaces characters that would move the cursor.
fn printable(characters: impl Iterator<Item = char>) -> String {
    characters
        .map(|c| if c == '\t' { ' ' } else { c })
        .map(|c| if c.width().is_none() || c.is_control() { '\u{fffd}' } else { c })
        .collect()
}
