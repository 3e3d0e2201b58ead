//! Tells how the sources of experiments join that do not say so, for `cliptune check`. Nothing is made.

use std::path::Path;

use cliptune_experiment::{DataPlan, Experiment, ExperimentName, Verify};
use cliptune_store::{FoundJoin, Store, Unread};
use cliptune_terminal::Printer;
use serde::Serialize;

use crate::command::distinct_data;
use crate::database::Database;
use crate::error::IngestError;
use crate::ingest::{read_inputs, remembering};
use crate::pipeline;
use crate::summary::said;

/// What is known about the join of some experiments.
#[derive(Serialize)]
struct Told {
    experiments: Vec<ExperimentName>,
    /// The join, where the sources are there.
    found: Option<FoundJoin>,
    /// The same for people, or why it is not known.
    said: String,
}

/// Prints how the sources of the experiments join, as JSON. Sources that are not there stop nothing.
///
/// # Errors
/// Fails where an ingest would: when no column names the images, or when several do.
pub(crate) fn tell(experiments: &[Experiment], store: &Store, printer: &Printer) -> Result<(), IngestError> {
    let scratch = tempfile::Builder::new().prefix("cliptune-join-").tempdir()?;
    let mut told = Vec::new();
    for (plan, experiments) in distinct_data(experiments) {
        if plan.join.is_some() {
            continue;
        }
        told.push(match find(plan, store, scratch.path()) {
            Ok(found) => Told { experiments, said: said(&found), found: Some(found) },
            Err(IngestError::Store(error)) => {
                Told { experiments, said: format!("not found yet: {}", error.in_one_line()), found: None }
            }
            Err(error) => return Err(error),
        });
    }
    printer.json(&told);
    Ok(())
}

/// Finds the join of sources as they are, without opening an image.
fn find(plan: &DataPlan, store: &Store, scratch: &Path) -> Result<FoundJoin, IngestError> {
    let unseen = DataPlan { verify: Verify::None, ..plan.clone() };
    let store = remembering(store, scratch)?;
    let inputs = read_inputs(&store, &unseen, &Printer::new(true, false), &Unread::hash, &|_| {})?;
    pipeline::find_join(&Database::open(&scratch.join("duckdb"))?, plan, &inputs)
}
