//! What `run` and `plan` begin with: the experiments that are named, the store, and how far everything has come.

use std::path::PathBuf;

use cliptune_experiment::DataPlan;
use cliptune_store::{Extent, Standings, Store, fetch_remote, is_remote};
use cliptune_terminal::{CommonArgs, Diagnostic as _, Exit, Printer};

use crate::error::CliError;
use crate::pipeline::steps::Ground;
use crate::selection::{Selection, look, somewhere, tell, warn_of};
use crate::signals;

/// The experiments that a command line names, with the store that they are looked for in.
pub(crate) struct Survey<'a> {
    common: &'a CommonArgs,
    printer: &'a Printer,
    paths: &'a [PathBuf],
    pub(crate) selection: Selection,
    pub(crate) store: Store,
}

impl<'a> Survey<'a> {
    /// Loads the experiments, and opens the store.
    pub(crate) fn load(
        paths: &'a [PathBuf],
        common: &'a CommonArgs,
        printer: &'a Printer,
    ) -> Result<Self, CliError> {
        let selection = Selection::load(paths, common)?;
        Ok(Self { common, printer, paths, selection, store: Store::open(&common.store)? })
    }

    /// Determines the standing of everything, and tells what is wrong with it. `None` where the user asked to stop.
    pub(crate) fn look(&self) -> Result<Option<Standings>, CliError> {
        if !self.fetch() {
            return Ok(None);
        }
        let standings = somewhere(look(&self.store, &self.selection.experiments, self.printer))?;
        tell(&standings, self.printer);
        Ok(Some(standings))
    }

    /// Returns what the steps are made from that lead from these standings to fresh runs.
    pub(crate) fn ground<'s>(&'s self, standings: &'s Standings) -> Ground<'s> {
        Ground {
            common: self.common,
            printer: self.printer,
            paths: self.paths,
            selection: &self.selection,
            store: &self.store,
            standings,
        }
    }

    /// Brings data that lies elsewhere into the cache, so that a change there shows in the standings. Returns false if the
    /// user asked to stop. What cannot be fetched is told, and the cache stands in for it.
    fn fetch(&self) -> bool {
        let mut fetched: Vec<&DataPlan> = Vec::new();
        for plan in self.selection.experiments.iter().flat_map(|experiment| &experiment.plans) {
            if fetched.contains(&&plan.data) || !is_remote(&plan.data) {
                continue;
            }
            fetched.push(&plan.data);
            let is_offline = self.common.offline;
            match fetch_remote(&plan.data, Extent::Needed, is_offline, self.printer, &signals::catch()) {
                Err(error) if error.exit() == Exit::Interrupted => return false,
                Err(error) => warn_of(&error, self.printer),
                Ok(()) => {}
            }
        }
        true
    }
}
