//! Makes one dataset from its sources and puts it into the store.

use std::sync::Mutex;

use cliptune_experiment::{DataPlan, ExperimentName, SplitBy};
use cliptune_store::{
    DATASET_FORMAT, Dataset, DatasetRecord, History, Inputs, Item, Reject, Sources, Store, StoreError,
    Succession, TableHashes, write_dataset_rows,
};
use cliptune_terminal::{Printer, Progress};

use crate::candidates::{JoinedSources, Sorted};
use crate::changes::Pair;
use crate::components::{Components, links};
use crate::counts;
use crate::error::IngestError;
use crate::headers::{CHECK, headers};
use crate::join::{Joined, join};
use crate::notes::notes;
use crate::split::{self, Assigned, Subject};

/// Makes the dataset of a plan of some experiments, or returns the one that exists. The flag says whether it was
/// made. A damaged dataset is made again.
///
/// # Errors
///
/// Returns an error when a source is missing or unusable, when no item is left, or when the store cannot be written.
/// In these cases nothing is left behind in the store.
pub fn ingest(
    store: &Store,
    plan: &DataPlan,
    experiments: &[ExperimentName],
    printer: &Printer,
) -> Result<(Dataset, bool), IngestError> {
    let inputs = read_inputs(store, plan, printer)?;
    let mut succession = store.succession(plan, &inputs, experiments)?;
    match intact(store, &succession) {
        Ok(Some(dataset)) => return Ok((dataset.adopt(&inputs.images_folders, experiments)?, false)),
        Ok(None) => {}
        Err(error) if error.is_damage() => {
            let hash = succession.hash.get(..12).unwrap_or_default();
            printer.status(&format!("dataset {hash} is damaged and is made again"));
            // Without the dataset that it followed, this becomes a different dataset.
            if succession.previous.is_none() {
                succession.hash = inputs.dataset_hash(plan);
            }
        }
        Err(error) => return Err(error.into()),
    }
    let joined = join(plan, &inputs.images, &inputs.table_files, &store.cache_folder().join("duckdb"))?;
    let job = Job { plan, inputs: &inputs, joined: &joined, succession: &succession, experiments };
    let (record, items, rejects) = job.make(store, printer)?;
    // A dataset must not carry the hash of sources that it was not made from.
    if read_inputs(store, plan, printer)?.dataset_hash(plan) != inputs.dataset_hash(plan) {
        return Err(IngestError::Changed);
    }
    let staged = store.stage_dataset(&record.hash)?;
    write_dataset_rows(staged.path(), &record, &items, &rejects)?;
    let path = store.commit_dataset(staged, &record.hash)?;
    let dataset = store.dataset(&record.hash)?.ok_or(IngestError::Removed { path })?;
    Ok((dataset, true))
}

/// Returns the dataset that exists already, if it is intact.
fn intact(store: &Store, succession: &Succession) -> Result<Option<Dataset>, StoreError> {
    let Some(dataset) = &succession.dataset else {
        // A dataset whose record is damaged is not part of any succession.
        return store.dataset(&succession.hash);
    };
    dataset.verify()?;
    Ok(Some(dataset.clone()))
}

/// Reads the contents of the sources, with a progress bar for each source that has to be read.
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

/// All the inputs that a dataset is made from.
struct Job<'a> {
    plan: &'a DataPlan,
    inputs: &'a Inputs,
    joined: &'a Joined,
    succession: &'a Succession,
    experiments: &'a [ExperimentName],
}

impl Job<'_> {
    fn make(
        &self,
        store: &Store,
        printer: &Printer,
    ) -> Result<(DatasetRecord, Vec<Item>, Vec<Reject>), IngestError> {
        let Self { plan, inputs, joined, .. } = *self;
        let progress = printer.progress("ingest: images", inputs.images.len() as u64, "images");
        let known = store.inspections(plan, CHECK);
        let headers = headers(inputs, &known, &|| progress.advance(1));
        progress.finish();
        let sides = JoinedSources { plan, images: &inputs.images, headers: &headers, joined };
        let reading = sides.reading()?;
        let Sorted { mut items, rejects, filtered } = sides.sort(reading);
        let notes = notes(inputs, &headers, joined, reading, &rejects);
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
        let connected = Components::connected(&links);
        let before = self.items_before()?;
        let subject =
            Subject { plan: &plan.split, links: &links, connected: &connected, before: self.kept(&before) };
        let assigned = split::assign(&mut items, &subject)?;
        self.tell_drift(assigned, printer);
        let record = DatasetRecord {
            format_version: DATASET_FORMAT,
            hash: self.succession.hash.clone(),
            task: plan.columns.task.kind(),
            classes: Vec::new(),
            plan: plan.clone(),
            sources: self.sources(),
            notes,
            join,
            rejects: reasons,
            items: counts::item_counts(&items, &connected),
            splits: counts::split_counts(&items, &connected),
            leaks: counts::leaks(&items),
            history: self.history(&before, &items, assigned),
            tables: TableHashes::default(),
        };
        Ok((record, items, rejects))
    }

    fn sources(&self) -> Sources {
        let folders = self.inputs.images_folders.iter();
        Sources {
            images_folders: folders.map(|folder| folder.to_string_lossy().into_owned()).collect(),
            images_hash: self.inputs.images_hash.clone(),
            table_hash: self.inputs.table_hash.clone(),
        }
    }

    /// Reads the items of the previous dataset.
    fn items_before(&self) -> Result<Vec<Item>, IngestError> {
        let previous = self.succession.previous.as_ref();
        Ok(previous.map_or(Ok(Vec::new()), |previous| previous.items(None))?)
    }

    /// Returns the items whose splits are kept.
    fn kept<'i>(&self, before: &'i [Item]) -> &'i [Item] {
        if self.succession.keeps_splits(self.plan) { before } else { &[] }
    }

    fn tell_drift(&self, assigned: Assigned, printer: &Printer) {
        let (Some(split), Some(previous)) = (assigned.drifted, &self.succession.previous) else { return };
        printer.warn(&format!(
            "the {split} split is more than a quarter away from its share, because items stay where dataset {} had them; \
             another data.split.seed splits anew",
            &previous.record().hash[..12],
        ));
    }

    fn history(&self, before: &[Item], after: &[Item], assigned: Assigned) -> History {
        let previous = self.succession.previous.as_ref().map(Dataset::record);
        let pair = Pair { before, after, has_ids: self.plan.columns.id.is_some() };
        let keeps = self.succession.keeps_splits(self.plan);
        History {
            experiments: self.experiments.iter().cloned().collect(),
            generation: previous.map_or(0, |record| record.history.generation + 1),
            continues: previous.filter(|_| keeps).map(|record| record.hash.clone()),
            changes: previous.map(|record| pair.changes(&record.hash, assigned.merges)),
        }
    }
}
