//! Tables whose rows are JSON objects, with columns whose types are learned from all rows.

use std::path::{Path, PathBuf};

use cliptune_store::table_text::{self, next_line};
use cliptune_store::{sql_name, sql_text};

use super::folders::with_image;
use super::{TABLE, number_column, shape, unreadable};
use crate::database::Database;
use crate::error::IngestError;

/// A table that is being made of objects.
pub(super) struct Lines<'a> {
    database: &'a Database,
    lessons: shape::Lessons,
    rows: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn begin(database: &'a Database) -> Result<Self, IngestError> {
        database
            .execute("CREATE TABLE lines (line VARCHAR, number BIGINT)")
            .map_err(IngestError::Database)?;
        Ok(Self { database, lessons: shape::Lessons::default(), rows: 0 })
    }

    /// Learns the columns of an object that is no row.
    pub(super) fn learn(&mut self, object: &str) -> Result<(), String> {
        self.lessons.learn(object)
    }

    /// Adds the objects that a function gives until it gives none. What is wrong with one comes with its place.
    pub(super) fn append(
        &mut self,
        mut next: impl FnMut() -> Result<Option<(String, String)>, String>,
    ) -> Result<(), String> {
        let Self { database, lessons, rows } = self;
        database.append_texts("lines", 1, rows, || {
            let Some((place, object)) = next()? else { return Ok(None) };
            lessons.learn(&object).map_err(|problem| format!("{place}: {problem}"))?;
            Ok(Some(vec![Some(object)]))
        })
    }

    /// Makes the table, and returns the name of the column with the row number.
    pub(super) fn finish(self, file: &Path) -> Result<String, IngestError> {
        let names: Vec<&str> = self.lessons.row.iter().map(|(name, _)| name).collect();
        let number = number_column(names.into_iter());
        let load = format!(
            "CREATE TABLE {TABLE} AS SELECT {}number AS {number} FROM lines; DROP TABLE lines",
            columns(&self.lessons.row)
        );
        self.database.execute(&load).map_err(|problem| unreadable(file, problem))?;
        Ok(number)
    }
}

/// Makes a table of files with an object in each line. Where they are about the images of folders, these are given with a
/// slash at the end.
pub(super) fn load(
    database: &Database,
    files: &[PathBuf],
    folders: Option<&[String]>,
) -> Result<String, IngestError> {
    let mut lines = Lines::begin(database)?;
    for (at, file) in files.iter().enumerate() {
        let folder = folders.map(|folders| folders[at].as_str());
        append_file(&mut lines, file, folder).map_err(|problem| unreadable(file, problem))?;
    }
    lines.finish(&files[0])
}

fn append_file(lines: &mut Lines<'_>, file: &Path, folder: Option<&str>) -> Result<(), String> {
    let mut input = table_text::open(file).map_err(|problem| problem.to_string())?;
    let mut line = 0_u64;
    lines.append(|| {
        while let Some(text) = next_line(&mut input, &mut line)? {
            if text.trim().is_empty() {
                continue;
            }
            let place = format!("line {line}");
            let text = match folder {
                Some(folder) => with_image(&text, folder).map_err(|problem| format!("{place}: {problem}"))?,
                None => text,
            };
            return Ok(Some((place, text)));
        }
        Ok(None)
    })
}

/// Returns the columns of objects as SQL over `lines`, each followed by a comma.
///
/// SQL treats names that differ only in case as the same name, so the later ones get a number.
fn columns(row: &shape::Fields) -> String {
    let mut taken = std::collections::HashSet::new();
    let mut columns = String::new();
    let mut plain = serde_json::Map::new();
    for (at, (key, shape)) in row.iter().enumerate() {
        if !key.is_empty() && taken.insert(key.to_lowercase()) {
            plain.insert(key.to_owned(), shape.sql());
            continue;
        }
        let name = if key.is_empty() { format!("column{at}") } else { format!("{key}_{at}") };
        let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        columns.push_str(&format!("json_extract(line, {}) AS {}, ", sql_text(&pointer), sql_name(&name)));
    }
    if plain.is_empty() {
        return columns;
    }
    let shape = serde_json::Value::from(plain).to_string();
    format!("unnest(from_json(line, {})), {columns}", sql_text(&shape))
}
