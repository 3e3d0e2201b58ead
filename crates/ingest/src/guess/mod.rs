//! Looks at sources that no experiment is about yet, for `cliptune new`, and guesses what one could say of them. Nothing is made.
//!
//! | part | guesses |
//! |---|---|
//! | `joins` | which column names the images, as an ingest finds it |
//! | `columns` | nothing: it measures what all rules are about |
//! | `choices`, `labels` | lists of texts, and the column that says which of a list is right |
//! | `kinds` | captions and classes, and which kind of item is the likeliest |
//! | `roles` | what identifies a row, what must not cross a split, which rows train and test |
//! | `names` | nothing: it finds words in the names of columns |
//!
//! Values decide where they can, and names of columns only between columns whose values would do.

mod choices;
mod columns;
mod joins;
mod kinds;
mod labels;
mod names;
mod roles;
#[cfg(test)]
mod tests;

use std::path::Path;

use cliptune_experiment::{DataPlan, Verify};
use cliptune_propose::Proposal;
use cliptune_store::{Extent, Reading, Store, StoreError, fetch_remote};
use cliptune_terminal::{Printer, silent_interrupt_flag};

use crate::database::Database;
use crate::error::IngestError;
use crate::ingest::{read_inputs, remembering};
use crate::pipeline;
use crate::table::TABLE;
use columns::Look;

/// Prints what an experiment about the sources of a plan could say, as JSON. Of the plan only the sources count.
///
/// # Errors
/// Fails where the sources cannot be read, where no column names the images, and where nothing can be learned from the table.
pub(crate) fn tell(
    sources: &DataPlan,
    store: &Store,
    is_offline: bool,
    printer: &Printer,
) -> Result<(), IngestError> {
    fetch_remote(sources, Extent::Needed, is_offline, printer, &silent_interrupt_flag())?;
    let scratch = tempfile::Builder::new().prefix("cliptune-new-").tempdir()?;
    printer.json(&propose(sources, store, printer, scratch.path())?);
    Ok(())
}

/// Returns what an experiment about the sources of a plan could say. No image is opened.
fn propose(
    sources: &DataPlan,
    store: &Store,
    printer: &Printer,
    scratch: &Path,
) -> Result<Proposal, IngestError> {
    let unseen = DataPlan { verify: Verify::None, ..sources.clone() };
    let store = remembering(store, scratch)?;
    let inputs = read_inputs(&store, &unseen, printer, &Reading::quietly(&|_, _| {})).map_err(not_there)?;
    let database = Database::open(&scratch.join("duckdb"))?;
    let table = pipeline::open(&database, &unseen, &inputs)?;
    let rows: u64 = database.row(&format!("SELECT CAST(count(*) AS VARCHAR) FROM {TABLE}"))?;
    if rows == 0 {
        return Err(IngestError::NoRows { path: table.path });
    }
    let join = joins::guess(&database, &unseen, &table)?;
    let look = Look::new(&database, &table, joins::key(&unseen, &join), rows)?;
    let seen = look.columns()?;
    let split = roles::split(&look, &seen)?;
    let labelled = choices::guess(&look, &seen)?;
    let items = kinds::rank(labelled, &look, &seen, &split);
    let Some(taken) = items.taken() else {
        return Err(IngestError::NothingToLearn { columns: table.names(), path: table.path.clone() });
    };
    let id = roles::id(&look, &seen, &taken.value)?;
    let group = roles::group(&look, &seen, &taken.value, &id);
    Ok(Proposal {
        images: inputs.images.len() as u64,
        example: inputs.images.first().map(|image| image.relative.to_string()),
        rows,
        looked_at: look.rows(),
        columns: table.columns().len() as u64,
        join,
        items,
        id,
        group,
        split,
    })
}

/// Says of sources that are not there which options name them: no experiment does so yet.
fn not_there(error: IngestError) -> IngestError {
    match error {
        IngestError::Store(
            source @ (StoreError::NoImages { .. }
            | StoreError::NoTable { .. }
            | StoreError::NoTableBeside { .. }),
        ) => IngestError::NoSources(source),
        other => other,
    }
}
