//! The runs that a query names.

use std::collections::BTreeSet;

use cliptune_machine::confine_memory;
use cliptune_query::{MEMORY, Query, Runs};
use cliptune_store::{Run, Standing, Store};

use crate::error::ReportError;

/// What the rows of an answer name.
enum Named {
    Runs(BTreeSet<String>),
    Experiments(BTreeSet<String>),
}

/// The runs that a report is about.
pub(crate) struct Selected(Option<Named>);

impl Selected {
    /// Returns the runs that a query over the store names, in a column `run` or `experiment`; without a query, all.
    ///
    /// # Errors
    /// Returns an error when the query is none, cannot be answered, or has neither column.
    pub(crate) fn of(store: &Store, select: Option<&str>) -> Result<Self, ReportError> {
        let Some(sql) = select else { return Ok(Self(None)) };
        let runs = Runs::open(store)?;
        confine_memory(MEMORY);
        let answer = Query::open(store, &runs, sql, None)?.answer()?;
        let column =
            |name: &str| answer.columns().iter().position(|column| column.eq_ignore_ascii_case(name));
        let values = |at: usize| {
            answer.rows().filter_map(|row| row.get(at).copied().flatten().map(str::to_owned)).collect()
        };
        match (column("run"), column("experiment")) {
            (Some(at), _) => Ok(Self(Some(Named::Runs(values(at))))),
            (None, Some(at)) => Ok(Self(Some(Named::Experiments(values(at))))),
            (None, None) => Err(ReportError::NamesNoRuns),
        }
    }

    /// Keeps what was selected.
    ///
    /// # Errors
    /// Returns an error when nothing is left of something.
    pub(crate) fn keep(&self, standings: &mut Vec<Standing>) -> Result<(), ReportError> {
        let had_some = !standings.is_empty();
        standings.retain(|standing| match &self.0 {
            None => true,
            Some(Named::Experiments(names)) => names.contains(standing.plan.experiment.as_str()),
            Some(Named::Runs(runs)) => {
                standing.run.as_ref().map(Run::id).is_some_and(|run| runs.contains(&run))
            }
        });
        if had_some && standings.is_empty() { Err(ReportError::NothingSelected) } else { Ok(()) }
    }
}
