//! One dataset from its sources to the store.

use std::sync::Mutex;

use cliptune_experiment::{DataPlan, SplitBy};
use cliptune_store::{
    DATASET_FORMAT, Dataset, DatasetRecord, Inputs, Item, Reject, Sources, Store, StoreError, write_dataset,
};
use cliptune_terminal::{Printer, Progress};

use crate::candidates::{Sides, Sorted};
use crate::components::{Components, links};
use crate::counts;
use crate::error::IngestError;
use crate::headers::headers;
use crate::join::{Joined, join};
use crate::notes::notes;
use crate::split;

/// Makes the dataset of a plan, or returns the one that is there; the flag says whether it was made.
///
/// # Errors
///
/// When a source is missing or unusable, nothing is left, or the store cannot be written. Nothing is left behind
/// then.
pub fn ingest(store: &Store, plan: &DataPlan, printer: &Printer) -> Result<(Dataset, bool), IngestError> {
    let inputs = read_inputs(store, plan, printer)?;
    let hash = inputs.dataset_hash(plan);
    let is_damaged = match store.dataset(&hash) {
        Ok(Some(dataset)) => return Ok((dataset.relocate(&inputs.images_folder)?, false)),
        Ok(None) => false,
        Err(error) if error.is_damage() => {
            printer.warn(&format!("{}; the dataset is made again", error.in_one_line()));
            true
        }
        Err(error) => return Err(error.into()),
    };
    let joined = join(plan, &inputs.images, &inputs.table_files, &store.cache_folder().join("duckdb"))?;
    let (record, items, rejects) = make(plan, &inputs, hash, &joined, printer)?;
    // A dataset must not carry the hash of sources that it was not made from.
    if read_inputs(store, plan, printer)?.dataset_hash(plan) != record.hash {
        return Err(IngestError::Changed);
    }
    let staged = store.stage_dataset(&record.hash)?;
    write_dataset(staged.path(), &record, &items, &rejects)?;
    let path = if is_damaged { staged.replace() } else { staged.commit() }.map_err(StoreError::from)?;
    let dataset = store.dataset(&record.hash)?.ok_or(IngestError::Removed { path })?;
    Ok((dataset, true))
}

/// The sources' contents, with a bar for each of them that has to be read.
fn read_inputs(store: &Store, plan: &DataPlan, printer: &Printer) -> Result<Inputs, IngestError> {
    let bar: Mutex<Option<(u64, Progress)>> = Mutex::new(None);
    let inputs = store.inputs(plan, &|done, of| {
        let Ok(mut bar) = bar.lock() else { return };
        match &*bar {
            Some((total, progress)) if *total == of => progress.set(done),
            _ => *bar = Some((of, printer.progress("ingest: reading", of, "bytes"))),
        }
    })?;
    Ok(inputs)
}

fn make(
    plan: &DataPlan,
    inputs: &Inputs,
    hash: String,
    joined: &Joined,
    printer: &Printer,
) -> Result<(DatasetRecord, Vec<Item>, Vec<Reject>), IngestError> {
    let progress = printer.progress("ingest: images", inputs.images.len() as u64, "images");
    let headers = headers(&inputs.images, &|| progress.advance(1));
    progress.finish();
    let sides = Sides { plan, images: &inputs.images, headers: &headers, joined };
    let reading = sides.reading()?;
    let Sorted { mut items, rejects, filtered } = sides.sort(reading);
    let notes = notes(inputs, &headers, joined, reading);
    let join = counts::join_counts(inputs.images.len(), joined, filtered);
    let reasons = counts::reject_counts(&rejects);
    if items.is_empty() {
        return Err(IngestError::NoItems { join: join.into(), reasons, notes: notes.into() });
    }
    let across = match &plan.split.by {
        SplitBy::Component { across } => across.as_slice(),
        SplitBy::Group | SplitBy::Row | SplitBy::Column(_) => &[],
    };
    let links = links(&sides, across);
    let components = Components::connected(&links);
    split::assign(&mut items, &plan.split, &links, &components)?;
    let record = DatasetRecord {
        format_version: DATASET_FORMAT,
        hash,
        task: plan.columns.task.kind(),
        plan: plan.clone(),
        sources: Sources {
            images_folder: inputs.images_folder.to_string_lossy().into_owned(),
            images_hash: inputs.images_hash.clone(),
            table_hash: inputs.table_hash.clone(),
        },
        notes,
        join,
        rejects: reasons,
        items: counts::item_counts(&items, &components),
        splits: counts::split_counts(&items, &components),
        leaks: counts::leaks(&items),
    };
    Ok((record, items, rejects))
}
