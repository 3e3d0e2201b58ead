//! What a panic says: that there is a bug, or that the system has refused what no program can do without.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::diagnostic::{ErrorDocument, Failure, render};
use crate::exit::Exit;
use crate::{output, style};

/// The exit code for a bug: `EX_SOFTWARE` in sysexits.h. It is not part of [`Exit`] because no code asks for it.
const INTERNAL: u8 = 70;

/// What the system answers where a limit on threads, processes or memory is reached (EAGAIN and ENOMEM). Libraries that start
/// threads do not all return it as an error.
const REFUSALS: [&str; 2] = ["Resource temporarily unavailable", "Cannot allocate memory"];

/// Whether a panic told of a refusal. All threads that meet it panic; it is told once.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// Tells of each panic on stderr, in place of what Rust tells.
pub(crate) fn tell_of_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("it gave no reason");
        match REFUSALS.into_iter().find(|refusal| message.contains(refusal)) {
            None => output::stderr_after_panic(&bug(message, panic)),
            Some(refusal) => {
                if !REFUSED.swap(true, Ordering::SeqCst) {
                    output::stderr_after_panic(&render(&refused(refusal)));
                }
            }
        }
    }));
}

/// Returns the exit code after a panic, and the error as `--json` shows it.
pub(crate) fn after_panic() -> (u8, Value) {
    match REFUSED.load(Ordering::SeqCst) {
        true => (Exit::Failed.code(), json!(ErrorDocument::of(&refused(REFUSALS[0])))),
        false => (INTERNAL, json!({ "error": "internal error", "exit_code": INTERNAL })),
    }
}

fn refused(refusal: &str) -> Failure {
    Failure::new(format!("the system gives this process no more threads or memory: {refusal}")).with_hint(
        "`ulimit -u` and `ulimit -v` show the limits on both; a container may have limits of its own",
    )
}

/// Returns the message about a bug.
fn bug(message: &str, panic: &PanicHookInfo<'_>) -> String {
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
