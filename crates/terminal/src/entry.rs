//! The wrapper around every tool's `main`.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::process::ExitCode;

use crate::diagnostic::{Diagnostic, render};
use crate::exit::Exit;
use crate::{output, style};

/// The exit code for a bug: `EX_SOFTWARE` in sysexits.h. It is not part of [`Exit`] because no code asks for it.
const INTERNAL: u8 = 70;

/// Runs a whole tool and returns the exit code of its process.
///
/// An error is printed once, to stderr, as `error: …` with its causes and its hint. It is not an error when the reader
/// of stdout goes away (`cliptune ls | head -1`). A panic is reported as a bug with its location and ends the process
/// with 70.
pub fn main(f: impl FnOnce() -> Result<Exit, Box<dyn Diagnostic>>) -> ExitCode {
    std::panic::set_hook(Box::new(|panic| output::stderr_after_panic(&bug(panic))));
    // Nothing that `f` used is accessed after a panic.
    let code = match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => conclude(result),
        Err(_) => INTERNAL,
    };
    ExitCode::from(code)
}

/// Prints the error, if there is one, and picks the exit code.
fn conclude(result: Result<Exit, Box<dyn Diagnostic>>) -> u8 {
    let result = result.and_then(|exit| match output::take_failure() {
        Some(failure) => Err(failure.into()),
        None => Ok(exit),
    });
    match result {
        Ok(exit) => exit.code(),
        Err(error) => {
            output::stderr(&render(&*error));
            error.exit().code()
        }
    }
}

/// Returns the message that a panic prints.
fn bug(panic: &PanicHookInfo<'_>) -> String {
    let message = panic.payload_as_str().unwrap_or("it gave no reason");
    let place = panic.location().map(|at| format!("\n  at {at}")).unwrap_or_default();
    let backtrace = Backtrace::capture();
    let (trace, more) = match backtrace.status() {
        BacktraceStatus::Captured => (format!("\n{}", backtrace.to_string().trim_end()), ""),
        _ => (String::new(), " (RUST_BACKTRACE=1 shows how it got there)"),
    };
    format!(
        "{} internal error: {message}{place}{trace}\n\n{} this is a bug in cliptune; \
         please report it with the command you ran{more}\n",
        style::label(style::ERROR, "error"),
        style::label(style::HINT, "hint"),
    )
}
