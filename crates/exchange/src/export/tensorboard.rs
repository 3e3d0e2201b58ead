//! The event files of runs, each in a folder that TensorBoard takes for a run.

use std::path::Path;

use cliptune_store::Run;
use cliptune_tensorboard::PREFIX;
use fs_err as fs;

use super::files;
use crate::error::ExchangeError;

/// Copies the event files of runs, and returns the names of the runs that have none. One that grows meanwhile is copied as far as it
/// is written: readers of event files take a record that is cut off for their end.
///
/// # Errors
/// Returns an error when none of the runs has any, or when a file cannot be copied.
pub(super) fn write(runs: &[Run], folder: &Path) -> Result<Vec<String>, ExchangeError> {
    let mut without = Vec::new();
    for run in runs {
        if !copy_events(run, &folder.join(files::own(run)))? {
            without.push(run.id());
        }
    }
    match without.len() == runs.len() {
        true => Err(ExchangeError::NoEvents { runs: without }),
        false => Ok(without),
    }
}

/// Copies the event files of a run, and returns whether there are any.
fn copy_events(run: &Run, folder: &Path) -> Result<bool, ExchangeError> {
    let mut has_events = false;
    for entry in fs::read_dir(run.folder())? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            files::copy_file(&entry.path(), folder)?;
            has_events = true;
        }
    }
    Ok(has_events)
}
