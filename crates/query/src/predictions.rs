//! The predictions of all runs.
//!
//! Those of small test sets are read from files of the cache that many runs share, because to open a file takes longer than to
//! read a small one. Large ones are read where they lie.

use std::path::{Path, PathBuf};

use cliptune_experiment::Split;
use cliptune_store::{Stamp, Store, StoreError, file_hash, sql_text, verified_predictions};
use rayon::prelude::*;

use crate::database::Database;
use crate::error::QueryError;
use crate::index::Runs;
use crate::kept::{Kept, Key, Written, key, parts};
use crate::load::{define, define_empty, typed};
use crate::summary::Summary;
use crate::tables::{File, Made, parquet, rows_of};
use crate::views::View;

/// The bytes that the predictions of runs which share a file may have together.
const SHARED: u64 = 32 << 20;
/// The columns that no file has.
const ORIGIN: &[&str] = &["run", "split"];

/// The predictions of a run for a split.
struct Scored<'r> {
    run: &'r str,
    split: Split,
    folder: PathBuf,
}

/// What there is of some runs.
enum Found<'r> {
    Shared(PathBuf),
    /// They are to share a file that does not exist yet.
    Small(Key, Vec<Scored<'r>>),
    Large(Vec<Scored<'r>>),
}

/// Makes the view of all predictions.
pub(crate) fn predictions(database: &Database, store: &Store, runs: &Runs) -> Result<Made, QueryError> {
    let kept = Kept::open(store, View::Predictions);
    let found: Vec<Found<'_>> = parts(runs).par_iter().map(|part| find(&kept, store.root(), part)).collect();
    let (mut made, mut large) = (Made::default(), Vec::new());
    for found in found {
        match found {
            Found::Shared(path) => made.files.push(path),
            Found::Small(key, scored) => made.extend(share(database, &kept, &key, &scored)?),
            Found::Large(scored) => {
                let (files, damage) = verified(&scored);
                large.extend(files);
                made.damage.extend(damage);
            }
        }
    }
    kept.forget(&made.files);
    view(database, &made.files, &large)?;
    made.files.extend(large.into_iter().map(|file| file.path));
    Ok(made)
}

fn find<'r>(kept: &Kept, root: &Path, runs: &'r [Summary]) -> Found<'r> {
    let scored: Vec<Scored<'_>> = runs.iter().flat_map(|run| scored(root, run)).collect();
    let stamps = scored.iter().flat_map(|scored| {
        let files = ["scores.json", "predictions.parquet", "choices.json"];
        files.map(|file| (scored.run, Stamp::of_file(&scored.folder.join(file))))
    });
    let stamps: Vec<(&str, Option<Stamp>)> = stamps.collect();
    let size: u64 = stamps.iter().filter_map(|(_, stamp)| stamp.as_ref()).map(Stamp::size).sum();
    if size > SHARED {
        return Found::Large(scored);
    }
    let key = key(stamps.into_iter());
    kept.find(&key).map_or_else(|| Found::Small(key, scored), Found::Shared)
}

fn scored<'r>(root: &Path, run: &'r Summary) -> impl Iterator<Item = Scored<'r>> {
    let folder = root.join(&run.folder).join("scores");
    run.scores.iter().map(move |scores| Scored {
        run: &run.run,
        split: scores.split,
        folder: folder.join(scores.split.as_str()),
    })
}

/// Returns the files that are as they were written, and the errors about the others.
fn verified(scored: &[Scored<'_>]) -> (Vec<File>, Vec<StoreError>) {
    let verify = |scored: &Scored<'_>| {
        let file = verified_predictions(&scored.folder)?;
        let origin = vec![scored.run.to_owned(), scored.split.as_str().to_owned()];
        Ok(file.map(|path| File { path, origin }))
    };
    let verified: Vec<Result<Option<File>, StoreError>> = scored.par_iter().map(verify).collect();
    let (mut files, mut damage) = (Vec::new(), Vec::new());
    for verified in verified {
        match verified {
            Ok(file) => files.extend(file),
            Err(error) => damage.push(error),
        }
    }
    (files, damage)
}

/// Copies the predictions of several runs into one file, if there are any.
fn share(database: &Database, kept: &Kept, key: &Key, scored: &[Scored<'_>]) -> Result<Made, QueryError> {
    let (files, damage) = verified(scored);
    if files.is_empty() {
        return Ok(Made { damage, ..Made::default() });
    }
    let rows = rows_of(database, "shared_predictions", View::Predictions, ORIGIN, &files)?;
    let columns = typed(&View::Predictions.columns());
    let is_whole = damage.is_empty();
    let mut made = kept.make(key, |file| {
        let path = sql_text(&file.path().to_string_lossy());
        let copied =
            format!("COPY (SELECT {columns} FROM {rows}) TO {path} (FORMAT parquet, COMPRESSION lz4)");
        database.make(&copied)?;
        let hash = file_hash(file.path())?;
        Ok(Written { file, hash, is_whole, damage: Vec::new() })
    })?;
    database.make("DROP TABLE held.shared_predictions")?;
    made.damage = damage;
    Ok(made)
}

/// Makes the view of the rows of files that many runs share, and of files of single runs.
fn view(database: &Database, shared: &[PathBuf], large: &[File]) -> Result<(), QueryError> {
    let view = View::Predictions;
    let columns = view.columns();
    let mut sources = Vec::new();
    if !shared.is_empty() {
        sources.push(format!("SELECT {} FROM {}", typed(&columns), parquet(shared, None)));
    }
    if !large.is_empty() {
        let rows = rows_of(database, "predictions_files", view, ORIGIN, large)?;
        sources.push(format!("SELECT {} FROM {rows}", typed(&columns)));
    }
    match sources.is_empty() {
        true => define_empty(database, view),
        false => define(database, view, &columns, &format!("({})", sources.join(" UNION ALL "))),
    }
}
