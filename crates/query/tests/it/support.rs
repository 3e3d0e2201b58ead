//! Ways to ask a store with a few runs.

use cliptune_query::{Query, QueryError, Runs};

pub(crate) use crate::world::World;

impl World {
    pub(crate) fn new() -> Self {
        Self::scored([[0.5, 0.375], [0.75, 0.625]])
    }

    /// Asks, and returns the rows with `|` between the values.
    pub(crate) fn ask(&self, sql: &str) -> Result<Vec<String>, QueryError> {
        let runs = Runs::open(&self.store)?;
        let answer = Query::open(&self.store, &runs, sql, None)?.answer()?;
        let rows = answer.rows().map(|row| {
            let cells: Vec<&str> = row.into_iter().map(|cell| cell.unwrap_or("NULL")).collect();
            cells.join("|")
        });
        Ok(rows.collect())
    }

    pub(crate) fn answer(&self, sql: &str) -> Vec<String> {
        self.ask(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}
