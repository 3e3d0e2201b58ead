//! The two output streams. Every byte that cliptune writes to them passes through here, so that a live progress bar is
//! cleared first and a failing stdout is noticed.

mod screen;

use std::io::{self, ErrorKind, Write};
use std::sync::{LazyLock, Mutex, PoisonError};

use indicatif::MultiProgress;

use crate::diagnostic::Diagnostic;

pub(crate) use screen::is_live;

/// All live progress bars of this process, whichever printer made them.
static BARS: LazyLock<MultiProgress> = LazyLock::new(screen::bars);

/// The first failure of stdout. `main` reports it, so that callers need not handle an error for every line.
static FAILURE: Mutex<Option<OutputError>> = Mutex::new(None);

/// An error that kept data from reaching stdout.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    #[error("cannot write to standard output")]
    Write(#[source] io::Error),
    #[error("cannot write the result as JSON")]
    Json(#[source] serde_json::Error),
}

impl Diagnostic for OutputError {}

/// Returns the set that progress bars register with.
pub(crate) fn bars() -> &'static MultiProgress {
    &BARS
}

/// Writes data to stdout unchanged, and flushes it.
pub(crate) fn stdout(text: &str) {
    let written = BARS.suspend(|| {
        let mut stream = io::stdout().lock();
        stream.write_all(text.as_bytes()).and_then(|()| stream.flush())
    });
    match written {
        // The reader has seen enough. The work goes on: a training run must not end with the pager it was piped to.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        Err(error) => fail(OutputError::Write(error)),
        Ok(()) => {}
    }
}

/// Writes text for a person to stderr, without colours where they are not wanted.
pub(crate) fn stderr(text: &str) {
    // If stderr cannot be written, there is nowhere left to report that.
    let _ = BARS.suspend(|| anstream::stderr().lock().write_all(text.as_bytes()));
}

/// Writes to stderr from within a panic, on a new line. It does not suspend the live bars, because the panicking code
/// may hold their lock.
pub(crate) fn stderr_after_panic(text: &str) {
    let mut stream = anstream::stderr().lock();
    let line = if is_live() { "\n" } else { "" };
    let _ = write!(stream, "{line}{text}");
}

/// Remembers a failure for the end of the process. Only the first one is kept.
pub(crate) fn fail(error: OutputError) {
    FAILURE.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
}

/// Returns the failure of stdout, if there was one.
pub(crate) fn take_failure() -> Option<OutputError> {
    FAILURE.lock().unwrap_or_else(PoisonError::into_inner).take()
}
