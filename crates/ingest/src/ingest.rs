//! Makes one dataset from its sources and puts it into the store.

use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use cliptune_experiment::{DataPlan, ExperimentName};
use cliptune_store::{
    Claim, Dataset, Inputs, Patience, Reading, Store, StoreError, Succession, TableFiles, Work, write_dataset,
};
use cliptune_terminal::{Printer, Progress, silent_interrupt_flag};

use crate::ahead::Loaded;
use crate::command::is_asked_to_stop;
use crate::database::Database;
use crate::error::IngestError;
use crate::headers::Inspector;
use crate::job::Job;
use crate::pipeline::images;
use crate::require;

/// The database that the last dataset was made in. To give all its memory back takes as long as several statements, and a process
/// that ends has nobody to give it to.
#[derive(Default)]
pub(crate) struct Remains(Option<Database>);

impl Remains {
    fn keep(&mut self, database: Database) {
        self.0 = Some(database);
    }

    fn remove(&mut self) {
        self.0 = None;
    }

    /// Leaves the memory to the end of the process.
    pub(crate) fn leave(self) {
        self.0.into_iter().for_each(Database::leave);
    }
}

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
    ingest_over(&mut Remains::default(), store, plan, experiments, printer)
}

/// Does as [`ingest`] does, in place of what remains of the dataset before, and keeps what remains of this one.
pub(crate) fn ingest_over(
    remains: &mut Remains,
    store: &Store,
    plan: &DataPlan,
    experiments: &[ExperimentName],
    printer: &Printer,
) -> Result<(Dataset, bool), IngestError> {
    let _claim = claim(store, plan, experiments, printer)?;
    // Two databases would take twice the memory.
    remains.remove();
    let inspector = Inspector::new(store, plan);
    let (inputs, ahead) = read_sources(store, plan, printer, &inspector)?;
    let mut succession = store.succession(plan, &inputs.hashes, experiments)?;
    match intact(store, &succession) {
        Ok(Some(dataset)) => {
            require::check(&plan.require, dataset.record())?;
            return Ok((dataset.adopt(plan, &inputs.hashes.images_folders, experiments)?, false));
        }
        Ok(None) => {}
        Err(error) if error.is_damage() => {
            let hash = succession.hash.get(..12).unwrap_or_default();
            printer.status(&format!("dataset {hash} is damaged and is made again"));
            // Without the dataset that it followed, this becomes a different dataset.
            if succession.previous.is_none() {
                succession.hash = inputs.hashes.dataset_hash(plan);
            }
        }
        Err(error) => return Err(error.into()),
    }
    let staged = store.stage_dataset(&succession.hash)?;
    let Loaded { database, rules, found, .. } = Loaded::join(ahead, store, plan, &inputs)?;
    let job = Job {
        plan,
        inputs: &inputs,
        inspector: &inspector,
        succession: &succession,
        experiments,
        printer,
        found,
        refuse_changes: &|| refuse_changes(store, plan, &inputs),
    };
    let record = job.make(&database, rules, staged.path())?;
    // A statement that was stopped may have been one that is allowed to fail.
    if is_asked_to_stop() {
        return Err(IngestError::Interrupted);
    }
    require::check(&plan.require, &record)?;
    write_dataset(&staged, &record)?;
    remains.keep(database);
    let path = store.commit_dataset(staged, &record.hash)?;
    let dataset = store.dataset(&record.hash)?.ok_or(IngestError::Removed { path })?;
    Ok((dataset, true))
}

