//! Makes one dataset from its sources and puts it into the store.

use std::cell::Cell;
use std::sync::Mutex;

use cliptune_experiment::{DataPlan, ExperimentName, LabelReading, Task, Verify};
use cliptune_store::{
    DATASET_FORMAT, Dataset, DatasetRecord, History, Inputs, REJECTS, ReadFile, Reading, SourceNotes,
    Sources, Store, StoreError, Succession, TableFiles, TableHashes, Unread, write_dataset,
};
use cliptune_terminal::{Printer, Progress};

use crate::ahead::Loaded;
use crate::database::Database;
use crate::error::IngestError;
use crate::functions::{self, Rules};
use crate::headers::{Header, Inspector};
use crate::pipeline::links::Links;
use crate::pipeline::{changes, counts, folds, images, items, outcomes, reading, rejects, votes};
use crate::require;
use crate::split::{Assigned, Subject};

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
    let inspector = Inspector::new(store, plan);
    let (inputs, ahead) = read_sources(store, plan, printer, &inspector)?;
    let mut succession = store.succession(plan, &inputs, experiments)?;
    match intact(store, &succession) {
        Ok(Some(dataset)) => {
            require::check(&plan.require, dataset.record())?;
            return Ok((dataset.adopt(&inputs.images_folders, experiments)?, false));
        }
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
    let staged = store.stage_dataset(&succession.hash)?;
    let job =
        Job { plan, inputs: &inputs, inspector: &inspector, succession: &succession, experiments, printer };
    let Loaded { database, rules, .. } = Loaded::join(ahead, store, plan, &inputs)?;
    let record = job.make(&database, rules)?;
    require::check(&plan.require, &record)?;
    let rejected = REJECTS.ordered(rejects::REJECTS);
    write_dataset(staged.path(), &record, database.connection(), &items::query(plan), &rejected)?;
    // A dataset must not carry the hash of sources that it was not made from.
    let now = read_inputs(store, plan, printer, &Unread::hash, &|_| {})?;
    if now.dataset_hash(plan) != inputs.dataset_hash(plan) {
        return Err(IngestError::Changed);
    }
    // To give back all the memory takes as long as to wait for the disk.
    let path = std::thread::scope(|scope| {
        scope.spawn(move || drop(database));
        store.commit_dataset(staged, &record.hash)
    })?;
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

/// Reads the sources, the images and the table at the same time.
fn read_sources(
    store: &Store,
    plan: &DataPlan,
    printer: &Printer,
    inspector: &Inspector<'_>,
) -> Result<(Inputs, Option<Loaded>), IngestError> {
    std::thread::scope(|scope| {
        let ahead = Cell::new(None);
        let on_table = |files: &TableFiles| {
            let files = files.clone();
            ahead.set(Some(scope.spawn(move || Loaded::ahead(store, plan, &files))));
        };
        let inputs = read_inputs(store, plan, printer, &|file| inspector.read(file), &on_table)?;
        Ok((inputs, ahead.take().and_then(|loaded| loaded.join().ok().flatten())))
    })
}

/// Reads the contents of the sources, with a progress bar for each source that has to be read.
pub(crate) fn read_inputs(
    store: &Store,
    plan: &DataPlan,
    printer: &Printer,
    image: &ReadFile<'_>,
    on_table: &dyn Fn(&TableFiles),
) -> Result<Inputs, IngestError> {
    let bar: Mutex<Option<(u64, Progress)>> = Mutex::new(None);
    let on_progress = |done: u64, of: u64| {
        let Ok(mut bar) = bar.lock() else { return };
        match &*bar {
            Some((total, progress)) if *total == of => progress.set(done),
            _ => *bar = Some((of, printer.progress("ingest: reading", of, "bytes"))),
        }
    };
    Ok(store.inputs_by(plan, &Reading { image, on_table, on_progress: &on_progress })?)
}

/// All the inputs that a dataset is made from.
struct Job<'a> {
    plan: &'a DataPlan,
    inputs: &'a Inputs,
    inspector: &'a Inspector<'a>,
    succession: &'a Succession,
    experiments: &'a [ExperimentName],
    printer: &'a Printer,
}

