//! The runs that a run was made from.

use cliptune_store::{Base, Run, Store};

/// Returns the runs that a run started from, the nearest first, as far as they are in the store, each of another experiment.
pub(super) fn ancestors(store: &Store, run: &Run) -> Vec<Run> {
    let before = |run: &Run| match &run.record().base {
        Base::Run { run, .. } => store.run_in(&store.root().join(run)).ok(),
        _ => None,
    };
    let mut ancestors: Vec<Run> = Vec::new();
    let mut next = before(run);
    while let Some(ancestor) = next {
        let is_same = |other: &Run| other.record().experiment == ancestor.record().experiment;
        // Records that somebody has changed may lead in a circle.
        if is_same(run) || ancestors.iter().any(is_same) {
            break;
        }
        next = before(&ancestor);
        ancestors.push(ancestor);
    }
    ancestors
}
