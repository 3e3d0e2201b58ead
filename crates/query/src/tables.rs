//! The views over parquet files of the store, each of which is as it was written.

use std::path::PathBuf;

use cliptune_experiment::Split;
use cliptune_store::{Store, StoreError, literal_path, sql_name, sql_text, verified_predictions};
use rayon::prelude::*;

use crate::cell::Cell;
use crate::columns::{Column, Kind};
use crate::database::Database;
use crate::error::QueryError;
use crate::index::Runs;
use crate::load::{Rows, define, define_empty};
use crate::views::View;

/// A parquet file, with the values of the columns that say where its rows come from.
struct File {
    path: PathBuf,
    origin: Vec<String>,
}

/// The files of a view, and the errors about those that are left out.
pub(crate) struct Made {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) damage: Vec<StoreError>,
}

/// Makes the view of all predictions.
pub(crate) fn predictions(database: &Database, store: &Store, runs: &Runs) -> Result<Made, QueryError> {
    let scored: Vec<(&str, &str, Split)> = runs
        .summaries
        .iter()
        .flat_map(|run| run.scores.iter().map(|scores| (run.run.as_str(), run.folder.as_str(), scores.split)))
        .collect();
    let verify = |(run, folder, split): &(&str, &str, Split)| {
        let scores = store.root().join(folder).join("scores").join(split.as_str());
        let file = verified_predictions(&scores)?;
        Ok(file.map(|path| File { path, origin: vec![(*run).to_owned(), split.as_str().to_owned()] }))
    };
    let verified: Vec<Result<Option<File>, StoreError>> = scored.par_iter().map(verify).collect();
    let (mut files, mut damage) = (Vec::new(), Vec::new());
    for verified in verified {
        match verified {
            Ok(file) => files.extend(file),
            Err(error) => damage.push(error),
        }
    }
    make(database, View::Predictions, &["run", "split"], files, damage)
}

/// Makes the view of all items or that of all rejects.
pub(crate) fn of_datasets(database: &Database, store: &Store, view: View) -> Result<Made, QueryError> {
    let (datasets, mut damage) = store.datasets_and_damage()?;
    let mut files = Vec::new();
    for dataset in datasets {
        match dataset.verified_tables() {
            Ok([items, rejects]) => {
                let path = if view == View::Items { items } else { rejects };
                files.push(File { path, origin: vec![dataset.record().hash.clone()] });
            }
            Err(error) => damage.push(error),
        }
    }
    make(database, view, &["dataset"], files, damage)
}

fn make(
    database: &Database,
    view: View,
    origin: &[&str],
    files: Vec<File>,
    damage: Vec<StoreError>,
) -> Result<Made, QueryError> {
    if files.is_empty() {
        define_empty(database, view)?;
        return Ok(Made { files: Vec::new(), damage });
    }
    let names: Vec<(&str, Kind)> = std::iter::once("cliptune_file")
        .chain(origin.iter().copied())
        .map(|name| (name, Kind::Text))
        .collect();
    let mut rows = Rows::new(&names);
    for file in &files {
        let path = file.path.to_string_lossy();
        rows.push(std::iter::once(Cell::Text(path)).chain(file.origin.iter().map(|text| Cell::text(text))));
    }
    let of_files = format!("{}_files", view.name());
    rows.make(database, &of_files)?;
    let files: Vec<PathBuf> = files.into_iter().map(|file| file.path).collect();
    let columns = view.columns();
    let own: Vec<&Column> = columns.iter().filter(|column| !origin.contains(&column.name)).collect();
    define(database, view, &columns, &source(&of_files, origin, &own, &files))?;
    Ok(Made { files, damage })
}

/// Returns the SQL of the rows of all files, each with its origin.
fn source(of_files: &str, origin: &[&str], own: &[&Column], files: &[PathBuf]) -> String {
    let origin = origin.iter().map(|name| format!("f.{}", sql_name(name)));
    let own = own.iter().map(|column| format!("p.{}", sql_name(column.name)));
    let columns: Vec<String> = origin.chain(own).collect();
    format!(
        "(SELECT {} FROM {} AS p JOIN held.{of_files} AS f ON p.cliptune_file = f.cliptune_file)",
        columns.join(", "),
        parquet(files, Some("cliptune_file"))
    )
}

/// Returns the SQL of the rows of parquet files, with the name of the file in a column if one is given.
pub(crate) fn parquet(files: &[PathBuf], name_in: Option<&str>) -> String {
    let files: Vec<String> = files.iter().map(|file| sql_text(&literal_path(file))).collect();
    let named = name_in.map(|column| format!(", filename = {}", sql_text(column))).unwrap_or_default();
    format!("read_parquet([{}]{named}, hive_partitioning = false)", files.join(", "))
}
