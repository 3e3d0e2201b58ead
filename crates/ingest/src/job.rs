//! Makes the tables and the record of a dataset from its inputs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use cliptune_experiment::{DataPlan, ExperimentName, LabelReading, Task, Verify};
use cliptune_store::{
    DATASET_FORMAT, Dataset, DatasetRecord, FoundJoin, History, Inputs, ItemCounts, JoinCounts, Leaks,
    REJECTS, SourceNotes, Sources, SplitCounts, Stamp, Succession, TableHashes, write_items, write_rejects,
};
use cliptune_terminal::Printer;

use crate::database::Database;
use crate::error::IngestError;
use crate::functions::{self, Rules};
use crate::headers::{Header, Inspector};
use crate::pipeline::links::Links;
use crate::pipeline::{changes, counts, folds, images, items, outcomes, reading, rejects, votes};
use crate::split::{Assigned, Subject};

/// All the inputs that a dataset is made from.
pub(crate) struct Job<'a> {
    pub(crate) plan: &'a DataPlan,
    pub(crate) inputs: &'a Inputs,
    pub(crate) inspector: &'a Inspector<'a>,
    pub(crate) succession: &'a Succession,
    pub(crate) experiments: &'a [ExperimentName],
    pub(crate) printer: &'a Printer,
    /// The join, where the plan declares none.
    pub(crate) found: Option<FoundJoin>,
    /// Refuses inputs that are no longer what they were when they were read.
    pub(crate) refuse_changes: &'a (dyn Fn() -> Result<(), IngestError> + Sync),
}

/// What is known of a dataset once its rows have their outcomes.
struct Refused {
    join: JoinCounts,
    reasons: BTreeMap<String, u64>,
    notes: SourceNotes,
}

/// What is known of a dataset once its items have their splits.
struct Counted {
    items: ItemCounts,
    splits: BTreeMap<String, SplitCounts>,
    leaks: Leaks,
    history: History,
}

