//! The values that the keys of `data.columns` and `data.split` name: columns, or SQL expressions over the row.

use crate::database::Database;
use crate::error::IngestError;
use crate::expression::{execute_with, operand};
use crate::table::{Kind, TABLE, Table, described, plain_name};

/// The value that a key names, as SQL in the query of all rows, with its type.
pub(crate) struct Value {
    key: &'static str,
    written: String,
    sql: String,
    sql_type: String,
    kind: Kind,
}

/// The values that a plan names, and the tables that hold the values of expressions.
pub(crate) struct Values<'a> {
    database: &'a Database,
    table: &'a Table,
    /// The names of the tables that hold the values of expressions. Each has the number of a row and the value.
    computed: Vec<String>,
}

impl<'a> Values<'a> {
    pub(crate) fn of(database: &'a Database, table: &'a Table) -> Self {
        Self { database, table, computed: Vec::new() }
    }

    /// Finds the value of a column with the given name, or else of an SQL expression.
    pub(crate) fn named(&mut self, written: &str, key: &'static str) -> Result<Value, IngestError> {
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
        let computed = format!("cliptune_{}_{}", key.replace('.', "_"), self.computed.len());
        let statement = format!(
            "CREATE TABLE {computed} AS SELECT {} AS number, {operand} AS value FROM {TABLE}",
            self.table.number
        );
        execute_with(self.database, key, written, &statement)?;
        let columns = described(self.database, &computed)?;
        let sql_type = columns.last().map(|column| column.sql_type.clone()).unwrap_or_default();
        let sql = format!("{computed}.value");
        self.computed.push(computed);
        Ok(Value { key, written: written_as, sql, kind: Kind::parse(&sql_type), sql_type })
    }

    /// Returns SQL for the key of a row as text.
    pub(crate) fn key(&mut self, written: &str, key: &'static str) -> Result<String, IngestError> {
        let value = self.named(written, key)?;
        self.text(&value)
    }

    /// Returns SQL for a value as text, or NULL if no value is named.
    pub(crate) fn text_of(
        &mut self,
        written: Option<&String>,
        key: &'static str,
    ) -> Result<String, IngestError> {
        let Some(written) = written else { return Ok("CAST(NULL AS VARCHAR)".to_owned()) };
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

    /// Returns SQL for a list of texts as JSON. The value can be a list, or JSON in the form in which CSV files
    /// contain it.
    pub(crate) fn list(&self, value: &Value) -> Result<String, IngestError> {
        match &value.kind {
            Kind::List(of) if **of == Kind::Json => Ok(format!("CAST(to_json({}) AS VARCHAR)", value.sql)),
            Kind::List(of) if of.is_text() => {
                Ok(format!("CAST(to_json(CAST({} AS VARCHAR[])) AS VARCHAR)", value.sql))
            }
            Kind::Text | Kind::Json => Ok(format!("CAST({} AS VARCHAR)", value.sql)),
            kind => Err(value.refusal("a list of texts", kind.as_list(&value.operand()))),
        }
    }

    /// Returns SQL for a single list of all texts in several values, each of which is a text or a list of texts.
    pub(crate) fn lists(&mut self, written: &[String], key: &'static str) -> Result<String, IngestError> {
        let mut lists = vec!["CAST([] AS VARCHAR[])".to_owned()];
        for written in written {
            let value = self.named(written, key)?;
            lists.push(match &value.kind {
                Kind::List(of) if of.is_text() => {
                    format!("coalesce(CAST(to_json({}) AS VARCHAR[]), [])", value.sql)
                }
                Kind::List(_) => {
                    return Err(
                        value.refusal("a text or a list of texts", value.kind.as_list(&value.operand()))
                    );
                }
                _ => format!("[{}]", self.text(&value)?),
            });
        }
        Ok(lists.join(" || "))
    }

    /// Returns the joins that attach computed values to a row of the table.
    pub(crate) fn joins(&self) -> String {
        let join = |computed: &String| {
            format!(" JOIN {computed} ON {computed}.number = {TABLE}.{}", self.table.number)
        };
        self.computed.iter().map(join).collect()
    }

    fn holds_objects(&self, value: &Value) -> Result<bool, IngestError> {
        let query = format!(
            "SELECT CAST(count(*) AS VARCHAR) FROM {TABLE}{} WHERE json_type({}) IN ('OBJECT', 'ARRAY')",
            self.joins(),
            value.sql
        );
        Ok(self.database.rows::<u64>(&query)?.iter().sum::<u64>() > 0)
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
