//! `cliptune query`.

use std::path::PathBuf;

use cliptune_machine::confine_memory;
use cliptune_query::{Answer, MEMORY, Query, json_document};
use cliptune_store::{Store, StoreError};
use cliptune_terminal::{Column, CommonArgs, Exit, Printer, Table, format};

use crate::error::CliError;
use crate::selection::{short, warn_of};
use crate::wanted::open;

/// The number of rows that a table for people has at most.
const ROWS: usize = 1000;

/// Answer SQL over all runs
///
/// One SELECT over the views runs, settings, metrics, events, predictions, items, rejects and system, which docs/query.md
/// describes. It reads nothing else and changes nothing. DESCRIBE runs lists the columns of a view.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The query, such as "SELECT run, value FROM metrics WHERE metric = 'accuracy'"
    #[arg(required_unless_present = "save", conflicts_with = "save")]
    sql: Option<String>,

    /// Write CSV to standard output
    #[arg(long, conflicts_with_all = ["json", "parquet", "save"])]
    csv: bool,

    /// Write the answer to a parquet file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "save"])]
    parquet: Option<PathBuf>,

    /// Write all views to a DuckDB file, as tables
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    save: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let store = Store::existing(&common.store)?;
    let runs = open(&store, &printer)?;
    confine_memory(MEMORY);
    if let Some(file) = &args.save {
        warn(&Query::save(&store, &runs, file)?, &printer);
        printer.status(&format!("{} has all views", short(file)));
        return Ok(Exit::Done);
    }
    let sql = args.sql.as_deref().unwrap_or_default();
    let query = Query::open(&store, &runs, sql, args.parquet.as_deref())?;
    warn(query.damage(), &printer);
    match &args.parquet {
        Some(file) => query.parquet(file)?,
        None if printer.is_json() => printer.document(&json_document(&query.json()?)),
        None if args.csv => printer.data(&query.answer()?.csv()),
        None => print(&query.answer()?, &printer),
    }
    Ok(Exit::Done)
}

fn warn(damage: &[StoreError], printer: &Printer) {
    damage.iter().for_each(|error| warn_of(error, printer));
}

fn print(answer: &Answer, printer: &Printer) {
    let mut table = Table::new(answer.columns().iter().map(|name| Column::left(format::visible(name))));
    for row in answer.rows().take(ROWS) {
        table.row(row.into_iter().map(|cell| cell.map_or_else(|| "–".to_owned(), format::visible)));
    }
    printer.table(&table);
    if answer.len() > ROWS {
        let more = format::counted((answer.len() - ROWS) as u64, "more row");
        printer.status(&format!("{more}; --csv, --json and --parquet have them all"));
    }
}
