//! The runs that `ls` and `rm` are asked for, by experiment, by a condition, and by what the experiment files say now.

use std::collections::HashSet;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use cliptune_machine::confine_memory;
use cliptune_query::{Cell, Key, Listing, MEMORY, Runs};
use cliptune_store::{Run, Store};
use cliptune_terminal::{CommonArgs, Printer, did_you_mean};

use crate::error::{CliError, NameError, OptionError, RemovalError};
use crate::selection::{Selection, look, somewhere, tell, warn_of, warn_of_unreadable};

/// What is asked for.
pub(crate) struct Wanted<'a> {
    /// Experiments by name, or experiment files and folders of them.
    pub(crate) experiments: &'a [String],
    /// The condition in SQL.
    pub(crate) filter: Option<&'a str>,
    /// Whether only those runs are meant that the experiment files no longer stand for.
    pub(crate) stale: bool,
    /// Whether the runs are to go, for which it has to be known of every experiment what its file stands for.
    pub(crate) goes: bool,
}

/// The experiments that are asked for.
pub(crate) struct Named {
    /// Their names. None stands for all.
    pub(crate) names: Vec<String>,
    selection: Option<Selection>,
}

/// Reads what there is to know about all runs, and warns about what is damaged. It is kept until the command ends: to free the
/// hundreds of thousands of texts of many runs takes longer than to end.
pub(crate) fn open(store: &Store, printer: &Printer) -> Result<ManuallyDrop<Runs>, CliError> {
    let runs = Runs::open(store)?;
    for (folder, error) in runs.unreadable() {
        warn_of_unreadable(folder, error, printer);
    }
    runs.damage().iter().for_each(|error| warn_of(error, printer));
    Ok(ManuallyDrop::new(runs))
}

impl Wanted<'_> {
    /// Tells names of experiments from files.
    pub(crate) fn named(&self, common: &CommonArgs, listing: &Listing<'_>) -> Result<Named, CliError> {
        let known = listing.experiments();
        let is_name = |argument: &String| known.contains(argument);
        let (mut names, files): (Vec<String>, Vec<String>) =
            self.experiments.iter().cloned().partition(is_name);
        if let Some(lost) = files.iter().find(|file| !Path::new(file).exists()) {
            let similar = did_you_mean(lost, &known).map(str::to_owned);
            return Err(NameError::NoExperiment { name: lost.clone(), similar }.into());
        }
        let needs_files = [("--stale", self.stale), ("--set", !common.set.is_empty())];
        if let Some((option, _)) = needs_files.into_iter().find(|(_, is_given)| *is_given && files.is_empty())
        {
            return Err(OptionError::NeedsFiles { option }.into());
        }
        // What is stale of an experiment, only its file can say.
        if self.stale && !names.is_empty() {
            return Err(OptionError::NeedsFiles { option: "--stale" }.into());
        }
        if !files.is_empty() && !names.is_empty() && self.filters_by_present()? {
            return Err(OptionError::NeedsFiles { option: "--filter with `present`" }.into());
        }
        let files: Vec<PathBuf> = files.into_iter().map(PathBuf::from).collect();
        let selection = if files.is_empty() { None } else { Some(Selection::load(&files, common)?) };
        // What another experiment starts from is not meant with it.
        let of_files = selection.iter().flat_map(|selection| &selection.experiments);
        let of_files = of_files.filter(|experiment| experiment.is_named_by(&files));
        names.extend(of_files.map(|experiment| experiment.name.to_string()));
        Ok(Named { names, selection })
    }

    /// Returns the runs that the experiment files stand for, if there are files.
    pub(crate) fn present(
        &self,
        named: &Named,
        store: &Store,
        printer: &Printer,
    ) -> Result<Option<HashSet<String>>, CliError> {
        let Some(selection) = &named.selection else { return Ok(None) };
        let mut standings = look(store, &selection.experiments, printer);
        // What the listing has warned of is not said twice.
        standings.damage.clear();
        let standings = if self.stale { somewhere(standings)? } else { standings };
        tell(&standings, printer);
        let goes_by_present = self.goes && (self.stale || self.filters_by_present()?);
        if goes_by_present && !standings.unknown.is_empty() {
            return Err(RemovalError::UnknownStanding.into());
        }
        let runs = standings.known.iter().filter_map(|standing| standing.run.as_ref());
        let mut present: HashSet<String> = runs.map(Run::id).collect();
        for standing in standings.known.iter().filter(|_| self.stale || goes_by_present) {
            // `run` would go on with it.
            let unfinished = store.find_unfinished(&standing.plan.experiment, &standing.key)?;
            present.extend(unfinished.map(|run| run.id()));
        }
        Ok(Some(present))
    }

    /// Checks whether the condition is about which runs the files stand for.
    fn filters_by_present(&self) -> Result<bool, CliError> {
        Ok(self.filter.map_or(Ok(false), Listing::asks_present)?)
    }

    /// Returns the runs that are meant.
    pub(crate) fn of(&self, named: &Named, listing: &Listing<'_>) -> Result<Vec<usize>, CliError> {
        let mut runs = listing.of(&named.names);
        if self.stale {
            runs.retain(|run| listing.value(*run, &Key::Present) != Cell::Truth(true));
        }
        if let Some(filter) = self.filter {
            confine_memory(MEMORY);
            runs = listing.matching(&runs, filter)?;
        }
        Ok(runs)
    }
}
