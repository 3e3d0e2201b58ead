//! The column that tells which choice is right.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::language::{Vocabulary, words};

/// A column (or an SQL expression) that tells which choice of a row is right, and how its values are read.
///
/// It is written and recorded as the bare column when nothing is declared about its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Label {
    /// The column, or an SQL expression over the row.
    pub column: String,
    /// The declared meaning of the values. When absent, the column's type and its values decide.
    pub declared: Option<LabelReading>,
}

words! {
    /// What the labels of a column are: the one way in which all of them are read.
    pub enum LabelReading {
        /// A label is a number that counts the choices from 0.
        Index = "index",
        /// A label is a number that counts the choices from 1.
        Position = "position",
        /// A label is a letter that counts the choices from A.
        Letter = "letter",
        /// A label is the right text itself.
        Text = "text",
    }
}

impl Label {
    /// Creates the label of a column whose type and values decide how it is read.
    pub fn of(column: &str) -> Self {
        Self { column: column.to_owned(), declared: None }
    }
}

impl LabelReading {
    /// Returns the word that declares this reading in an experiment.
    pub fn as_str(self) -> &'static str {
        self.word()
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.column)?;
        self.declared.map_or(Ok(()), |reading| write!(f, " ({})", reading.as_str()))
    }
}

/// The two forms in which a label is written.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Column(String),
    Declared { column: String, is: LabelReading },
}

impl From<Written> for Label {
    fn from(written: Written) -> Self {
        match written {
            Written::Column(column) => Self { column, declared: None },
            Written::Declared { column, is } => Self { column, declared: Some(is) },
        }
    }
}

impl From<Label> for Written {
    fn from(Label { column, declared }: Label) -> Self {
        match declared {
            Some(is) => Self::Declared { column, is },
            None => Self::Column(column),
        }
    }
}
