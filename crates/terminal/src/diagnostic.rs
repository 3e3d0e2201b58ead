//! Errors as a person reads them: what failed, why, and what to do about it.

use std::error::Error;
use std::fmt::Write as _;

use anstream::adapter::strip_str;
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::format::visible_lines;
use crate::style;

/// An error as a tool presents it to the person. Each crate's error type that reaches `main` implements this trait.
///
/// The message is the error's `Display` and the causes are its `source()` chain, so an implementation usually adds only
/// a hint for the cases in which there is something to do.
pub trait Diagnostic: Error {
    /// Returns what the person can do about it, in a sentence without the leading `hint:`.
    fn hint(&self) -> Option<String> {
        None
    }

    /// Returns the exit code this error ends the process with.
    fn exit(&self) -> Exit {
        Exit::Failed
    }

    /// Returns text that is already laid out and does no harm, such as all the errors of a YAML file with their lines. It
    /// replaces the `error: …` chain; the hint still follows.
    fn rendered(&self) -> Option<String> {
        None
    }
}

// fs-err puts the path into the message, so such an error can be shown as it is.
impl Diagnostic for std::io::Error {}

/// Lets `?` pass any diagnostic to the function that [`main`](crate::main) runs.
impl<E: Diagnostic + 'static> From<E> for Box<dyn Diagnostic> {
    fn from(error: E) -> Self {
        Box::new(error)
    }
}

/// A diagnostic for a condition that no error type describes, such as two flags that exclude each other.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    message: String,
    hint: Option<String>,
    exit: Exit,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    /// Creates a failure for work that went wrong.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit: Exit::Failed, source: None }
    }

    /// Creates a failure for a command line or a file that is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, ..Self::new(message) }
    }

    /// Returns the same failure with a hint.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Returns the same failure with its cause.
    #[must_use]
    pub fn caused_by(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }
}

impl Diagnostic for Failure {
    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }

    fn exit(&self) -> Exit {
        self.exit
    }
}

/// Returns the whole text of a diagnostic, styled, ending in a newline.
pub fn render(diagnostic: &dyn Diagnostic) -> String {
    let mut text = match diagnostic.rendered() {
        Some(rendered) => format!("{}\n", rendered.trim_end_matches('\n')),
        None => chain(diagnostic),
    };
    if let Some(hint) = diagnostic.hint() {
        hinted(&mut text, &hint);
    }
    text
}

/// Writes `error: …`, then one `caused by` line for each cause that says something new.
fn chain(diagnostic: &dyn Diagnostic) -> String {
    chained(&diagnostic.to_string(), &causes(diagnostic))
}

fn chained(said: &str, causes: &[String]) -> String {
    let said = visible_lines(said);
    let mut text = format!("{} {}\n", style::label(style::ERROR, "error"), indent(&said, "  "));
    for cause in causes {
        let _ = writeln!(text, "  caused by: {}", indent(&visible_lines(cause), "    "));
    }
    text
}

/// Writes the hint that follows an error.
fn hinted(text: &mut String, hint: &str) {
    let hint = visible_lines(hint);
    let _ = writeln!(text, "\n{} {}", style::label(style::HINT, "hint"), indent(&hint, "      "));
}

/// Returns the causes of an error that say something new. Many libraries repeat the source in their own message; nobody
/// needs to read it twice.
fn causes(diagnostic: &dyn Diagnostic) -> Vec<String> {
    let mut said = diagnostic.to_string();
    let mut causes = Vec::new();
    let mut cause = diagnostic.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !message.is_empty() && !said.contains(&message) {
            causes.push(message.clone());
            said = message;
        }
        cause = error.source();
    }
    causes
}

/// An error as `--json` shows it, and as one program tells it to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDocument {
    error: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    exit_code: u8,
}

