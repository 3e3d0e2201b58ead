//! Reads the table while the images are still being read, and joins it with what they are called, where a dataset is sure to be
//! made.

use std::sync::OnceLock;

use cliptune_durable::StagedFolder;
use cliptune_experiment::DataPlan;
use cliptune_store::{FoundJoin, Inputs, Store, TableFiles};
use duckdb::arrow::array::RecordBatch;

use crate::database::Database;
use crate::error::IngestError;
use crate::functions::Rules;
use crate::pipeline::{self, Joined};
use crate::table::Table;

/// A database that has the table and, in the end, the join of its rows with the images.
pub(crate) struct Loaded {
    pub(crate) database: Database,
    pub(crate) table: Table,
    pub(crate) rules: Rules,
    /// The join, where it had to be found.
    pub(crate) found: Option<FoundJoin>,
    /// Whether the database has the join already.
    is_joined: bool,
}

impl Loaded {
    /// Reads the table, and joins it with the names of the images if these are known by then, unless the store has a dataset of
    /// the plan, which may be what the plan makes now, or the images have to be known to find how the two sides join.
    ///
    /// Whatever fails is left for [`join`](Self::join) to fail at, when it is known which source is to blame: an
    /// expression may look at the images, too.
    pub(crate) fn ahead(
        store: &Store,
        plan: &DataPlan,
        files: &TableFiles,
        names: &OnceLock<Vec<RecordBatch>>,
    ) -> Option<Self> {
        let join = plan.join.as_ref()?;
        if store.datasets().ok()?.iter().any(|dataset| dataset.record().plan == *plan) {
            return None;
        }
        let database = open(store).ok()?;
        let folder = store.datasets_folder();
        let (table, mut rules) = pipeline::read_table(&database, plan, join, files, &folder).ok()?;
        let is_joined = match names.get() {
            Some(names) => pipeline::join_names(&database, &table, plan, join, names, &mut rules).ok()?,
            None => false,
        };
        Some(Self { database, table, rules, found: None, is_joined })
    }

    /// Joins the table with the images.
    pub(crate) fn join(
        ahead: Option<Self>,
        store: &Store,
        plan: &DataPlan,
        inputs: &Inputs,
    ) -> Result<Self, IngestError> {
        if let (Some(loaded), Some(join)) = (ahead, &plan.join) {
            if !loaded.is_joined {
                pipeline::join_images(&loaded.database, &loaded.table, plan, join, inputs)?;
            }
            return Ok(loaded);
        }
        let database = open(store)?;
        let folder = store.datasets_folder();
        let Joined { table, rules, found } = pipeline::join(&database, plan, inputs, None, &folder)?;
        Ok(Self { database, table, rules, found, is_joined: true })
    }
}

fn open(store: &Store) -> Result<Database, IngestError> {
    Database::open_with(StagedFolder::beside(&store.cache_folder().join("duckdb"))?)
}
