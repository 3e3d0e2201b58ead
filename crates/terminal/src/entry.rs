//! The wrapper around every tool's `main`.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::diagnostic::{Diagnostic, ErrorDocument, Failure};
use crate::exit::Exit;
use crate::foreign::{visible, visible_lines};
use crate::output;
use crate::panic::{after_panic, tell_of_panics};
use crate::printer::Printer;

/// Reads the command line, runs a whole tool and returns the exit code of its process.
///
/// An error is printed once, to stderr, as `error: …` with its causes and its hint; with `--json`, standard output gets it
/// as an object as well. It is not an error when the reader of stdout goes away (`cliptune ls | head -1`). A panic is
/// reported as a bug with its location and ends the process with 70, unless it says that the system has no more threads or
/// memory to give.
pub fn main<A: Parser>(run: impl FnOnce(A) -> Result<Exit, Box<dyn Diagnostic>>) -> ExitCode {
    tell_of_panics();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let json = Printer::new(false, true);
    let json = wants_json(&arguments).then_some(&json);
    let parsed = match A::try_parse_from(&arguments) {
        Ok(parsed) => parsed,
        Err(error) => return ExitCode::from(explain::<A>(&error, json)),
    };
    // Nothing that `run` used is accessed after a panic.
    let code = match catch_unwind(AssertUnwindSafe(|| run(parsed))) {
        Ok(result) => conclude(result, json),
        Err(_) => {
            let (code, told) = after_panic();
            json.inspect(|json| json.json(&told));
            code
        }
    };
    ExitCode::from(code)
}

/// Checks whether a command line, which may be a wrong one, asks for JSON.
fn wants_json(arguments: &[OsString]) -> bool {
    arguments.iter().skip(1).take_while(|argument| *argument != "--").any(|argument| argument == "--json")
}

/// Prints what the parser has to say instead of arguments: help, a version, or what is wrong.
fn explain<A: Parser>(error: &clap::Error, json: Option<&Printer>) -> u8 {
    match (error.kind(), json) {
        (ErrorKind::DisplayVersion, Some(json)) => {
            let command = A::command();
            json.json(&serde_json::json!({ "name": command.get_name(), "version": command.get_version() }));
            Exit::Done.code()
        }
        (_, json) => {
            print(error);
            if let Some(json) = json.filter(|_| error.use_stderr()) {
                json.json(&ErrorDocument::of(&misuse(&error.render().to_string())));
            }
            if error.use_stderr() { Exit::Usage.code() } else { Exit::Done.code() }
        }
    }
}

/// Prints what the parser has to say. A mistake is told with what was typed or set, of which a terminal must obey nothing: where
/// there is anything of the kind, the text has no colours and shows it.
fn print(error: &clap::Error) {
    let own = std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"CLIPTUNE_"));
    let mut typed = std::env::args_os().chain(own.map(|(_, value)| value));
    let is_harmless = |text: OsString| {
        let text = text.to_string_lossy();
        visible(&text) == text
    };
    // If the terminal is gone, there is nowhere left to report that.
    match !error.use_stderr() || typed.all(is_harmless) {
        true => _ = error.print(),
        false => output::stderr(&visible_lines(&error.render().to_string())),
    }
}

/// Returns the error that the parser's message is about: its first paragraph, without the usage that follows.
fn misuse(message: &str) -> Failure {
    let said = message.split("\n\n").next().unwrap_or_default();
    let failure = Failure::usage(said.trim_start_matches("error: "));
    match message.lines().find_map(|line| line.trim_start().strip_prefix("tip: ")) {
        Some(tip) => failure.with_hint(tip),
        None => failure,
    }
}

/// Prints the error, if there is one, and picks the exit code.
fn conclude(result: Result<Exit, Box<dyn Diagnostic>>, json: Option<&Printer>) -> u8 {
    let result = result.and_then(|exit| match output::take_failure() {
        Some(failure) => Err(failure.into()),
        None => Ok(exit),
    });
    match result {
        Ok(exit) => exit.code(),
        Err(error) => tell(&*error, json),
    }
}

/// Prints an error, and picks the exit code.
fn tell(error: &dyn Diagnostic, json: Option<&Printer>) -> u8 {
    Printer::new(false, false).failure(error);
    json.inspect(|json| json.json(&ErrorDocument::of(error)));
    error.exit().code()
}

/// Prints an error as [`main`] does, and ends the process at once, whatever its other threads are doing. It is for work that
/// cannot be stopped; what it has written is under unfinished names.
pub fn fail_now(error: &dyn Diagnostic) -> ! {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let json = Printer::new(false, true);
    let code = tell(error, wants_json(&arguments).then_some(&json));
    end(code)
}

/// Ends the process at once and without a word, whatever its other threads are doing. Another process tells why.
pub fn end_now(exit: Exit) -> ! {
    end(exit.code())
}

fn end(code: u8) -> ! {
    // No destructor of a native library runs while its threads are alive.
    signal_hook::low_level::exit(code.into())
}
