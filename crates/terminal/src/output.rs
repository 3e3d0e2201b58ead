//! The two streams. Every byte that cliptune writes to them passes through here, so that a live progress bar is
//! out of the way first and a failing stdout is noticed.

mod screen;

use std::io::{self, ErrorKind, Write};
use std::sync::{LazyLock, Mutex, PoisonError};

use indicatif::MultiProgress;

use crate::diagnostic::Diagnostic;

pub(crate) use screen::is_live;

/// All live progress bars of this process, whichever printer made them.
static BARS: LazyLock<MultiProgress> = LazyLock::new(screen::bars);

/// The first failure of stdout; `main` reports it, so that no caller has to handle one for every line.
static FAILURE: Mutex<Option<OutputError>> = Mutex::new(None);

/// Data that did not reach stdout.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    #[error("cannot write to standard output")]
    Write(#[source] io::Error),
    #[error("cannot write the result as JSON")]
    Json(#[source] serde_json::Error),
}

impl Diagnostic for OutputError {}

/// Returns the place where progress bars register.
pub(crate) fn bars() -> &'static MultiProgress {
    &BARS
}

/// Writes data to stdout exactly as it is, and flushes.
pub(crate) fn stdout(text: &str) {
    let written = BARS.suspend(|| {
        let mut stream = io::stdout().lock();
        stream.write_all(text.as_bytes()).and_then(|()| stream.flush())
    });
    match written {
        // The reader has seen enough. The work goes on: a training run must not die with the pager it was piped to.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        Err(error) => fail(OutputError::Write(error)),
        Ok(()) => {}
    }
}

/// Writes text for a person to stderr, without colours where they are not wanted.
pub(crate) fn stderr(text: &str) {
    // There is nowhere left to report that stderr cannot be written.
    let _ = BARS.suspend(|| anstream::stderr().lock().write_all(text.as_bytes()));
}

/// Writes to stderr from within a panic: past any live bar, because the panic may hold its lock, and on a line of its
/// own.
pub(crate) fn stderr_after_panic(text: &str) {
    let mut stream = anstream::stderr().lock();
    let line = if is_live() { "\n" } else { "" };
    let _ = write!(stream, "{line}{text}");
}

/// Remembers a failure for the end of the process; the first one counts.
pub(crate) fn fail(error: OutputError) {
    FAILURE.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
}

/// Returns the failure of stdout, if there was one.
pub(crate) fn take_failure() -> Option<OutputError> {
    FAILURE.lock().unwrap_or_else(PoisonError::into_inner).take()
}
