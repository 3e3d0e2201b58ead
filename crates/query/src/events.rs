//! The logs of all runs, through parquet files in the cache that only save time.
//!
//! Runs of one experiment share a file, a few hundred of them each. A file is named after the stamps of the logs that it was
//! made from and after the BLAKE3 of its content; one that is not what its name says is made again. One that was made from
//! damaged logs is made again each time, so that the damage is named each time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cliptune_durable::{discard, sweep};
use cliptune_store::{Damage, Stamp, Store, StoreError, for_each_event, sql_name, sql_text};
use fs_err as fs;
use rayon::prelude::*;

use crate::cell::Cell;
use crate::columns::Kind;
use crate::database::Database;
use crate::error::QueryError;
use crate::index::Runs;
use crate::load::{Rows, define, define_empty};
use crate::summary::Summary;
use crate::tables::{Made, parquet};
use crate::views::View;

/// The version of the files. It has to change whenever a column does.
const FORMAT: u32 = 1;
/// The number of runs that share a file.
const RUNS: usize = 200;
/// The time that a file is kept for which nobody asks any more: another process may be reading it.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// A kind of log that each run has one of.
pub(crate) struct Log {
    pub(crate) view: View,
    /// The name of the log in the folder of its run.
    pub(crate) file: &'static str,
    /// Adds the rows of a run's log, and returns the number of lines that cannot be read.
    pub(crate) read: fn(run: &str, log: &Path, rows: &mut Rows<'_>) -> Result<usize, StoreError>,
}

/// What happened in each run.
pub(crate) const EVENTS: Log = Log {
    view: View::Events,
    file: "events.jsonl",
    read: |run, log, rows| for_each_event(log, |event| rows.push(row(run, event))),
};

/// Makes the view of all lines of a kind of log.
pub(crate) fn lines(database: &Database, store: &Store, runs: &Runs, log: &Log) -> Result<Made, QueryError> {
    let folder = store.cache_folder().join(log.view.name());
    fs::create_dir_all(&folder)?;
    sweep(&folder);
    let there = files_of(&folder)?;
    let of_experiments = runs.summaries.chunk_by(|one, other| one.experiment == other.experiment);
    let parts: Vec<&[Summary]> = of_experiments.flat_map(|runs| runs.chunks(RUNS)).collect();
    let made = parts.par_iter().map(|part| file_of(&folder, store.root(), part, &there, log));
    let made = made.collect::<Result<Vec<Made>, QueryError>>()?;
    let (files, damage): (Vec<_>, Vec<_>) = made.into_iter().map(|made| (made.files, made.damage)).unzip();
    let (files, damage) = (files.concat(), damage.into_iter().flatten().collect());
    forget(&there, &files);
    match files.is_empty() {
        true => define_empty(database, log.view)?,
        false => define(database, log.view, &log.view.columns(), &parquet(&files, None))?,
    }
    Ok(Made { files, damage })
}

/// Returns the files of the cache that are not what their names say.
///
/// # Errors
/// Returns an error when the cache cannot be listed.
pub fn damaged_logs(store: &Store) -> Result<Vec<PathBuf>, QueryError> {
    let mut damaged = Vec::new();
    for view in [View::Events, View::System] {
        let folder = store.cache_folder().join(view.name());
        let there = if folder.is_dir() { files_of(&folder)? } else { HashMap::new() };
        damaged.extend(there.into_values().filter(|path| !is_intact(path)));
    }
    damaged.sort_unstable();
    Ok(damaged)
}

/// Returns the files of the cache, by the first part of their names.
fn files_of(folder: &Path) -> Result<HashMap<String, PathBuf>, QueryError> {
    let mut files = HashMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if let Some((key, _)) = stem.split_once('-') {
            files.insert(key.to_owned(), path.clone());
        }
    }
    Ok(files)
}

/// Removes what has not been asked for in a long time. What cannot be removed stays.
fn forget(there: &HashMap<String, PathBuf>, used: &[PathBuf]) {
    let is_old = |path: &Path| {
        let modified = fs::metadata(path).ok().and_then(|file| file.modified().ok());
        modified.is_some_and(|time| SystemTime::now().duration_since(time).is_ok_and(|age| age > KEPT))
    };
    there.values().filter(|path| !used.contains(path) && is_old(path)).for_each(|path| {
        let _ = fs::remove_file(path);
    });
}