impl ErrorDocument {
    /// Describes an error.
    pub fn of(diagnostic: &dyn Diagnostic) -> Self {
        let laid_out = diagnostic.rendered().map(|text| strip_str(text.trim_end()).to_string());
        let laid_out = laid_out.map(|text| text.trim_start_matches("error: ").to_owned());
        let causes = if laid_out.is_some() { Vec::new() } else { causes(diagnostic) };
        Self {
            error: laid_out.unwrap_or_else(|| diagnostic.to_string()),
            causes,
            hint: diagnostic.hint(),
            exit_code: diagnostic.exit().code(),
        }
    }

    /// Returns the error in one line, with the last of its causes, which says most.
    pub fn in_one_line(&self) -> String {
        let first = self.error.lines().next().unwrap_or_default();
        match self.causes.last() {
            Some(cause) => format!("{first}: {}", cause.lines().next().unwrap_or_default()),
            None => first.to_owned(),
        }
    }

    /// Returns what the person can do about it.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Returns the error as a person reads it, with the name of what it happened to in front.
    pub(crate) fn about(&self, what: &str) -> String {
        let mut text = chained(&format!("{what}: {}", self.error), &self.causes);
        self.hint.iter().for_each(|hint| hinted(&mut text, hint));
        text
    }
}

/// Returns the text with every line after the first indented, so that a long cause still reads as one.
fn indent(text: &str, by: &str) -> String {
    text.trim_end().replace('\n', &format!("\n{by}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Problem {
        #[error("cannot read the weights of {model}")]
        Weights { model: &'static str, source: Failure },
        #[error("cannot open the store: {0}")]
        Store(#[from] std::io::Error),
        #[error("2 errors in demo.yaml")]
        Yaml,
    }

    impl Diagnostic for Problem {
        fn hint(&self) -> Option<String> {
            matches!(self, Self::Yaml).then(|| "see `cliptune schema`".to_owned())
        }

        fn rendered(&self) -> Option<String> {
            matches!(self, Self::Yaml).then(|| "demo.yaml:3:1: first\n\ndemo.yaml:9:1: second\n\n".to_owned())
        }
    }

    fn plain(diagnostic: &dyn Diagnostic) -> String {
        anstream::adapter::strip_str(&render(diagnostic)).to_string()
    }

    #[test]
    fn causes_follow_the_message_and_the_hint_stands_apart() {
        let failure = Failure::new("cannot train new-yorker-b32")
            .caused_by(Problem::Weights {
                model: "openai/clip-vit-base-patch32",
                source: Failure::new("no tensor called visual_projection.weight\nthe file has 398 others"),
            })
            .with_hint("look at the names with `cliptune show`\nor pass another model");
        insta::assert_snapshot!(plain(&failure), @r"
        error: cannot train new-yorker-b32
          caused by: cannot read the weights of openai/clip-vit-base-patch32
          caused by: no tensor called visual_projection.weight
            the file has 398 others

        hint: look at the names with `cliptune show`
              or pass another model
        ");
    }

    #[test]
    fn a_cause_that_is_part_of_the_message_is_not_repeated() {
        let problem = Problem::from(std::io::Error::other("permission denied"));
        insta::assert_snapshot!(plain(&problem), @"error: cannot open the store: permission denied");
    }

    #[test]
    fn text_that_is_already_laid_out_replaces_the_chain() {
        insta::assert_snapshot!(plain(&Problem::Yaml), @r"
        demo.yaml:3:1: first

        demo.yaml:9:1: second

        hint: see `cliptune schema`
        ");
    }

    #[test]
    fn the_label_is_coloured_and_the_message_is_not() {
        insta::assert_snapshot!(render(&Failure::new("no")).escape_debug(), @r"\u{1b}[1m\u{1b}[31merror:\u{1b}[0m no\n");
    }

    #[test]
    fn the_question_mark_takes_any_diagnostic() {
        fn tool() -> Result<Exit, Box<dyn Diagnostic>> {
            Err(Failure::usage("--a excludes --b"))?;
            Ok(Exit::Done)
        }
        assert_eq!(tool().expect_err("it fails").exit(), Exit::Usage);
    }
}
