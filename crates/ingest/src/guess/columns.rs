//! Measures the columns of a table.

use serde::Deserialize;

use crate::database::Database;
use crate::error::IngestError;
use crate::table::{Kind, TABLE, Table};
use crate::value::{NO_TEXT, Values};

/// The number of rows from which on not all are looked at, but about so many of them, spread over the whole table.
const ROWS: u64 = 50_000;
/// The number of columns that are looked at.
pub(super) const COLUMNS: usize = 256;

/// A look at some rows of a table.
pub(super) struct Look<'a> {
    pub(super) database: &'a Database,
    pub(super) table: &'a Table,
    /// The column that names the images, where it is one, and no expression.
    pub(super) joined: Option<&'a str>,
    /// The SQL of what a row says of its image, as text.
    image: String,
    /// The number of rows of the table.
    all: u64,
    /// Each so many-th row is looked at.
    every: u64,
}

/// A column whose values can be texts, and what was measured of it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) name: String,
    /// The SQL of its values as texts.
    pub(super) sql: String,
    pub(super) kind: Kind,
    pub(super) is: Measured,
}

/// What was measured of the values of a column, all as texts.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Measured {
    /// The number of rows with a value.
    pub(super) filled: u64,
    /// The number of different values.
    pub(super) distinct: u64,
    /// The mean number of characters.
    pub(super) letters: f64,
    /// The mean number of words.
    pub(super) words: f64,
    /// The number of values that are lists in JSON.
    pub(super) lists: u64,
    /// The number of values that are lists of texts as Python spells them, `['one', "it's"]`, or as JSON does.
    pub(super) spelled: u64,
    /// The number of values that are numbers.
    pub(super) numbers: u64,
    /// The number of images of rows with a value.
    pub(super) images: u64,
    /// The number of different pairs of an image and a value. It equals that of images where each has one value.
    pub(super) pairs: u64,
}

impl<'a> Look<'a> {
    pub(super) fn new(
        database: &'a Database,
        table: &'a Table,
        key: Option<&'a str>,
        all: u64,
    ) -> Result<Self, IngestError> {
        let image = match key {
            Some(key) => Values::of(database, table).key(key, "data.join.metadata")?,
            None => NO_TEXT.to_owned(),
        };
        let joined = key.filter(|key| table.column(key).is_some());
        Ok(Self { database, table, joined, image, all, every: (all / ROWS).max(1) })
    }

    /// Returns the number of rows that are looked at.
    pub(super) fn rows(&self) -> u64 {
        self.all.div_ceil(self.every)
    }

    /// Checks whether all rows are looked at.
    pub(super) fn is_whole(&self) -> bool {
        self.every == 1
    }

    /// Returns the SQL of the rows that are looked at, to follow `FROM`.
    pub(super) fn source(&self) -> String {
        match self.every {
            1 => TABLE.to_owned(),
            every => format!("{TABLE} WHERE {TABLE}.{} % {every} = 0", self.table.number),
        }
    }

    /// Measures all columns whose values can be texts, in the order of the table. A column without a name cannot be named.
    pub(super) fn columns(&self) -> Result<Vec<Seen>, IngestError> {
        let named = self.table.columns().iter().filter(|column| !column.name.trim().is_empty());
        let mut seen = Vec::new();
        for column in named.take(COLUMNS) {
            let kind = Kind::parse(&column.sql_type);
            match Values::of(self.database, self.table).key(&column.name, "data.columns") {
                Ok(sql) => seen.push(Seen { is: self.measured(&sql)?, name: column.name.clone(), sql, kind }),
                // It has lists, objects or bytes.
                Err(IngestError::ColumnType { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(seen)
    }

    fn measured(&self, sql: &str) -> Result<Measured, IngestError> {
        let known = "FILTER (WHERE value IS NOT NULL AND image IS NOT NULL)";
        self.database.row(&format!(
            "SELECT CAST(to_json({{
                 'filled': count(value), 'distinct': count(DISTINCT value),
                 'letters': coalesce(avg(length(value)), 0),
                 'words': coalesce(avg(length(string_split(trim(value), ' '))), 0),
                 'lists': count(cliptune_listed(value)),
                 'spelled': count(CASE WHEN regexp_matches(value, '^\\s*\\[\\s*[''\"]') THEN TRY_CAST(value AS VARCHAR[]) END),
                 'numbers': count(TRY_CAST(value AS DOUBLE)),
                 'images': count(DISTINCT image) {known},
                 'pairs': count(DISTINCT {{'image': image, 'value': value}}) {known}
             }}) AS VARCHAR)
             FROM (SELECT {sql} AS value, {} AS image FROM {})",
            self.image,
            self.source()
        ))
    }

    /// Returns the different values of a column, in their order.
    pub(super) fn values(&self, column: &Seen) -> Result<Vec<String>, IngestError> {
        self.database.rows(&format!(
            "SELECT CAST(to_json(value) AS VARCHAR)
             FROM (SELECT DISTINCT {} AS value FROM {}) WHERE value IS NOT NULL ORDER BY value",
            column.sql,
            self.source()
        ))
    }

    /// Checks whether no two rows of the whole table have the same value in a column, and every row has one.
    pub(super) fn is_unique(&self, column: &Seen) -> Result<bool, IngestError> {
        let rows = self.all;
        if column.is.filled < self.rows() || column.is.distinct < column.is.filled {
            return Ok(false);
        }
        if self.is_whole() {
            return Ok(true);
        }
        let distinct: u64 = self.database.row(&format!(
            "SELECT CAST(count(DISTINCT value) AS VARCHAR) FROM (SELECT {} AS value FROM {TABLE})",
            column.sql
        ))?;
        Ok(distinct == rows)
    }
}

impl Seen {
    /// Checks whether nearly all values are lists in JSON, or as Python spells them.
    pub(super) fn is_listed(&self) -> bool {
        self.is_nearly_all(self.is.lists) || self.is_spelled()
    }

    /// Checks whether nearly all values are lists as Python spells them, and too few are JSON.
    pub(super) fn is_spelled(&self) -> bool {
        self.is_nearly_all(self.is.spelled) && !self.is_nearly_all(self.is.lists)
    }

    fn is_nearly_all(&self, values: u64) -> bool {
        10 * values >= 9 * self.is.filled && values > 0
    }

    /// Checks whether nearly all values are numbers.
    pub(super) fn is_numeric(&self) -> bool {
        self.is_nearly_all(self.is.numbers)
    }

    /// Checks whether each image has one value.
    pub(super) fn is_of_image(&self) -> bool {
        self.is.images > 0 && self.is.pairs == self.is.images
    }
}