/// Waits until no other process makes the dataset. Work that needs it would have to wait for it in any case. A store
/// that nothing can be written to may have the dataset already; if it has not, writing says what is wrong.
fn claim(
    store: &Store,
    plan: &DataPlan,
    experiments: &[ExperimentName],
    printer: &Printer,
) -> Result<Option<Claim>, IngestError> {
    let names: Vec<&str> = experiments.iter().map(ExperimentName::as_str).collect();
    let patience = Patience { wait: true, interrupted: &silent_interrupt_flag(), printer };
    match store.claim(&Work::dataset(plan, &names.join(", ")), &patience) {
        Ok(None) => Err(IngestError::Interrupted),
        Err(StoreError::Io(_)) => Ok(None),
        other => Ok(other?),
    }
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

/// Refuses sources that are no longer what they were when they were read: a dataset must not carry the hash of sources
/// that it was not made from.
fn refuse_changes(store: &Store, plan: &DataPlan, inputs: &Inputs) -> Result<(), IngestError> {
    let now = store.source_hashes(plan, &|_, _| {})?;
    let is_the_same =
        [&now.images_hash, &now.table_hash] == [&inputs.hashes.images_hash, &inputs.hashes.table_hash];
    if is_the_same { Ok(()) } else { Err(IngestError::Changed) }
}

/// Reads the sources, the images and the table at the same time.
///
/// All that follows waits for the table, so that it gets a whole processor: one of the threads that read the images does
/// nothing else until it is read. It is read by a thread of its own all the same, whose memory is given back at its end, and
/// which must not ask for those threads: it could be the last of them that waits for it.
fn read_sources(
    store: &Store,
    plan: &DataPlan,
    printer: &Printer,
    inspector: &Inspector<'_>,
) -> Result<(Inputs, Option<Loaded>), IngestError> {
    let (names, ahead) = (OnceLock::new(), Mutex::new(None));
    let inputs = rayon::in_place_scope(|readers| {
        let on_table = |files: &TableFiles| {
            let (files, names, ahead) = (files.clone(), &names, &ahead);
            readers.spawn(move |_| {
                let load = || Loaded::ahead(store, plan, &files, names);
                let loaded = std::thread::scope(|scope| scope.spawn(load).join());
                *ahead.lock().unwrap_or_else(PoisonError::into_inner) = loaded.ok().flatten();
            });
        };
        let on_names = |folders: &[&[String]]| {
            let _ = images::names(folders).map(|found| names.set(found));
        };
        let image = |file| inspector.read(file);
        let quietly = Reading::quietly(&|_, _| {});
        let reading = Reading { image: &image, on_table: &on_table, on_names: &on_names, ..quietly };
        read_inputs(store, plan, printer, &reading)
    })?;
    Ok((inputs, ahead.into_inner().unwrap_or_else(PoisonError::into_inner)))
}

/// Returns a store that may remember the hashes of files. A store that is not there is not made for that.
pub(crate) fn remembering(store: &Store, scratch: &Path) -> Result<Store, StoreError> {
    if store.root().is_dir() { Ok(store.clone()) } else { Store::open(scratch) }
}

/// Reads the contents of the sources, with a progress bar for each source that has to be read in place of what `reading` does
/// to show progress.
pub(crate) fn read_inputs(
    store: &Store,
    plan: &DataPlan,
    printer: &Printer,
    reading: &Reading<'_>,
) -> Result<Inputs, IngestError> {
    let bar: Mutex<Option<(u64, Progress)>> = Mutex::new(None);
    let on_progress = |done: u64, of: u64| {
        let Ok(mut bar) = bar.lock() else { return };
        match &*bar {
            Some((total, progress)) if *total == of => progress.set(done),
            _ => *bar = Some((of, printer.progress("ingest: reading", of, "bytes"))),
        }
    };
    Ok(store.inputs_by(plan, &Reading { on_progress: &on_progress, ..*reading })?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::small::Small;

    /// What somebody does to sources meanwhile.
    type Change<'a> = &'a dyn Fn(&Small);

    #[test]
    fn sources_that_change_while_a_dataset_is_made_of_them_are_refused() {
        let printer = Printer::new(true, false);
        let changes: [(&str, Change<'_>); 4] = [
            ("a row more", &|small| small.write("table.csv", "file,text\n1.png,a text\n1.png,another\n")),
            ("another text", &|small| small.write("table.csv", "file,text\n1.png,b text\n")),
            ("another image", &|small| small.image("images/1.png", 30)),
            ("an image more", &|small| small.image("images/2.png", 7)),
        ];
        for (what, change) in changes {
            let small = Small::new("whole");
            let (store, plan) = (small.store(), small.plan());
            let (inputs, _) = read_sources(&store, &plan, &printer, &Inspector::new(&store, &plan)).unwrap();
            refuse_changes(&store, &plan, &inputs).unwrap();
            change(&small);
            let refused = refuse_changes(&store, &plan, &inputs);
            assert!(matches!(refused, Err(IngestError::Changed)), "{what}");
        }
    }

    #[test]
    fn the_table_is_read_ahead_unless_the_plan_may_have_its_dataset_already() {
        let small = Small::new("whole");
        let (store, plan, printer) = (small.store(), small.plan(), Printer::new(true, false));
        let is_ahead = || {
            let sources = read_sources(&store, &plan, &printer, &Inspector::new(&store, &plan));
            sources.unwrap().1.is_some()
        };
        assert!(is_ahead());
        let (dataset, made) = ingest(&store, &plan, &[], &printer).unwrap();
        assert!(made && !is_ahead());
        // A table that cannot be read stops nothing ahead of time: whoever needs it says what is wrong.
        fs_err::remove_dir_all(dataset.folder()).unwrap();
        small.write("table.csv", "file,text\n1.png\n");
        assert!(!is_ahead());
        assert!(matches!(ingest(&store, &plan, &[], &printer), Err(IngestError::Table { .. })));
    }
}
