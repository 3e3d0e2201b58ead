//! Reads the table while the images are still being read, where a dataset is sure to be made.

use cliptune_experiment::DataPlan;
use cliptune_store::{Inputs, Store, TableFiles};

use crate::database::Database;
use crate::error::IngestError;
use crate::functions::Rules;
use crate::pipeline;
use crate::table::Table;

/// A database that has the table and, in the end, the join of its rows with the images.
pub(crate) struct Loaded {
    pub(crate) database: Database,
    pub(crate) table: Table,
    pub(crate) rules: Rules,
}

impl Loaded {
    /// Reads the table alone, unless the store has a dataset of the plan, which may be what the plan makes now.
    ///
    /// Whatever fails is left for [`join`](Self::join) to fail at, when it is known which source is to blame: an
    /// expression may look at the images, too.
    pub(crate) fn ahead(store: &Store, plan: &DataPlan, files: &TableFiles) -> Option<Self> {
        if store.datasets().ok()?.iter().any(|dataset| dataset.record().plan == *plan) {
            return None;
        }
        let database = open(store).ok()?;
        let folder = store.datasets_folder();
        let (table, rules) = pipeline::read_table(&database, plan, files, &folder).ok()?;
        Some(Self { database, table, rules })
    }

    /// Joins the table with the images.
    pub(crate) fn join(
        ahead: Option<Self>,
        store: &Store,
        plan: &DataPlan,
        inputs: &Inputs,
    ) -> Result<Self, IngestError> {
        if let Some(loaded) = ahead {
            pipeline::join_images(&loaded.database, &loaded.table, plan, inputs)?;
            return Ok(loaded);
        }
        let database = open(store)?;
        let (table, rules) = pipeline::join(&database, plan, inputs, None, &store.datasets_folder())?;
        Ok(Self { database, table, rules })
    }
}

fn open(store: &Store) -> Result<Database, IngestError> {
    Database::open(&store.cache_folder().join("duckdb"))
}
