//! Runs as tables of CSV, parquet or JSON: the rows that the views of `cliptune query` have for them, and no others.

use std::path::Path;

use cliptune_durable::write_remade;
use cliptune_query::{Query, Runs, View, json_document};
use cliptune_store::{AnyRun, Listed, Store, sql_text};

use super::content::Reader;
use crate::error::ExchangeError;

/// The views that become files: a row for each run, setting, metric and event. Settings and events are put in order, because
/// they are joined, or come from files that many runs share; the others are in the order in which the store lists them.
const TABLES: [(View, &str); 4] = [
    (View::Runs, ""),
    (View::Settings, " ORDER BY run, key"),
    (View::Metrics, ""),
    (View::Events, " ORDER BY run, seq"),
];

/// How tables are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Csv,
    Parquet,
    Json,
}

impl Form {
    fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Json => "json",
        }
    }
}

/// Writes the rows of some runs into a folder, a file for each table. Imported runs are in the views as well.
pub(super) fn write(
    store: &Store,
    runs: &[AnyRun],
    reader: &mut Reader,
    form: Form,
    folder: &Path,
) -> Result<(), ExchangeError> {
    // The views leave out what is damaged in any run of the store; only what is damaged in these is to be told.
    runs.iter().for_each(|run| reader.look(run));
    let known = Runs::open(store)?;
    let names: Vec<String> = runs.iter().map(|run| sql_text(&run.id())).collect();
    for (view, order) in TABLES {
        let file = folder.join(view.name()).with_extension(form.extension());
        let sql = format!("SELECT * FROM {} WHERE run IN ({}){order}", view.name(), names.join(", "));
        let query = Query::open(store, &known, &sql, (form == Form::Parquet).then_some(file.as_path()))?;
        match form {
            Form::Csv => write_remade(&file, query.answer()?.csv().as_bytes())?,
            Form::Json => write_remade(&file, (json_document(&query.json()?) + "\n").as_bytes())?,
            Form::Parquet => query.parquet(&file)?,
        }
    }
    Ok(())
}