/// Returns the file with the lines of some runs.
fn file_of(
    folder: &Path,
    root: &Path,
    runs: &[Summary],
    there: &HashMap<String, PathBuf>,
    log: &Log,
) -> Result<Made, QueryError> {
    let logs: Vec<(&str, PathBuf)> =
        runs.iter().map(|run| (run.run.as_str(), root.join(&run.folder).join(log.file))).collect();
    let key = key(&logs);
    if let Some(path) = there.get(&key).filter(|path| is_intact(path)) {
        return Ok(Made { files: vec![path.clone()], damage: Vec::new() });
    }
    make(folder, &key, &logs, log)
}

/// Returns what stands for the logs as they are now.
fn key(logs: &[(&str, PathBuf)]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&FORMAT.to_le_bytes());
    for (run, log) in logs {
        hasher.update(format!("{run}\0{:?}\n", Stamp::of_file(log)).as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// Checks whether a file's content is what its name says.
fn is_intact(path: &Path) -> bool {
    let hash = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.split_once('-'));
    hash.is_some_and(|(_, hash)| hash_of(path).is_ok_and(|found| found == hash))
}

fn hash_of(path: &Path) -> Result<String, QueryError> {
    Ok(blake3::hash(&cliptune_store::read_file(path)?).to_hex().to_string())
}

/// Reads logs into a file of the cache. A log that does not exist has no lines.
fn make(folder: &Path, key: &str, logs: &[(&str, PathBuf)], log: &Log) -> Result<Made, QueryError> {
    let columns = log.view.columns();
    // The time is that of the log, in seconds, until it is written.
    let kind = |kind: Kind| if kind == Kind::Time { Kind::Number } else { kind };
    let names: Vec<(&str, Kind)> = columns.iter().map(|column| (column.name, kind(column.kind))).collect();
    let mut rows = Rows::new(&names);
    let mut damage = Vec::new();
    for (run, path) in logs.iter().filter(|(_, path)| fs::symlink_metadata(path).is_ok()) {
        match (log.read)(run, path, &mut rows) {
            Ok(0) => {}
            Ok(lines) => {
                damage.push(StoreError::Damaged { path: path.clone(), source: Damage::Lines(lines) });
            }
            Err(error) => damage.push(error),
        }
    }
    let database = Database::open()?;
    database.make("SET threads = 1")?;
    rows.make(&database, "lines")?;
    let staged = tempfile::Builder::new().prefix(".unfinished-").suffix(".parquet").tempfile_in(folder)?;
    let written: Vec<String> = columns
        .iter()
        .map(|column| {
            let name = sql_name(column.name);
            match column.kind {
                Kind::Time => format!(
                    "TRY_CAST(make_timestamp(TRY_CAST({name} * 1e6 AS BIGINT)) AS TIMESTAMP) AS {name}"
                ),
                _ => name,
            }
        })
        .collect();
    database.make(&format!(
        "COPY (SELECT {} FROM held.lines) TO {} (FORMAT parquet, COMPRESSION lz4)",
        written.join(", "),
        sql_text(&staged.path().to_string_lossy())
    ))?;
    // Nobody looks for a file by the second of these names.
    let name = if damage.is_empty() { key.to_owned() } else { format!("{key}d") };
    let path = folder.join(format!("{name}-{}.parquet", hash_of(staged.path())?));
    if path.is_dir() {
        discard(&path)?;
    }
    staged.persist(&path).map_err(|failed| failed.error)?;
    Ok(Made { files: vec![path], damage })
}

fn row<'a>(run: &'a str, event: &'a cliptune_store::EventRow<'_>) -> [Cell<'a>; 17] {
    let number = |value: Option<f64>| Cell::maybe(value, Cell::Number);
    [
        Cell::text(run),
        Cell::count(event.seq),
        Cell::Number(event.time),
        Cell::text(&event.kind),
        Cell::maybe(event.epoch, Cell::count),
        Cell::maybe(event.step, Cell::count),
        number(event.loss),
        number(event.learning_rate),
        number(event.grad_norm),
        number(event.logit_scale),
        number(event.items_per_second),
        number(event.validation_loss),
        number(event.validation_accuracy),
        Cell::maybe(event.best, Cell::Truth),
        number(event.alpha),
        number(event.seconds),
        Cell::maybe(event.reason.as_deref(), Cell::text),
    ]
}
