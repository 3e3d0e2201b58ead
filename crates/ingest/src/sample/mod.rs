//! Looks at joined rows and at rejects without making a dataset.
//!
//! `joining` joins the sources as an ingest does, up to the rows that are asked for; `joined` picks and reads them;
//! `rejected` finds what the dataset says was left out. What they find is shown by the crate `cliptune-sample`.

mod joined;
mod joining;
mod reason;
mod rejected;
mod strict;

use std::path::{Path, PathBuf};

use cliptune_experiment::{DataPlan, Experiment, ExperimentName};
use cliptune_sample::{Request, show};
use cliptune_store::{Dataset, Extent, Inputs, Reading, Store, fetch_remote};
use cliptune_terminal::{Printer, format, silent_interrupt_flag};

use crate::command::distinct_data;
use crate::error::{IngestError, SampleError};

/// The data of an experiment with what the store has of it.
struct Subject<'a> {
    /// A folder for what does not fit into memory.
    scratch: &'a Path,
    experiment: &'a ExperimentName,
    plan: &'a DataPlan,
    inputs: Inputs,
    /// The dataset that the sources make now.
    fresh: Option<Dataset>,
    /// The dataset that it follows, or that was made of other sources.
    previous: Option<Dataset>,
}

/// Shows what is asked for of the data of an experiment.
///
/// # Errors
/// Fails when a source or the dataset cannot be read, or when the request is not one about this data.
pub(crate) fn sample(
    experiments: &[Experiment],
    store: &Store,
    request: &Request,
    is_offline: bool,
    printer: &Printer,
) -> Result<(), IngestError> {
    // What is put aside while the data is looked at, and removed in the end.
    let scratch = tempfile::Builder::new().prefix("cliptune-sample-").tempdir()?;
    let subject = Subject::of(experiments, store, scratch.path(), is_offline, printer)?;
    match request.rejects.as_deref() {
        None => show(&joined::samples(&subject, request, printer)?, request, printer),
        Some("") => rejected::list(&subject, printer)?,
        Some(asked) => show(&rejected::samples(&subject, asked, request, printer)?, request, printer),
    }
    Ok(())
}

impl<'a> Subject<'a> {
    fn of(
        experiments: &'a [Experiment],
        store: &Store,
        scratch: &'a Path,
        is_offline: bool,
        printer: &Printer,
    ) -> Result<Self, IngestError> {
        let data = distinct_data(experiments);
        let (plan, names) = match data.as_slice() {
            [first, ..] if experiments.iter().all(|one| first.1.contains(&one.name)) => first,
            _ => return Err(several(experiments)),
        };
        if data.len() > 1 {
            let count = format::counted(data.len() as u64, "dataset");
            printer.status(&format!(
                "the matrix gives {count}; this is the first, and --set fixes another point"
            ));
        }
        // All columns of a row are shown.
        fetch_remote(plan, Extent::Whole, is_offline, printer, &silent_interrupt_flag())?;
        let remembering = crate::ingest::remembering(store, scratch)?;
        let inputs = crate::ingest::read_inputs(&remembering, plan, printer, &Reading::quietly(&|_, _| {}))?;
        let succession = store.succession(plan, &inputs.hashes, names)?;
        let experiment = names.first().ok_or_else(|| several(experiments))?;
        let experiment = experiments.iter().map(|one| &one.name).find(|name| *name == experiment);
        let experiment = experiment.ok_or_else(|| several(experiments))?;
        Ok(Self {
            scratch,
            experiment,
            plan,
            inputs,
            fresh: succession.dataset,
            previous: succession.previous,
        })
    }

    /// Returns the dataset that the store has: the one of the sources as they are, or else the one before.
    fn dataset(&self) -> Option<&Dataset> {
        self.fresh.as_ref().or(self.previous.as_ref())
    }

    /// Returns the path of an image of the sources.
    fn image(&self, number: usize) -> Option<(&str, u64, PathBuf)> {
        let image = self.inputs.images.get(number)?;
        Some((&image.relative, image.size, self.inputs.path(image)))
    }
}

fn several(experiments: &[Experiment]) -> IngestError {
    let names = experiments.iter().map(|one| one.name.to_string()).collect();
    SampleError::SeveralExperiments { names }.into()
}
