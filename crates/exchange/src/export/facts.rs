//! What the view `runs` says of runs, for tools that have a place for named texts.

use std::collections::HashMap;

use cliptune_query::{Cell, Key, Listing, QueryError, Runs};

/// The columns of `runs` for all runs of a store.
pub(super) struct Facts<'a> {
    listing: Listing<'a>,
    /// The numbers of the runs in the listing, by their names.
    numbers: HashMap<String, usize>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(runs: &'a Runs) -> Result<Self, QueryError> {
        let listing = Listing::new(runs);
        let name = listing.key("run")?;
        let numbers = listing.of(&[]).into_iter();
        let numbers = numbers.map(|number| (listing.value(number, &name).spelled().into_owned(), number));
        Ok(Self { numbers: numbers.collect(), listing })
    }

    /// Returns the columns that have a value for a run, each with that value as a person writes it.
    pub(super) fn about(&self, run: &str) -> Vec<(String, String)> {
        let Some(number) = self.numbers.get(run) else { return Vec::new() };
        let column = |key: Key| {
            let value = self.listing.value(*number, &key);
            (value != Cell::Null).then(|| (key.to_string(), value.spelled().into_owned()))
        };
        self.listing.columns_of_runs().filter_map(column).collect()
    }
}
