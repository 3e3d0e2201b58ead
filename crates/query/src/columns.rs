//! What a column is.

/// A column of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name in SQL.
    pub name: &'static str,
    /// The kind of values.
    pub kind: Kind,
    /// A sentence about the meaning.
    pub about: &'static str,
}

/// The kinds of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// Yes or no.
    Truth,
    /// A moment in UTC.
    Time,
    /// A list of texts.
    Texts,
    /// A list of whole numbers.
    Wholes,
    /// A list of numbers.
    Numbers,
}

impl Kind {
    /// Returns the kind that a type of a parquet file has in a view, where whole numbers are of one size.
    pub(crate) fn of(sql: &str) -> Self {
        match sql {
            "INTEGER" => Self::Whole,
            "INTEGER[]" => Self::Wholes,
            "DOUBLE" => Self::Number,
            "DOUBLE[]" => Self::Numbers,
            "BOOLEAN" => Self::Truth,
            "VARCHAR[]" => Self::Texts,
            _ => Self::Text,
        }
    }

    /// Returns the type in SQL.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Text => "VARCHAR",
            Self::Whole => "BIGINT",
            Self::Number => "DOUBLE",
            Self::Truth => "BOOLEAN",
            Self::Time => "TIMESTAMP",
            Self::Texts => "VARCHAR[]",
            Self::Wholes => "BIGINT[]",
            Self::Numbers => "DOUBLE[]",
        }
    }
}

/// Returns a column. It keeps the lists of columns short.
pub(crate) const fn column(name: &'static str, kind: Kind, about: &'static str) -> Column {
    Column { name, kind, about }
}
