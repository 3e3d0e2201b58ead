//! What every database has that runs the SQL of a user: it is closed to the outside and bounded in time, and its messages
//! give no advice that cannot be followed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use crate::parquet::{literal_path, sql_text};

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

/// Returns what a function gives, and whether it had to be interrupted because it took too long.
pub fn interruptible<T>(
    patience: Duration,
    interrupt: impl Fn() + Send,
    run: impl FnOnce() -> T,
) -> (T, bool) {
    let late = &AtomicBool::new(false);
    let (ended, end) = channel::<()>();
    let result = std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut pause = patience;
            // The interrupt is repeated, because one that falls between two statements is lost.
            while end.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                late.store(true, Ordering::Relaxed);
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
