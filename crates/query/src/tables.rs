//! The views over parquet files of the store, each of which is as it was written.

use std::path::PathBuf;

use cliptune_store::{Store, StoreError, literal_path, sql_name, sql_text};
use tempfile::TempPath;

use crate::cell::Cell;
use crate::columns::Kind;
use crate::database::Database;
use crate::error::QueryError;
use crate::load::{Rows, define, define_empty};
use crate::views::View;

/// A parquet file, with the values of the columns that say where its rows come from.
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) origin: Vec<String>,
}

/// The files of a view, and the errors about those that are left out.
#[derive(Default)]
pub(crate) struct Made {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) damage: Vec<StoreError>,
    /// Those of the files that are removed when nobody needs them any more.
    pub(crate) temporary: Vec<TempPath>,
}

impl Made {
    pub(crate) fn extend(&mut self, more: Self) {
        self.files.extend(more.files);
        self.damage.extend(more.damage);
        self.temporary.extend(more.temporary);
    }
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
        return Ok(Made { damage, ..Made::default() });
    }
    let rows = rows_of(database, &format!("{}_files", view.name()), view, origin, &files)?;
    define(database, view, &view.columns(), &rows)?;
    Ok(Made { files: files.into_iter().map(|file| file.path).collect(), damage, ..Made::default() })
}

/// Returns the SQL of the rows of all files of a view, each with its origin, which is put into a table with this name.
pub(crate) fn rows_of(
    database: &Database,
    of_files: &str,
    view: View,
    origin: &[&str],
    files: &[File],
) -> Result<String, QueryError> {
    let names: Vec<(&str, Kind)> = std::iter::once("cliptune_file")
        .chain(origin.iter().copied())
        .map(|name| (name, Kind::Text))
        .collect();
    let mut rows = Rows::new(&names);
    for file in files {
        let path = file.path.to_string_lossy();
        rows.push(std::iter::once(Cell::Text(path)).chain(file.origin.iter().map(|text| Cell::text(text))));
    }
    rows.make(database, of_files)?;
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let of_origin = origin.iter().map(|name| format!("f.{}", sql_name(name)));
    let columns = view.columns();
    let own = columns.iter().filter(|column| !origin.contains(&column.name));
    let own = own.map(|column| format!("p.{}", sql_name(column.name)));
    let columns: Vec<String> = of_origin.chain(own).collect();
    Ok(format!(
        "(SELECT {} FROM {} AS p JOIN held.{of_files} AS f ON p.cliptune_file = f.cliptune_file)",
        columns.join(", "),
        parquet(&paths, Some("cliptune_file"))
    ))
}

/// Returns the SQL of the rows of parquet files, with the name of the file in a column if one is given.
pub(crate) fn parquet(files: &[PathBuf], name_in: Option<&str>) -> String {
    let files: Vec<String> = files.iter().map(|file| sql_text(&literal_path(file))).collect();
    let named = name_in.map(|column| format!(", filename = {}", sql_text(column))).unwrap_or_default();
    format!("read_parquet([{}]{named}, hive_partitioning = false)", files.join(", "))
}
