//! The logs of all runs, through files of the cache that have their lines as rows.

use std::path::{Path, PathBuf};

use cliptune_store::{EventRow, LeftOut, Stamp, Store, StoreError, for_each_event};
use fs_err as fs;
use rayon::prelude::*;
use tempfile::NamedTempFile;

use crate::database::Database;
use crate::error::QueryError;
use crate::index::Runs;
use crate::kept::{Hashed, Kept, Written, key, parts};
use crate::load::{define, define_empty};
use crate::summary::Summary;
use crate::table_file::{Row, TableFile};
use crate::tables::{Made, parquet};
use crate::views::View;

/// The rows of some logs on their way into a file.
pub(crate) type Rows<'c> = TableFile<'c, Hashed>;

/// A kind of log that each run has one of.
pub(crate) struct Log {
    pub(crate) view: View,
    /// The name of the log in the folder of its run.
    pub(crate) file: &'static str,
    /// Adds the rows of a run's log, and returns the numbers of the lines that are left out. The memory serves one log after the
    /// other.
    pub(crate) read:
        fn(run: &str, log: &Path, memory: &mut Vec<u8>, rows: &mut Rows<'_>) -> Result<LeftOut, StoreError>,
}

/// What happened in each run.
pub(crate) const EVENTS: Log = Log {
    view: View::Events,
    file: "events.jsonl",
    read: |run, log, memory, rows| for_each_event(log, memory, |event| add(rows.row(), run, event)),
};

/// Makes the view of all lines of a kind of log.
pub(crate) fn lines(database: &Database, store: &Store, runs: &Runs, log: &Log) -> Result<Made, QueryError> {
    let kept = Kept::open(store, log.view);
    let parts = parts(runs);
    // A part takes long, and whoever is done takes the next.
    let of_parts = parts.par_iter().with_max_len(1).map(|part| file_of(&kept, store.root(), part, log));
    let mut made = Made::default();
    of_parts.collect::<Result<Vec<_>, QueryError>>()?.into_iter().for_each(|part| made.extend(part));
    kept.forget(&made.files);
    match made.files.is_empty() {
        true => define_empty(database, log.view)?,
        false => define(database, log.view, &log.view.columns(), &parquet(&made.files, None))?,
    }
    Ok(made)
}

/// Returns the file with the lines of some runs.
fn file_of(kept: &Kept, root: &Path, runs: &[Summary], log: &Log) -> Result<Made, QueryError> {
    let logs: Vec<(&str, PathBuf)> =
        runs.iter().map(|run| (run.run.as_str(), root.join(&run.folder).join(log.file))).collect();
    let key = key(logs.iter().map(|(run, log)| (*run, Stamp::of_file(log))));
    match kept.find(&key) {
        Some(path) => Ok(Made { files: vec![path], ..Made::default() }),
        None => kept.make(&key, |file| write(&logs, log, file)),
    }
}

/// Writes the lines of logs into a file. A log that does not exist has none.
fn write(logs: &[(&str, PathBuf)], log: &Log, file: NamedTempFile) -> Result<Written, QueryError> {
    let columns = log.view.columns();
    let mut rows = Rows::new(&columns, Hashed::new(file));
    let (mut damage, mut memory) = (Vec::new(), Vec::new());
    for (run, path) in logs.iter().filter(|(_, path)| fs::symlink_metadata(path).is_ok()) {
        match (log.read)(run, path, &mut memory, &mut rows) {
            Ok(left_out) => damage.extend(left_out.errors(path)),
            Err(error) => damage.push(error),
        }
    }
    Ok(rows.finish()?.written(damage))
}

fn add(mut row: Row<'_>, run: &str, event: &EventRow<'_>) {
    row.text(Some(run));
    row.count(Some(event.seq));
    row.number(Some(event.time));
    row.text(Some(&event.kind));
    row.count(event.epoch);
    row.count(event.step);
    row.number(event.loss);
    row.number(event.learning_rate);
    row.number(event.grad_norm);
    row.number(event.logit_scale);
    row.number(event.items_per_second);
    row.number(event.validation_loss);
    row.number(event.validation_accuracy);
    row.truth(event.best);
    row.number(event.alpha);
    row.number(event.seconds);
    row.text(event.reason.as_deref());
}
