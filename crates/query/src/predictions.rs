//! The predictions of all runs.
//!
//! Those of small test sets are read from files of the cache that many runs share, because to open a file takes longer than to
//! read a small one. Large ones are read where they lie.
//!
//! A shared file is made without DuckDB, which takes several times as long for each file that it reads.

use std::path::{Path, PathBuf};

use cliptune_experiment::Split;
use cliptune_store::{
    Stamp, Store, StoreError, file_hash, sql_text, verified_predictions, verified_predictions_bytes,
};
use rayon::prelude::*;
use ruzstd::decoding::FrameDecoder;
use tempfile::NamedTempFile;

use crate::columns::Column;
use crate::database::Database;
use crate::error::QueryError;
use crate::index::Runs;
use crate::kept::{Hashed, Kept, Key, Written, key, parts};
use crate::load::{define, define_empty, typed};
use crate::small_file::SmallFile;
use crate::summary::Summary;
use crate::table_file::TableFile;
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
    Shared(Made),
    /// They are to share a file that only DuckDB can make.
    Unfamiliar(Key, Vec<Scored<'r>>),
    Large(Vec<Scored<'r>>),
}

/// Makes the view of all predictions.
pub(crate) fn predictions(database: &Database, store: &Store, runs: &Runs) -> Result<Made, QueryError> {
    let kept = Kept::open(store, View::Predictions);
    let parts = parts(runs);
    let found = parts.par_iter().map(|part| find(&kept, store.root(), part));
    let found = found.collect::<Result<Vec<_>, QueryError>>()?;
    let (mut made, mut large) = (Made::default(), Vec::new());
    for found in found {
        match found {
            Found::Shared(shared) => made.extend(shared),
            Found::Unfamiliar(key, scored) => made.extend(share(database, &kept, &key, &scored)?),
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

fn find<'r>(kept: &Kept, root: &Path, runs: &'r [Summary]) -> Result<Found<'r>, QueryError> {
    let scored: Vec<Scored<'_>> = runs.iter().flat_map(|run| scored(root, run)).collect();
    let stamps = scored.iter().flat_map(|scored| {
        let files = ["scores.json", "predictions.parquet", "choices.json"];
        files.map(|file| (scored.run, Stamp::of_file(&scored.folder.join(file))))
    });
    let stamps: Vec<(&str, Option<Stamp>)> = stamps.collect();
    let size: u64 = stamps.iter().filter_map(|(_, stamp)| stamp.as_ref()).map(Stamp::size).sum();
    if size > SHARED {
        return Ok(Found::Large(scored));
    }
    let key = key(stamps.into_iter());
    if scored.is_empty() {
        return Ok(Found::Shared(Made::default()));
    }
    if let Some(path) = kept.find(&key) {
        return Ok(Found::Shared(Made { files: vec![path], ..Made::default() }));
    }
    match kept.make(&key, |file| write(&scored, file)) {
        Err(QueryError::Unfamiliar) => Ok(Found::Unfamiliar(key, scored)),
        made => Ok(Found::Shared(made?)),
    }
}

/// Writes the predictions of several runs into one file, unless some are written in a way that only DuckDB understands.
fn write(scored: &[Scored<'_>], file: NamedTempFile) -> Result<Written, QueryError> {
    let columns = View::Predictions.columns();
    let own: Vec<Column> = columns.iter().filter(|column| !ORIGIN.contains(&column.name)).copied().collect();
    let mut rows = TableFile::new(&columns, Hashed::new(file));
    let (mut damage, mut decoder) = (Vec::new(), FrameDecoder::new());
    for scored in scored {
        match verified_predictions_bytes(&scored.folder) {
            Ok(None) => {}
            Ok(Some(bytes)) => {
                let read = SmallFile::read(&bytes, &own, &mut decoder).ok_or(QueryError::Unfamiliar)?;
                read.add_to(&mut rows, |row| {
                    row.text(Some(scored.run));
                    row.text(Some(scored.split.as_str()));
                });
            }
            Err(error) => damage.push(error),
        }
    }
    Ok(rows.finish()?.written(damage))
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
