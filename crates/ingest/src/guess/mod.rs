//! Looks at sources that no experiment is about yet, for `cliptune new`, and guesses what one could say of them. Nothing is made.
//!
//! | part | guesses |
//! |---|---|
//! | `joins` | which column names the images, as an ingest finds it |
//! | `columns` | nothing: it measures what all rules are about |
//! | `choices`, `labels` | lists of texts, and the column that says which of a list is right |
//! | `kinds` | captions and classes, and which kind of item is the likeliest |
//! | `roles` | what identifies a row, what must not cross a split, which rows train and test |
//! | `folders` | classes from the folders of images, where there is no table |
//! | `names` | nothing: it finds words in the names of columns |
//!
//! Values decide where they can, and names of columns only between columns whose values would do.

mod choices;
mod columns;
mod folders;
mod joins;
mod kinds;
mod labels;
mod names;
mod roles;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use cliptune_experiment::{DataPlan, Location, TableFormat, TableSource, Verify, table_format};
use cliptune_propose::Proposal;
use cliptune_store::{Extent, Inputs, Reading, Store, StoreError, fetch_remote};
use cliptune_terminal::{Printer, silent_interrupt_flag};

use crate::database::Database;
use crate::error::{GuessError, IngestError};
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
    let proposal = match propose(sources, store, printer, scratch.path()) {
        Err(IngestError::Guess(GuessError::NoSources(error))) => match *error {
            StoreError::NoTableBeside { path } => of_folders(sources, printer, scratch.path())?
                .ok_or_else(|| GuessError::NoTable { near: near(&path), path })?,
            other => return Err(GuessError::NoSources(Box::new(other)).into()),
        },
        proposed => proposed?,
    };
    printer.json(&proposal);
    Ok(())
}

/// Returns what an experiment could say of images whose folders are classes, with the table that it needs for that.
fn of_folders(
    sources: &DataPlan,
    printer: &Printer,
    scratch: &Path,
) -> Result<Option<Proposal>, IngestError> {
    let [Location::Local(_)] = sources.images.as_slice() else { return Ok(None) };
    // A table that is gone in a moment is nothing for a store to remember.
    let (store, file) = (Store::open(scratch)?, scratch.join("folders.csv"));
    let table = TableSource::at(file.clone(), TableFormat::Csv);
    let sources = DataPlan { metadata: table, join: None, verify: Verify::None, ..sources.clone() };
    // There has to be a table where images are looked for, and what is in it has no meaning yet.
    fs_err::write(&file, "file\n")?;
    let inputs = inputs(&sources, &store, printer, scratch)?;
    let Some(text) = folders::table(inputs.images.iter().map(|image| &*image.relative)) else {
        return Ok(None);
    };
    fs_err::write(&file, &text)?;
    let proposal = propose(&sources, &store, printer, scratch)?;
    Ok(Some(Proposal { table: Some(text), ..proposal }))
}

/// Returns the tables that lie beside images, or beside their folder.
fn near(images: &Path) -> Vec<PathBuf> {
    let folders = [images, images.parent().unwrap_or(images)];
    let files = folders.into_iter().filter_map(|folder| fs_err::read_dir(folder).ok()).flatten().flatten();
    let is_table = |path: &PathBuf| {
        let format = path.file_name().and_then(|name| table_format(name.to_str()?));
        path.is_file() && format.is_some_and(|format| format != TableFormat::Tar)
    };
    let mut tables: Vec<PathBuf> = files.map(|file| file.path()).filter(is_table).collect();
    tables.sort();
    tables
}

/// Finds the sources of a plan.
fn inputs(
    sources: &DataPlan,
    store: &Store,
    printer: &Printer,
    scratch: &Path,
) -> Result<Inputs, IngestError> {
    let store = remembering(store, scratch)?;
    // A bar on a terminal says why a large table takes a while. In a log, it would be all that is said of the look.
    let shown = if printer.is_live() { printer.clone() } else { Printer::new(true, false) };
    read_inputs(&store, sources, &shown, &Reading::quietly(&|_, _| {})).map_err(not_there)
}

/// Returns what an experiment about the sources of a plan could say. No image is opened.
fn propose(
    sources: &DataPlan,
    store: &Store,
    printer: &Printer,
    scratch: &Path,
) -> Result<Proposal, IngestError> {
    let unseen = DataPlan { verify: Verify::None, ..sources.clone() };
    let inputs = inputs(&unseen, store, printer, scratch)?;
    let database = Database::open(&scratch.join("duckdb"))?;
    let table = pipeline::open(&database, &unseen, &inputs).map_err(|error| match error {
        IngestError::WhichTable { .. } => IngestError::from(GuessError::ForNew(Box::new(error))),
        other => other,
    })?;
    let rows: u64 = database.row(&format!("SELECT CAST(count(*) AS VARCHAR) FROM {TABLE}"))?;
    if rows == 0 {
        return Err(GuessError::NoRows { path: table.path }.into());
    }
    joins::expect_header(&unseen, &table, &inputs)?;
    let join = joins::guess(&database, &unseen, &table)?;
    let look = Look::new(&database, &table, joins::key(&unseen, &join), rows)?;
    let seen = look.columns()?;
    let split = roles::split(&look, &seen)?;
    let labelled = choices::guess(&look, &seen)?;
    let items = kinds::rank(labelled, &look, &seen, &split);
    let Some(taken) = items.taken() else {
        let (path, columns) = (table.path.clone(), table.names());
        return Err(GuessError::NothingToLearn { path, columns }.into());
    };
    let id = roles::id(&look, &seen, &taken.value)?;
    let group = roles::group(&look, &seen, &taken.value, &id, &split);
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
        table: None,
    })
}

/// Says of sources that are not there which options name them: no experiment does so yet.
fn not_there(error: IngestError) -> IngestError {
    match error {
        IngestError::Store(
            source @ (StoreError::NoImages { .. }
            | StoreError::NoTable { .. }
            | StoreError::NoTableBeside { .. }),
        ) => GuessError::NoSources(Box::new(source)).into(),
        other => other,
    }
}
