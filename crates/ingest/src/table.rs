//! The table of texts as DuckDB sees it, and its columns as SQL.

use std::path::{Path, PathBuf};

use cliptune_experiment::{TableFormat, TableSource};
use cliptune_store::{literal_path, sql_name, sql_text};
use fs_err as fs;
use serde::Deserialize;

use crate::database::Database;
use crate::error::IngestError;

/// The name that SQL of an experiment can give the table.
pub(crate) const TABLE: &str = "metadata";

/// The loaded table: its columns and where the number of a row is.
pub(crate) struct Table {
    path: PathBuf,
    columns: Vec<Column>,
    /// A column that the table does not have itself; the number of the row, from 0.
    pub(crate) number: String,
}

/// A column and its SQL type.
#[derive(Deserialize)]
struct Column {
    name: String,
    kind: String,
}

impl Column {
    fn is_list(&self) -> bool {
        self.kind.ends_with(']')
    }

    fn sql(&self) -> String {
        format!("{TABLE}.{}", sql_name(&self.name))
    }

    /// As text. Values of mixed types arrive as JSON, whose strings have quotes that are not part of them.
    fn text(&self) -> String {
        match self.kind.as_str() {
            "JSON" => format!("({} ->> '$')", self.sql()),
            _ => format!("CAST({} AS VARCHAR)", self.sql()),
        }
    }

    /// A list as a list of texts.
    fn texts(&self) -> String {
        match self.kind.as_str() {
            "JSON[]" => format!("CAST(to_json({}) AS VARCHAR[])", self.sql()),
            _ => format!("CAST({} AS VARCHAR[])", self.sql()),
        }
    }
}

impl Table {
    /// Reads the whole table.
    pub(crate) fn load(database: &Database, source: &TableSource) -> Result<Self, IngestError> {
        let unreadable =
            |source_error| IngestError::Table { path: source.path.clone(), source: source_error };
        let read = reader(source)?;
        database.execute(&format!("CREATE VIEW source AS SELECT * FROM {read}")).map_err(unreadable)?;
        let columns: Vec<Column> = database.rows(
            "SELECT CAST(to_json({'name': column_name, 'kind': column_type}) AS VARCHAR) FROM (DESCRIBE source)",
        )?;
        let mut number = "cliptune_row".to_owned();
        while columns.iter().any(|column| column.name.eq_ignore_ascii_case(&number)) {
            number.push('_');
        }
        let load =
            format!("CREATE TABLE {TABLE} AS SELECT *, row_number() OVER () - 1 AS {number} FROM source");
        database.execute(&load).map_err(unreadable)?;
        database.execute("DROP VIEW source")?;
        Ok(Self { path: source.path.clone(), columns, number })
    }

    /// The key of a row: a column if there is one of that name, else an SQL expression.
    pub(crate) fn key(
        &self,
        database: &Database,
        key: &'static str,
        sql: &str,
    ) -> Result<String, IngestError> {
        match self.column(sql, key) {
            Ok(column) => Ok(column.sql()),
            Err(missing) if is_plain_name(sql) => Err(missing),
            Err(_) => database.expression(key, sql),
        }
    }

    /// A column as text; NULL when none is named.
    pub(crate) fn text(&self, name: Option<&String>, key: &'static str) -> Result<String, IngestError> {
        let Some(name) = name else { return Ok("CAST(NULL AS VARCHAR)".to_owned()) };
        Ok(self.column(name, key)?.text())
    }

    /// A column of lists, or of JSON arrays as CSV files have them.
    pub(crate) fn list(&self, name: &str, key: &'static str) -> Result<String, IngestError> {
        let column = self.column(name, key)?;
        match column.kind.as_str() {
            _ if column.is_list() => Ok(column.texts()),
            "VARCHAR" | "JSON" => Ok(format!("TRY_CAST(TRY_CAST({} AS JSON) AS VARCHAR[])", column.sql())),
            kind => Err(IngestError::NotAList {
                path: self.path.clone(),
                column: name.to_owned(),
                kind: kind.to_owned(),
            }),
        }
    }

    /// Columns of texts or lists of texts as one list.
    pub(crate) fn lists(&self, names: &[String], key: &'static str) -> Result<String, IngestError> {
        let mut lists = vec!["CAST([] AS VARCHAR[])".to_owned()];
        for name in names {
            let column = self.column(name, key)?;
            lists.push(match column.is_list() {
                true => format!("coalesce({}, [])", column.texts()),
                false => format!("[{}]", column.text()),
            });
        }
        Ok(lists.join(" || "))
    }

    fn column(&self, name: &str, key: &'static str) -> Result<&Column, IngestError> {
        let found = self.columns.iter().find(|column| column.name == name);
        found.ok_or_else(|| IngestError::NoColumn {
            path: self.path.clone(),
            column: name.to_owned(),
            key,
            columns: self.columns.iter().map(|column| column.name.clone()).collect(),
        })
    }
}

/// The table function that reads the file. Nothing is left to guess but the types of JSON values.
fn reader(source: &TableSource) -> Result<String, IngestError> {
    let path = sql_text(&literal_path(&source.path));
    Ok(match source.format {
        TableFormat::Parquet => format!("read_parquet({path})"),
        // Guessed types would turn the stem 007 into 7; SQL casts where numbers are meant.
        TableFormat::Csv => format!(
            "read_csv({path}, header = true, all_varchar = true, delim = {}, quote = '\"', escape = '\"', \
             comment = '', skip = 0, strict_mode = true, null_padding = false, ignore_errors = false)",
            sql_text(delimiter(&source.path)?)
        ),
        TableFormat::Jsonl => format!("read_json({path}, format = 'newline_delimited', sample_size = -1)"),
    })
}

/// What separates the columns: a tab when the header has one.
fn delimiter(path: &Path) -> Result<&'static str, IngestError> {
    let mut header = Vec::new();
    let mut file = std::io::BufReader::new(fs::File::open(path)?);
    std::io::BufRead::read_until(&mut file, b'\n', &mut header)?;
    Ok(if header.contains(&b'\t') { "\t" } else { "," })
}

/// Whether a text can only be a column's name, so that a slip in it is not reported as bad SQL.
fn is_plain_name(text: &str) -> bool {
    text.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
}
