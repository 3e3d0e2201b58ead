//! Joins the sources, and reads some of the rows.

use std::collections::HashMap;
use std::path::Path;

use cliptune_experiment::Task;
use cliptune_sample::{Row, SampleImage, Texts};
use cliptune_store::{literal_path, sql_name, sql_text};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Subject;
use super::strict::strict;
use crate::database::Database;
use crate::error::IngestError;
use crate::functions::Rules;
use crate::pipeline::{self, Joined, ROW_NAME};
use crate::table::{Kind, TABLE, Table};

/// The database in which the sources of a plan are joined.
pub(super) struct Joining<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) database: Database,
    pub(super) table: Table,
    pub(super) rules: Rules,
}

/// A row that is looked at.
#[derive(Deserialize)]
pub(super) struct Found {
    pub(super) number: u64,
    name: String,
    /// The number of the image that it joined.
    pub(super) image: Option<usize>,
    texts: Option<Vec<Option<String>>>,
}

impl<'a> Joining<'a> {
    /// Joins the sources as an ingest does. Nothing is written.
    pub(super) fn open(subject: &'a Subject<'a>) -> Result<Self, IngestError> {
        let database = Database::open(&subject.scratch.join("duckdb"))?;
        let items = subject.dataset().map(cliptune_store::Dataset::items_file);
        let Joined { table, rules, .. } =
            pipeline::join(&database, subject.plan, &subject.inputs, items, subject.scratch)?;
        Ok(Self { subject, database, table, rules })
    }

    /// Returns the rows in the table `chosen`, in its order.
    pub(super) fn found(&self) -> Result<Vec<Found>, IngestError> {
        self.database.rows(&format!(
            "SELECT CAST(to_json({{'number': cells.number, 'name': {ROW_NAME}, 'image': matches.image,
                                  'texts': words.texts}}) AS VARCHAR)
             FROM chosen JOIN cells ON cells.number = chosen.number JOIN matches ON matches.number = chosen.number
             JOIN words ON words.number = chosen.number ORDER BY chosen.place"
        ))
    }

    /// Returns all columns of the rows in the table `chosen`, by the numbers of the rows.
    pub(super) fn columns(&self) -> Result<HashMap<u64, Map<String, Value>>, IngestError> {
        let column = |column: &crate::table::Column| {
            let value = format!("{TABLE}.{}", sql_name(&column.name));
            let value = match Kind::parse(&column.sql_type) {
                Kind::Blob => format!("octet_length({value}) || ' bytes'"),
                _ => value,
            };
            format!("{}: {value}", sql_text(&column.name))
        };
        let columns: Vec<String> = self.table.columns().iter().map(column).collect();
        let rows = self.database.rows::<(u64, String)>(&format!(
            "SELECT CAST(to_json([to_json({TABLE}.{number}), to_json(CAST(to_json({{{}}}) AS VARCHAR))]) AS VARCHAR)
             FROM chosen JOIN {TABLE} ON {TABLE}.{number} = chosen.number",
            columns.join(", "),
            number = self.table.number
        ))?;
        rows.into_iter().map(|(number, json)| Ok((number, serde_json::from_str(&strict(&json))?))).collect()
    }

    /// Returns a row with its columns, and the right text if it is known.
    pub(super) fn row(&self, found: &Found, columns: Map<String, Value>, right: Option<usize>) -> Row {
        let (Task::Choice { choices: from, .. }
        | Task::Pairs { text: from }
        | Task::Classes { class: from, .. }) = &self.subject.plan.columns.task;
        let texts = found.texts.clone().and_then(|texts| texts.into_iter().collect::<Option<Vec<String>>>());
        let texts = texts.map(|texts| Texts { from: from.clone(), texts, right });
        Row { name: found.name.clone(), columns: columns.into_iter().collect(), texts }
    }

    /// Returns the splits of items, by their identities, as the store's dataset has them.
    pub(super) fn splits(&self, items: &[&str]) -> Result<HashMap<String, String>, IngestError> {
        let Some(dataset) = self.subject.dataset() else { return Ok(HashMap::new()) };
        dataset.verify()?;
        let listed: Vec<String> = items.iter().map(|item| sql_text(item)).collect();
        let splits = self.database.rows::<(String, String)>(&format!(
            "SELECT CAST(to_json([item_id, split]) AS VARCHAR) FROM read_parquet({}) WHERE item_id IN ({})",
            sql_text(&literal_path(&dataset.items_file())),
            if listed.is_empty() { "''".to_owned() } else { listed.join(", ") }
        ))?;
        Ok(splits.into_iter().collect())
    }
}

impl Subject<'_> {
    /// Returns an image of the sources by its number.
    pub(super) fn sample_image(&self, number: usize) -> Option<SampleImage> {
        let (path, size, file) = self.image(number)?;
        let read = |path: &Path| cliptune_store::read_image(path).map_err(|error| error.to_string());
        Some(SampleImage { path: path.to_owned(), size, file, read })
    }
}
