//! What every database has that runs the SQL of a user: it is closed to the outside and bounded in time, and its messages
//! give no advice that cannot be followed.

use std::env;
use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use crate::error::StoreError;
use crate::parquet::{literal_path, sql_text};

/// The variable with the seconds that a statement with SQL of a user may take.
const SQL_SECONDS: &str = "CLIPTUNE_SQL_SECONDS";
/// The time that it may take where nobody says so. One that takes longer is assumed never to end.
const PATIENCE: Duration = Duration::from_secs(120);

/// Returns the SQL that prevents all later SQL from reading or writing files and from changing settings. The given files are
/// still read where they lie, and those in the given folders are written.
pub fn closing(files: &[PathBuf], folders: &[&Path]) -> String {
    // DuckDB asks for a file both by the pattern that names it alone and by the name itself.
    let named = files.iter().flat_map(|file| [literal_path(file), file.to_string_lossy().into_owned()]);
    let files: Vec<String> = named.map(|name| sql_text(&name)).collect();
    let folders: Vec<String> = folders.iter().map(|folder| sql_text(&folder.to_string_lossy())).collect();
    format!(
        "SET allowed_paths = [{}]; SET allowed_directories = [{}];
         SET enable_external_access = false; SET lock_configuration = true",
        files.join(", "),
        folders.join(", ")
    )
}

/// Returns the time that a statement with SQL of a user may take.
///
/// # Errors
/// Returns an error when the variable that says so has no number of seconds.
pub fn sql_patience() -> Result<Duration, StoreError> {
    patience(env::var_os(SQL_SECONDS))
}

fn patience(said: Option<OsString>) -> Result<Duration, StoreError> {
    let Some(said) = said.filter(|said| !said.is_empty()) else { return Ok(PATIENCE) };
    let seconds: Option<NonZeroU32> = said.to_str().and_then(|said| said.parse().ok());
    seconds
        .map(|seconds| Duration::from_secs(seconds.get().into()))
        .ok_or_else(|| StoreError::SqlSeconds { said: said.to_string_lossy().into_owned() })
}

/// Says how a statement that was stopped after this time gets more, which is ten times as much.
pub fn more_time_for_sql(patience: Duration) -> String {
    let seconds = patience.as_secs().max(1).saturating_mul(10).min(u32::MAX.into());
    format!("if it is to end at all, {SQL_SECONDS}={seconds} gives it more time")
}

/// How long an interrupt may be ignored. A database looks for one between two vectors of rows, and a single value of a hostile
/// expression can take for ever.
const GRACE: Duration = Duration::from_secs(5);

/// Returns what a function gives, and whether it had to be interrupted because it took too long. When it does not heed the
/// interrupt either, `give_up` is called, which should end the process: nothing else ends a thread that does not look up.
pub fn interruptible<T>(
    patience: Duration,
    interrupt: impl Fn() + Send,
    give_up: impl Fn() + Send,
    run: impl FnOnce() -> T,
) -> (T, bool) {
    bounded([patience, GRACE], interrupt, give_up, run)
}

/// Runs a function with bounds: after the first it is interrupted, and after the second, counted from there, it is given up.
fn bounded<T>(
    [patience, grace]: [Duration; 2],
    interrupt: impl Fn() + Send,
    give_up: impl Fn() + Send,
    run: impl FnOnce() -> T,
) -> (T, bool) {
    let late = &AtomicBool::new(false);
    let (ended, end) = channel::<()>();
    let result = std::thread::scope(|scope| {
        scope.spawn(move || {
            let (mut pause, mut ignored) = (patience, Duration::ZERO);
            // The interrupt is repeated, because one that falls between two statements is lost.
            while end.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                if late.swap(true, Ordering::Relaxed) {
                    ignored += pause;
                    if ignored >= grace {
                        give_up();
                    }
                }
                interrupt();
                pause = patience.min(Duration::from_secs(1));
            }
        });
        let result = run();
        drop(ended);
        result
    });
    (result, late.load(Ordering::Relaxed))
}

/// Returns DuckDB's message about an error without the SQL that it quotes, without lines that name what is ours, which starts
/// with `cliptune_`, and without its advice, which a user cannot follow here. `None` means that it needs more memory than it
/// may use.
pub fn duckdb_said(error: &duckdb::Error) -> Option<String> {
    const ADVICE: [&str; 8] =
        ["LINE ", "Possible ", "Try ", "See also", "Did you mean", "Hint", "Candidate", "* "];
    let said = error.to_string();
    let followable = |line: &&str| !ADVICE.iter().any(|advice| line.trim_start().starts_with(advice));
    let kept: Vec<&str> =
        said.lines().take_while(followable).filter(|line| !line.contains("cliptune_")).collect();
    (!said.starts_with("Out of Memory Error")).then(|| kept.join("\n").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);

    #[test]
    fn the_time_for_sql_is_a_whole_number_of_seconds() {
        let told = |said: &str| patience(Some(said.into()));
        assert_eq!(patience(None).unwrap(), PATIENCE);
        assert_eq!(told("").unwrap(), PATIENCE);
        assert_eq!(told("1200").unwrap(), Duration::from_secs(1200));
        for wrong in ["0", "-1", "1.5", "2m", "soon", "4294967296"] {
            let error = told(wrong).unwrap_err().to_string();
            let why = "which is no whole number of seconds from 1 to 4294967295";
            assert_eq!(error, format!("CLIPTUNE_SQL_SECONDS is {wrong}, {why}"));
        }
    }

    #[test]
    fn more_time_is_ten_times_as_much_as_there_was() {
        for (seconds, more) in [(0, "10"), (120, "1200"), (3600, "36000"), (4_000_000_000, "4294967295")] {
            let said = more_time_for_sql(Duration::from_secs(seconds));
            assert!(said.contains(&format!("CLIPTUNE_SQL_SECONDS={more} gives it more time")), "{said}");
            assert!(patience(Some(more.into())).is_ok(), "{more}");
        }
    }

    #[test]
    fn what_heeds_no_interrupt_is_given_up() {
        let (tell, told) = channel();
        let ignore = || {};
        let give_up = move || {
            let _ = tell.send(());
        };
        let (result, is_late) = bounded([MOMENT; 2], ignore, give_up, || told.recv());
        assert_eq!((result, is_late), (Ok(()), true), "it waited until it was given up");
    }

    #[test]
    fn what_heeds_the_interrupt_is_not_given_up() {
        let (tell, told) = channel();
        let given_up = AtomicBool::new(false);
        let give_up = || given_up.store(true, Ordering::Relaxed);
        let interrupt = move || {
            let _ = tell.send(());
        };
        let (result, is_late) = bounded([MOMENT, Duration::MAX], interrupt, give_up, || told.recv());
        assert_eq!((result, is_late, given_up.into_inner()), (Ok(()), true, false));
    }

    #[test]
    fn what_ends_in_time_is_left_alone() {
        fn never() {
            unreachable!("there was time enough");
        }
        assert_eq!(bounded([Duration::from_secs(3600), GRACE], never, never, || 7), (7, false));
    }
}
