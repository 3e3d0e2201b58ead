//! Looks at the sources of experiments for `cliptune check`: how they join where an experiment does not say so, and what is
//! wrong with the columns and the SQL that it names. Nothing is made.

use std::collections::BTreeSet;
use std::path::Path;

use cliptune_experiment::{DataPlan, Experiment, ExperimentName, TableFormat, Verify};
use cliptune_store::{FoundJoin, Reading, Store, TableFiles};
use cliptune_terminal::Printer;
use serde::Serialize;

use crate::command::distinct_data;
use crate::database::Database;
use crate::error::IngestError;
use crate::ingest::{read_inputs, remembering};
use crate::pipeline::{self, Looked};

/// The largest table that is read for its columns alone, in bytes, where they are known only once all rows are.
const LARGEST: u64 = 64 << 20;

/// What is known about the join of some experiments.
#[derive(Serialize)]
struct Told {
    experiments: Vec<ExperimentName>,
    /// The join, where the sources are there.
    found: Option<FoundJoin>,
    /// The same for people, or why it is not known.
    said: String,
}

/// Prints how the sources of the experiments join that do not say so, as JSON. Sources that are not there stop nothing.
///
/// # Errors
/// Fails where an ingest would, with the last of the mistakes; those before it are told at once.
pub(crate) fn tell(experiments: &[Experiment], store: &Store, printer: &Printer) -> Result<(), IngestError> {
    let scratch = tempfile::Builder::new().prefix("cliptune-check-").tempdir()?;
    let (mut told, mut mistakes, mut known) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (plan, experiments) in distinct_data(experiments) {
        let (found, said) = match look(plan, store, scratch.path()) {
            Ok(Looked { found, mistakes: new }) => {
                mistakes.extend(new.into_iter().filter(|mistake| known.insert(mistake.to_string())));
                (found.clone(), found.map(|found| found.to_string()).unwrap_or_default())
            }
            Err(IngestError::Store(error)) => (None, format!("not found yet: {}", error.in_one_line())),
            Err(error) => {
                mistakes.extend(known.insert(error.to_string()).then_some(error));
                continue;
            }
        };
        told.extend(plan.join.is_none().then_some(Told { experiments, found, said }));
    }
    if let Some(last) = mistakes.pop() {
        mistakes.iter().for_each(|mistake| printer.failure(mistake));
        return Err(last);
    }
    printer.json(&told);
    Ok(())
}

/// Looks at sources as they are, without opening an image.
fn look(plan: &DataPlan, store: &Store, scratch: &Path) -> Result<Looked, IngestError> {
    let database = || Database::open(&scratch.join("duckdb"));
    if plan.join.is_some() {
        let (files, bytes) = TableFiles::list(plan)?;
        return match is_too_large(plan, bytes) {
            true => Ok(Looked { found: None, mistakes: Vec::new() }),
            false => pipeline::look_at_header(&database()?, plan, &files, scratch),
        };
    }
    let unseen = DataPlan { verify: Verify::None, ..plan.clone() };
    let store = remembering(store, scratch)?;
    let reading = Reading::quietly(&|_, _| {});
    let inputs = read_inputs(&store, &unseen, &Printer::new(true, false), &reading)?;
    pipeline::look(&database()?, plan, &inputs, scratch)
}

/// Checks whether it would take long to know the columns of a table.
fn is_too_large(plan: &DataPlan, bytes: u64) -> bool {
    !matches!(plan.metadata.format, TableFormat::Parquet | TableFormat::Csv) && bytes > LARGEST
}
