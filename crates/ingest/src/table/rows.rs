//! Parquet files whose rows hold the images themselves. In place of an image, its row has its path.

use std::path::PathBuf;

use cliptune_store::{ROW_OF_FILE, image_column, image_columns, sql_name, sql_text};

use super::folders::IMAGE;
use super::load_parquet;
use crate::database::Database;
use crate::error::IngestError;

/// Makes a view over files whose paths below the folder of the images are given.
pub(super) fn load(database: &Database, files: &[PathBuf], names: &[String]) -> Result<String, IngestError> {
    load_parquet(database, files, &|at| {
        let (image, all) = (image_column(&files[at])?, image_columns(&files[at])?);
        let path = format!("{} || {ROW_OF_FILE}", sql_text(&format!("{}/", names[at])));
        let others = all.iter().filter(|name| **name != image).map(|name| {
            let name = sql_name(name);
            format!("{name}.path AS {name}")
        });
        let replaced: Vec<String> = others.collect();
        let replaced =
            if replaced.is_empty() { String::new() } else { format!(" REPLACE ({})", replaced.join(", ")) };
        Ok(format!("* EXCLUDE ({}){replaced}, {path} AS {}", sql_name(&image), sql_name(IMAGE)))
    })
}
