//! Finds out whether the weights that runs started from have seen test images before.

use std::collections::BTreeSet;

use cliptune_experiment::Split;
use cliptune_store::{Dataset, Standing};

use crate::data::Lineage;
use crate::error::ReportError;

/// Returns what the starting weights of some plans have seen of the test split, or `None` if they have seen no dataset.
pub(super) fn lineage(plans: &[&Standing], all: &[Vec<&Standing>]) -> Result<Option<Lineage>, ReportError> {
    let runs = plans.iter().filter_map(|standing| standing.run.as_ref());
    let hashes: BTreeSet<&str> = runs.flat_map(|run| &run.record().lineage).map(String::as_str).collect();
    let own = plans.iter().find_map(|standing| standing.dataset.as_ref());
    let Some(own) = own.filter(|_| !hashes.is_empty()) else { return Ok(None) };
    let test = own.image_hashes(Some(Split::Test))?;
    let mut lineage = Lineage { datasets: hashes.len(), unknown: 0, seen_images: 0 };
    let mut seen = BTreeSet::new();
    for hash in hashes {
        match find(all, hash) {
            Some(dataset) => seen.extend(dataset.trained_on()?),
            None => lineage.unknown += 1,
        }
    }
    lineage.seen_images = test.intersection(&seen).count();
    Ok(Some(lineage))
}

fn find<'a>(all: &[Vec<&'a Standing>], hash: &str) -> Option<&'a Dataset> {
    let datasets = all.iter().flatten().filter_map(|standing| standing.dataset.as_ref());
    datasets.into_iter().find(|dataset| dataset.record().hash == hash)
}