impl Job<'_> {
    /// Makes everything that belongs to the dataset, writes its tables into a folder, and returns its record.
    pub(crate) fn make(
        &self,
        database: &Database,
        rules: Rules,
        folder: &Path,
    ) -> Result<DatasetRecord, IngestError> {
        let label = self.rows(database, rules)?;
        if items::make(database, self.plan)? == 0 {
            let Refused { join, reasons, notes } = self.refused(database, label)?;
            return Err(IngestError::NoItems { join: join.into(), reasons, notes: notes.into() });
        }
        // Whatever does not need the splits is done while they are decided, and the counting while the items are written.
        let ((), assigned) = database
            .both(|database| items::gather_copies(database, self.plan), |database| self.assign(database))?;
        items::forget(database)?;
        self.tell_drift(assigned);
        let classes = self.classes(database)?;
        // Whoever has written a table first counts: few items are written before the rejects, many after them.
        let counted: OnceLock<Result<_, IngestError>> = OnceLock::new();
        let count = |database: &Database| Ok((self.counted(database, assigned)?, self.unchanged()?));
        let ((refused, rejects), items) = database.both(
            |database| {
                let refused = self.refused(database, label)?;
                let query = REJECTS.ordered(rejects::REJECTS);
                let rejects = write_rejects(folder, database.connection(), &query)?;
                counted.get_or_init(|| count(database));
                Ok((refused, rejects))
            },
            |database| {
                let items = write_items(folder, database.connection(), &items::query(self.plan))?;
                counted.get_or_init(|| count(database));
                Ok(items)
            },
        )?;
        let (counted, unchanged) = counted.into_inner().unwrap_or_else(|| count(database))?;
        // The images have been read by then, but the table may be read until the items are written.
        if self.table_stamps() != unchanged {
            return Err(IngestError::Changed);
        }
        let Refused { join, reasons, notes } = refused;
        let Counted { items: counts, splits, leaks, history } = counted;
        Ok(DatasetRecord {
            format_version: DATASET_FORMAT,
            hash: self.succession.hash.clone(),
            task: self.plan.columns.task.kind(),
            classes,
            plan: self.plan.clone(),
            sources: self.sources(),
            notes,
            join,
            rejects: reasons,
            items: counts,
            splits,
            leaks,
            history,
            tables: TableHashes { items, rejects },
        })
    }

    /// Refuses inputs that have changed since they were read, and returns the stamps that the table had before it was looked at.
    fn unchanged(&self) -> Result<Vec<Option<Stamp>>, IngestError> {
        let stamps = self.table_stamps();
        (self.refuse_changes)()?;
        Ok(stamps)
    }

    fn table_stamps(&self) -> Vec<Option<Stamp>> {
        self.inputs.table.files.iter().map(|file| Stamp::of_file(file)).collect()
    }

    /// Puts every item into a split.
    fn assign(&self, database: &Database) -> Result<Assigned, IngestError> {
        let links = Links::find(database, self.plan)?;
        let connected = links.components();
        let keeps = self.succession.keeps_splits(self.plan);
        Subject { database, plan: &self.plan.split, links: &links, connected: &connected, keeps }.assign()
    }

    /// Counts what is joined and what is refused, and why.
    fn refused(&self, database: &Database, label: Option<LabelReading>) -> Result<Refused, IngestError> {
        rejects::make(database)?;
        Ok(Refused {
            join: counts::join(database)?,
            reasons: rejects::counts(database)?,
            notes: self.notes(database, label)?,
        })
    }

    /// Counts the items and what crosses their splits, and compares them with those of the previous dataset.
    fn counted(&self, database: &Database, assigned: Assigned) -> Result<Counted, IngestError> {
        Ok(Counted {
            items: counts::items(database)?,
            splits: counts::splits(database)?,
            leaks: counts::leaks(database, self.plan, &self.inputs.images)?,
            history: self.history(database, assigned)?,
        })
    }

    /// Decides what every row becomes.
    fn rows(&self, database: &Database, mut rules: Rules) -> Result<Option<LabelReading>, IngestError> {
        let Self { plan, inputs, .. } = *self;
        if let Some(previous) = &self.succession.previous {
            votes::make_before(database, &previous.items_file())?;
        }
        let headers = self.headers();
        let inspected = |database: &Database| images::inspected(database, &inputs.images, &headers);
        match plan.columns.group {
            // Groups that a column names have nothing to do with the images.
            Some(_) => {
                database.both(|database| outcomes::number_groups(database, plan), inspected)?;
            }
            None => {
                inspected(database)?;
                outcomes::number_groups(database, plan)?;
            }
        }
        rules.reading = match &plan.columns.task {
            Task::Choice { label, .. } if rules.reading.is_none() => {
                Some(reading::decide(database, label, &rules)?)
            }
            _ => rules.reading,
        };
        functions::register_labels(database, &rules)?;
        folds::make(database, &plan.split)?;
        functions::register_images(database, &inputs.images)?;
        outcomes::make(database, plan, rules.reading)?;
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
        let folders = self.inputs.hashes.images_folders.iter();
        Sources {
            images_folders: folders.map(|folder| folder.to_string_lossy().into_owned()).collect(),
            images_hash: self.inputs.hashes.images_hash.clone(),
            table_hash: self.inputs.hashes.table_hash.clone(),
            bytes: self.inputs.bytes,
        }
    }

    /// Makes notes on how labels, files and images were read, and on the keys that matched nothing.
    fn notes(&self, database: &Database, label: Option<LabelReading>) -> Result<SourceNotes, IngestError> {
        let [unmatched_image_keys, unmatched_row_keys] = counts::unmatched_keys(database)?;
        let [rotated_images, deep_images] = counts::unexpected_images(database)?;
        Ok(SourceNotes {
            join: self.found.clone(),
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
