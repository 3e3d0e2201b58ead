//! One column of somebody's table: what it holds, and its texts one after the other, however many there are.
//!
//! Nothing is guessed from what a text looks like. In a CSV file every value is a text, in JSON lines every string is one, and
//! of a parquet file the schema says what a column holds.

mod csv;
mod lines;
mod parquet;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::image_files::{FileNames, below, matching, single};
use crate::image_kinds::has_ending;
use crate::regular::check;

/// How a table is written that has columns with names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableForm {
    /// A parquet file.
    Parquet,
    /// Values separated by commas, tabs or the like, with a header.
    Csv,
    /// A JSON object in each line.
    Lines,
}

impl TableForm {
    /// Returns the form that a table has by its name; `None` where the name is not that of a table.
    pub fn of(path: &Path) -> Option<Self> {
        match () {
            () if has_ending(path, &["parquet"]) => Some(Self::Parquet),
            () if has_ending(path, &["csv", "tsv"]) => Some(Self::Csv),
            () if has_ending(path, &["jsonl", "ndjson"]) => Some(Self::Lines),
            () => None,
        }
    }
}

/// Returns the tables in a folder (recursively), or the files that a path or a glob names, whatever these are; possibly none.
///
/// # Errors
/// Returns an error when the folder cannot be listed, or when a file has a name that is not UTF-8.
pub fn tables_at(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let found = match single(path)? {
        _ if path.is_dir() => Some(below(path, |file| TableForm::of(file).is_some())?),
        None => matching(path)?,
        file => file,
    };
    let Some(FileNames { folder, relative, .. }) = found.map(FileNames::all_named).transpose()? else {
        return Ok(Vec::new());
    };
    Ok(relative.iter().map(|name| folder.join(name)).collect())
}

/// What a column holds that a model can embed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Texts.
    Texts,
    /// The bytes of images, as they are or in structs with their paths.
    Images,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableColumn {
    path: PathBuf,
    form: TableForm,
    name: String,
}

/// A cell of a column of texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Its text, which may be blank.
    Text(String),
    /// There is nothing in it.
    Missing,
    /// Something else is in it, such as `a number`.
    Other(&'static str),
}

/// The cells of a column, in the order of the rows. An error is the last item.
pub type Cells = Box<dyn Iterator<Item = Result<Cell, StoreError>>>;

impl TableColumn {
    /// Finds a column of a table by its name, and says what it holds.
    ///
    /// # Errors
    /// Returns an error when the file cannot be read, or when it has no such column, or one that holds something else.
    pub fn find(path: &Path, form: TableForm, name: &str) -> Result<(Self, Holds), StoreError> {
        check(path)?;
        let column = Self { path: path.to_path_buf(), form, name: name.to_owned() };
        let holds = match form {
            TableForm::Parquet => parquet::find(&column)?,
            TableForm::Csv => csv::find(&column)?,
            TableForm::Lines => lines::find(&column)?,
        };
        Ok((column, holds))
    }

    /// Returns the path of the table.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the name of the column.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads the cells of a column of texts.
    pub fn cells(&self) -> Cells {
        match self.form {
            TableForm::Parquet => parquet::cells(self),
            TableForm::Csv => csv::cells(self),
            TableForm::Lines => lines::cells(self),
        }
    }

    fn unreadable(&self, problem: impl ToString) -> StoreError {
        StoreError::ForeignTable { path: self.path.clone(), form: self.form, problem: problem.to_string() }
    }

    /// Makes the error that says that the column is not there.
    fn missing(&self, has: Vec<String>) -> StoreError {
        StoreError::NoColumn { path: self.path.clone(), column: self.name.clone(), has }
    }

    /// Makes the error that says that the column holds something else. `usable` are the columns that do not.
    fn of_type(&self, kind: impl Into<String>, usable: Vec<String>) -> StoreError {
        StoreError::ColumnType {
            path: self.path.clone(),
            column: self.name.clone(),
            kind: kind.into(),
            usable,
        }
    }
}

/// Returns what a function reads, until it gives none or an error.
fn until_none(mut next: impl FnMut() -> Result<Option<Cell>, StoreError> + 'static) -> Cells {
    let mut is_over = false;
    Box::new(std::iter::from_fn(move || {
        let cell = if is_over { None } else { next().transpose() };
        is_over = !matches!(cell, Some(Ok(_)));
        cell
    }))
}
