//! SQL of a stranger, as a query and as a filter: it is refused or answered, and touches nothing.

#![no_main]

use std::sync::OnceLock;

use cliptune_fuzz::folder;
use cliptune_query::{Listing, Query, Runs};
use cliptune_store::Store;
use libfuzzer_sys::fuzz_target;

fn store() -> &'static (Store, Runs) {
    static STORE: OnceLock<(Store, Runs)> = OnceLock::new();
    STORE.get_or_init(|| {
        let store = Store::open(folder()).expect("an empty store");
        let runs = Runs::open(&store).expect("its runs");
        (store, runs)
    })
}

fn files() -> usize {
    std::fs::read_dir(folder()).map_or(0, Iterator::count)
}

fuzz_target!(|data: &[u8]| {
    let Ok(sql) = std::str::from_utf8(data) else { return };
    let (store, runs) = store();
    let before = files();
    let listing = Listing::new(runs);
    let _ = listing.matching(&[], sql);
    if let Ok(query) = Query::open(store, runs, sql, None) {
        let _ = query.answer();
    }
    assert_eq!(files(), before, "{sql}");
});
