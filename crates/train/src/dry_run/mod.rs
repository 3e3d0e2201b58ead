//! `cliptune train --dry-run`: what would be trained, how many steps it takes, and how much memory and time.
//!
//! Sizes and steps are exact, memory is an estimate from the sizes of what is kept, and time is measured: a few real
//! steps on real items, because no formula knows the machine. Nothing is written.

mod forecast;
mod groups;
mod probe;
mod text;

use std::collections::BTreeMap;

use cliptune_experiment::{Experiment, Plan};
use cliptune_store::{OnePlan, Standing, Store, standings};
use cliptune_terminal::Printer;
use serde::Serialize;
use tch::Device;

use crate::error::TrainError;
use forecast::Forecast;

/// The missing runs of one experiment that differ in their seed alone.
#[derive(Debug, Serialize)]
struct Entry {
    experiment: String,
    /// The point in the experiment's matrix.
    settings: BTreeMap<String, serde_json::Value>,
    seeds: Vec<u32>,
    #[serde(flatten)]
    outlook: Outlook,
}

/// What is known about future runs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outlook {
    /// The forecast for each of the runs.
    Forecast(Box<Forecast>),
    /// Nothing is trained: the model is taken as it is.
    AsItIs,
    /// The reason why no forecast is possible yet.
    Unknown(String),
}

/// What is asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// The only plan that is asked about, or `None` for all.
    pub(crate) only: Option<&'a OnePlan>,
    /// Whether some steps are measured.
    pub(crate) timed: bool,
    /// The number of processes that would train together.
    pub(crate) processes: usize,
    /// The number of those that would share this host.
    pub(crate) on_this_host: usize,
}

impl Asked<'_> {
    fn is_for(&self, plan: &Plan) -> bool {
        self.only.is_none_or(|only| only.experiment == plan.experiment)
    }
}

/// Prints what `cliptune train` would do.
///
/// # Errors
///
/// Returns an error when the store cannot be read. Whatever stands in the way of a single run is printed in that run's
/// place.
pub(crate) fn dry_run(
    store: &Store,
    experiments: &[Experiment],
    asked: Asked<'_>,
    device: Device,
    printer: &Printer,
) -> Result<(), TrainError> {
    let standings = standings(store, experiments, &|_, _| {})?;
    let is_missing = |standing: &&Standing| standing.run.is_none() && asked.is_for(&standing.plan);
    let mut entries: Vec<Entry> = Vec::new();
    for standing in standings.iter().filter(is_missing) {
        let plan = &standing.plan;
        let same =
            |entry: &&mut Entry| entry.experiment == plan.experiment.as_str() && entry.settings == plan.axes;
        match entries.iter_mut().find(same) {
            Some(entry) => entry.seeds.push(plan.seed.0),
            None => entries.push(Entry {
                experiment: plan.experiment.to_string(),
                settings: plan.axes.clone(),
                seeds: vec![plan.seed.0],
                outlook: outlook(standing, device, asked, printer),
            }),
        }
    }
    show(&entries, printer);
    Ok(())
}

fn outlook(standing: &Standing, device: Device, asked: Asked<'_>, printer: &Printer) -> Outlook {
    let Some(train) = &standing.plan.train else { return Outlook::AsItIs };
    match Forecast::make(standing, train, device, asked, printer) {
        Ok(forecast) => Outlook::Forecast(Box::new(forecast)),
        Err(error) => Outlook::Unknown(error.to_string()),
    }
}

fn show(entries: &[Entry], printer: &Printer) {
    if printer.is_json() {
        printer.json(&entries);
    } else if entries.is_empty() {
        printer.status("every run is fresh: nothing to train");
    } else {
        let texts: Vec<String> = entries.iter().map(text::entry).collect();
        printer.data(&texts.join("\n"));
    }
}
