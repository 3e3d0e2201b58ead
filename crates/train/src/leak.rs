//! What the starting weights have seen must not be tested on.

use std::collections::BTreeSet;

use cliptune_experiment::Split;
use cliptune_store::{Dataset, Origin, ResolvedBase, Standing, Store};
use cliptune_terminal::Printer;

use crate::error::TrainError;

/// Datasets whose train and validation splits the starting weights have seen, oldest first.
///
/// # Errors
///
/// When the record of a folder that was made of runs cannot be read.
pub fn lineage(base: &ResolvedBase) -> Result<Vec<String>, TrainError> {
    Ok(match base {
        ResolvedBase::Run { run: Some(run), .. } => run.seen(),
        ResolvedBase::Folder { path, .. } => {
            Origin::read(path)?.map(|origin| origin.lineage).unwrap_or_default()
        }
        _ => Vec::new(),
    })
}

/// Refuses a run whose test images (by content) were in the train or validation split of a dataset that the
/// starting weights come from: its scores would flatter it.
pub fn check(
    store: &Store,
    standing: &Standing,
    dataset: &Dataset,
    printer: &Printer,
) -> Result<(), TrainError> {
    let mut seen = BTreeSet::new();
    for hash in lineage(&standing.base)? {
        let Some(earlier) = store.dataset(&hash)? else {
            printer.warn(&format!(
                "dataset {hash} is gone: whether its images leak into the test split is unknown"
            ));
            continue;
        };
        for split in [Split::Train, Split::Validation] {
            seen.extend(earlier.image_hashes(Some(split))?);
        }
    }
    let leaked = dataset.image_hashes(Some(Split::Test))?.intersection(&seen).count();
    if leaked == 0 {
        return Ok(());
    }
    Err(TrainError::Leak { experiment: standing.plan.experiment.to_string(), leaked })
}
