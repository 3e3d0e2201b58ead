//! The tables of folders of images, as Hugging Face datasets have them: a `metadata` file whose column `file_name` names the
//! images below its own folder.

use std::path::PathBuf;

use cliptune_store::{csv, sql_name, sql_text};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Part, lines, load_csv, load_parquet};
use crate::database::Database;
use crate::error::IngestError;

/// The column with the name of an image in its folder.
const FILE_NAME: &str = "file_name";
/// The column with the path of an image as `file.path` has it.
pub(super) const IMAGE: &str = "image";

/// Makes a table of files that have one ending. Their paths below the folder of the images are given.
pub(super) fn load(
    database: &Database,
    files: &[PathBuf],
    names: &[String],
    part: Part,
) -> Result<String, IngestError> {
    let folders: Vec<String> = names.iter().map(|name| folder(name).to_owned()).collect();
    match names.first().and_then(|name| name.rsplit('.').next()) {
        Some("csv") => load_csv(database, files, Some(&folders), part),
        Some("parquet") => load_parquet(database, files, &|at| Ok(select(&folders[at]))),
        _ => lines::load(database, files, Some(&folders)),
    }
}

/// Returns the folder of a file with a slash at the end, or nothing.
fn folder(name: &str) -> &str {
    name.rfind('/').map_or("", |slash| &name[..=slash])
}

fn select(folder: &str) -> String {
    let name = format!("regexp_replace({}, '^(\\./)+', '')", sql_name(FILE_NAME));
    format!("*, {} || {name} AS {}", sql_text(folder), sql_name(IMAGE))
}

/// Returns the path of an image by its name in a folder.
fn path(folder: &str, name: &str) -> String {
    let mut name = name;
    while let Some(rest) = name.strip_prefix("./") {
        name = rest;
    }
    format!("{folder}{name}")
}

/// The images that the records of a text file name.
pub(super) struct Images<'a> {
    folder: &'a str,
    /// The place of the column with their names.
    column: usize,
}

impl<'a> Images<'a> {
    pub(super) fn of(folder: &'a str, header: &csv::Record) -> Result<Self, String> {
        let column = header.iter().position(|name| name.as_deref() == Some(FILE_NAME));
        let column = column.ok_or_else(|| format!("it has no column {FILE_NAME}, which names the images"))?;
        Ok(Self { folder, column })
    }

    pub(super) fn path(&self, record: &csv::Record) -> Option<String> {
        let name = record.get(self.column)?.as_deref()?;
        Some(path(self.folder, name))
    }
}

/// What is needed of an object that names an image.
#[derive(Deserialize)]
struct Named {
    file_name: Option<String>,
}

/// Returns an object with the path of the image that it names.
pub(super) fn with_image(object: &str, folder: &str) -> Result<String, String> {
    let named: Named = serde_json::from_str(object).map_err(|problem| problem.to_string())?;
    let image = named.file_name.map_or(Value::Null, |name| json!(path(folder, &name)));
    Ok(extended(&[(IMAGE.to_owned(), image)], object))
}

/// Returns an object with some keys before its own, which are left as they are written.
pub(super) fn extended(keys: &[(String, Value)], object: &str) -> String {
    let inner = object.trim().strip_prefix('{').unwrap_or_default();
    let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
    let comma = if inner.trim_start().starts_with('}') || keys.is_empty() { "" } else { "," };
    format!("{{{}{comma}{inner}", keys.join(","))
}
