//! Writes samples to stdout.

use cliptune_pictures::{Canvas, Graphics, Screen};
use cliptune_terminal::{Printer, format};

use crate::request::Request;
use crate::sample::Samples;
use crate::{json, page, text};

/// Writes samples to stdout in the form that was asked for, and to stderr how many there are.
pub fn show(samples: &Samples, request: &Request, printer: &Printer) {
    if printer.is_json() {
        printer.json(&json::json(samples));
    } else if request.html {
        printer.document(&page::page(samples));
    } else if !samples.samples.is_empty() {
        printer.document(&text::text(samples, canvas(request).as_ref()));
    }
    printer.status(&extent(samples));
}

/// Returns the terminal that stdout goes to, if pictures can be shown there.
fn canvas(request: &Request) -> Option<Canvas> {
    let screen = Screen::of_stdout()?;
    let graphics = Graphics::choose(request.pictures, &|name| std::env::var(name).ok())?;
    Some(Canvas { graphics, screen })
}

/// Says how many there are: `3 of 9,700 joined rows; --limit shows more`.
fn extent(samples: &Samples) -> String {
    let shown = samples.samples.len() as u64;
    let more = if shown < samples.total { "; --limit shows more" } else { "" };
    format!("{} of {} {}{more}", format::count(shown), format::count(samples.total), samples.what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_shown_is_counted() {
        let samples = |total| Samples { total, what: "joined rows".to_owned(), ..Samples::default() };
        assert_eq!(extent(&samples(9_700)), "0 of 9,700 joined rows; --limit shows more");
        assert_eq!(extent(&samples(0)), "0 of 0 joined rows");
    }
}
