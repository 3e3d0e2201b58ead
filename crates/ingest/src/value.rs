//! The values that the keys of `data.columns` and `data.split` name: columns, or SQL expressions over the row.

use crate::database::Database;
use crate::error::IngestError;
use crate::expression::{attributed, operand};
use crate::table::{Kind, TABLE, Table, described, plain_name};

/// The SQL of a missing text.
pub(crate) const NO_TEXT: &str = "CAST(NULL AS VARCHAR)";

/// The value that a key names, as SQL in the query of all rows, with its type.
pub(crate) struct Value {
    key: &'static str,
    written: String,
    sql: String,
    sql_type: String,
    kind: Kind,
}

/// The values that a plan names.
pub(crate) struct Values<'a> {
    database: &'a Database,
    table: &'a Table,
}

impl<'a> Values<'a> {
    pub(crate) fn of(database: &'a Database, table: &'a Table) -> Self {
        Self { database, table }
    }

    /// Finds the value of a column with the given name, or else of an SQL expression.
    pub(crate) fn named(&self, written: &str, key: &'static str) -> Result<Value, IngestError> {
        let written_as = written.to_owned();
        if let Some(column) = self.table.column(written) {
            let sql = format!("{TABLE}.{}", cliptune_store::sql_name(&column.name));
            return Ok(Value {
                key,
                written: written_as,
                sql,
                kind: Kind::parse(&column.sql_type),
                sql_type: column.sql_type.clone(),
            });
        }
        if is_plain_name(written) {
            return Err(IngestError::NoColumn {
                path: self.table.path.clone(),
                column: written_as,
                key,
                columns: self.table.names(),
            });
        }
        let operand = operand(self.database, key, written, &self.table.names())?;
        let columns = described(self.database, &format!("SELECT {operand} AS value FROM {TABLE}"));
        let columns = columns.map_err(|error| attributed(error, key, written))?;
        let sql_type = columns.last().map(|column| column.sql_type.clone()).unwrap_or_default();
        Ok(Value { key, written: written_as, sql: operand, kind: Kind::parse(&sql_type), sql_type })
    }

    /// Returns SQL for the key of a row as text.
    pub(crate) fn key(&self, written: &str, key: &'static str) -> Result<String, IngestError> {
        let value = self.named(written, key)?;
        self.text(&value)
    }

    /// Returns SQL for a value as text, or NULL if no value is named.
    pub(crate) fn text_of(&self, written: Option<&String>, key: &'static str) -> Result<String, IngestError> {
        let Some(written) = written else { return Ok(NO_TEXT.to_owned()) };
        self.key(written, key)
    }

    /// Returns SQL for a value as text.
    pub(crate) fn text(&self, value: &Value) -> Result<String, IngestError> {
        match &value.kind {
            Kind::Json if self.holds_objects(value)? => Err(value.refusal("a text", None)),
            // Values of several kinds are JSON. The JSON of a text has quotes that do not belong to the text.
            Kind::Json => Ok(format!("({} ->> '$')", value.sql)),
            kind if kind.is_text() => Ok(format!("CAST({} AS VARCHAR)", value.sql)),
            kind => Err(value.refusal("a text", kind.as_text(&value.operand()))),
        }
    }

    /// Returns SQL for a list of texts, and for the value that is none. The value can be a list, or JSON in the form in
    /// which CSV files contain it.
    pub(crate) fn list(&self, value: &Value) -> Result<[String; 2], IngestError> {
        let json = match &value.kind {
            Kind::List(of) if **of == Kind::Json => format!("CAST(to_json({}) AS VARCHAR)", value.sql),
            Kind::List(of) if of.is_text() => {
                return Ok([format!("CAST({} AS VARCHAR[])", value.sql), NO_TEXT.to_owned()]);
            }
            Kind::Text | Kind::Json => format!("CAST({} AS VARCHAR)", value.sql),
            kind => {
                let expression = kind.as_list(&value.operand(), &self.table.one_of_list());
                return Err(value.refusal("a list of texts", expression));
            }
        };
        // JSON has null for a missing list as well.
        let other = format!("CASE WHEN cliptune_listed({json}) IS NULL THEN nullif({json}, 'null') END");
        Ok([format!("cliptune_listed({json})"), other])
    }

    /// Returns SQL for a single list of all texts in several values, each of which is a text or a list of texts.
    pub(crate) fn lists(&self, written: &[String], key: &'static str) -> Result<String, IngestError> {
        let mut lists = vec!["CAST([] AS VARCHAR[])".to_owned()];
        for written in written {
            let value = self.named(written, key)?;
            lists.push(match &value.kind {
                Kind::List(of) if of.is_text() => {
                    format!("coalesce(CAST(to_json({}) AS VARCHAR[]), [])", value.sql)
                }
                Kind::List(_) => {
                    let expression = value.kind.as_list(&value.operand(), &self.table.one_of_list());
                    return Err(value.refusal("a text or a list of texts", expression));
                }
                _ => format!("[{}]", self.text(&value)?),
            });
        }
        Ok(lists.join(" || "))
    }

    fn holds_objects(&self, value: &Value) -> Result<bool, IngestError> {
        let query = format!(
            "SELECT CAST(count(*) AS VARCHAR) FROM {TABLE} WHERE json_type({}) IN ('OBJECT', 'ARRAY')",
            value.sql
        );
        let found: Result<u64, _> = self.database.row(&query);
        found.map(|found| found > 0).map_err(|error| attributed(error, value.key, &value.written))
    }
}

impl Value {
    /// Returns the kind of the value.
    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Returns what was written, in a form that can be part of another expression.
    fn operand(&self) -> String {
        match self.sql.starts_with(TABLE) {
            true => plain_name(&self.written),
            false => format!("({})", self.written),
        }
    }

    fn refusal(&self, wanted: &'static str, expression: Option<String>) -> IngestError {
        IngestError::ColumnType {
            key: self.key,
            column: self.written.clone(),
            sql_type: self.sql_type.clone(),
            wanted,
            expression,
        }
    }
}

/// Checks whether a text can only be the name of a column, so that a typing error in it is not reported as bad SQL.
fn is_plain_name(text: &str) -> bool {
    text.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
}