impl Job<'_> {
    /// Makes everything that belongs to the dataset in the database, and returns its record.
    fn make(&self, database: &Database, rules: Rules) -> Result<DatasetRecord, IngestError> {
        let reading = self.rows(database, rules)?;
        let (items, join) = (items::make(database, self.plan)?, counts::join(database)?);
        let (reasons, notes) = (rejects::counts(database)?, self.notes(database, reading)?);
        if items == 0 {
            return Err(IngestError::NoItems { join: join.into(), reasons, notes: notes.into() });
        }
        let links = Links::find(database, self.plan)?;
        let connected = links.components();
        let keeps = self.succession.keeps_splits(self.plan);
        let subject =
            Subject { database, plan: &self.plan.split, links: &links, connected: &connected, keeps };
        let assigned = subject.assign()?;
        self.tell_drift(assigned);
        items::gather_copies(database, self.plan)?;
        Ok(DatasetRecord {
            format_version: DATASET_FORMAT,
            hash: self.succession.hash.clone(),
            task: self.plan.columns.task.kind(),
            classes: self.classes(database)?,
            plan: self.plan.clone(),
            sources: self.sources(),
            notes,
            join,
            rejects: reasons,
            items: counts::items(database)?,
            splits: counts::splits(database)?,
            leaks: counts::leaks(database, self.plan, &self.inputs.images)?,
            history: self.history(database, assigned)?,
            tables: TableHashes::default(),
        })
    }

    /// Decides what every row becomes.
    fn rows(&self, database: &Database, mut rules: Rules) -> Result<Option<LabelReading>, IngestError> {
        let Self { plan, inputs, .. } = *self;
        if let Some(previous) = &self.succession.previous {
            votes::make_before(database, &previous.items_file())?;
        }
        images::inspected(database, &self.headers())?;
        rules.reading = match &plan.columns.task {
            Task::Choice { label, .. } => Some(reading::decide(database, label, &rules)?),
            Task::Pairs { .. } | Task::Classes { .. } => None,
        };
        functions::register_labels(database, &rules)?;
        folds::make(database, &plan.split)?;
        functions::register_images(database, &inputs.images)?;
        outcomes::make(database, plan, rules.reading)?;
        rejects::make(database)?;
        Ok(rules.reading)
    }

    /// Returns the classes of all items, if items have one.
    fn classes(&self, database: &Database) -> Result<Vec<String>, IngestError> {
        match self.plan.columns.task {
            Task::Classes { .. } => match items::number_classes(database)?.as_slice() {
                [class] => Err(IngestError::OneClass { class: class.clone() }),
                classes => Ok(classes.to_vec()),
            },
            Task::Choice { .. } | Task::Pairs { .. } => Ok(Vec::new()),
        }
    }

    /// Inspects the images, unless the plan takes them unseen.
    fn headers(&self) -> Vec<Header> {
        if self.plan.verify == Verify::None {
            return Vec::new();
        }
        let progress = self.printer.progress("ingest: images", self.inputs.images.len() as u64, "image");
        let headers = self.inspector.headers(self.inputs, &|| progress.advance(1));
        progress.finish();
        headers
    }

    fn sources(&self) -> Sources {
        let folders = self.inputs.images_folders.iter();
        Sources {
            images_folders: folders.map(|folder| folder.to_string_lossy().into_owned()).collect(),
            images_hash: self.inputs.images_hash.clone(),
            table_hash: self.inputs.table_hash.clone(),
        }
    }

    /// Makes notes on how labels, files and images were read, and on the keys that matched nothing.
    fn notes(&self, database: &Database, label: Option<LabelReading>) -> Result<SourceNotes, IngestError> {
        let [unmatched_image_keys, unmatched_row_keys] = counts::unmatched_keys(database)?;
        let [rotated_images, deep_images] = counts::unexpected_images(database)?;
        Ok(SourceNotes {
            label,
            passed_over: self.inputs.passed_over.clone(),
            rotated_images,
            deep_images,
            reject_examples: rejects::examples(database)?,
            unmatched_image_keys,
            unmatched_row_keys,
        })
    }

    fn tell_drift(&self, assigned: Assigned) {
        let (Some(split), Some(previous)) = (assigned.drifted, &self.succession.previous) else { return };
        self.printer.warn(&format!(
            "the {split} split is more than a quarter away from its share, because items stay where dataset {} had them; \
             another data.split.seed splits anew",
            &previous.record().hash[..12],
        ));
    }

    fn history(&self, database: &Database, assigned: Assigned) -> Result<History, IngestError> {
        let previous = self.succession.previous.as_ref().map(Dataset::record);
        let keeps = self.succession.keeps_splits(self.plan);
        let changes =
            previous.map(|record| changes::find(database, &record.hash, self.plan, assigned.merges));
        Ok(History {
            experiments: self.experiments.iter().cloned().collect(),
            generation: previous.map_or(0, |record| record.history.generation + 1),
            continues: previous.filter(|_| keeps).map(|record| record.hash.clone()),
            changes: changes.transpose()?,
        })
    }
}
