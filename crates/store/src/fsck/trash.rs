//! Looks at an entry of the trash.

use std::path::Path;

use super::finding::{Finding, Mend};
use super::{datasets, runs};
use crate::any_run::AnyRun;
use crate::dataset::Dataset;
use crate::store::Store;
use crate::trash::{Kind, RECORD, Trashed, has_content};

pub(super) fn look(store: &Store, folder: &Path) -> Vec<Finding> {
    // Without content an entry means nothing, and counts as unfinished.
    if !has_content(folder) {
        return Vec::new();
    }
    match Trashed::open(folder.to_path_buf()) {
        Ok(entry) => content(&entry),
        Err(error) => {
            let finding = Finding::lost("trash", folder.join(RECORD), &error);
            let is_told = error.is_damage() && store.tells_its_place(folder);
            vec![if is_told { finding.mended_by(Mend::TrashRecord(folder.to_path_buf())) } else { finding }]
        }
    }
}

/// Looks at what was removed. Nothing of it is mended where it lies.
fn content(entry: &Trashed) -> Vec<Finding> {
    let content = entry.content();
    let found = match entry.kind() {
        Kind::Run => match AnyRun::open(content.clone()) {
            Ok(run) => runs::content(&run),
            Err(error) => vec![runs::unreadable(&content, &error)],
        },
        Kind::Dataset => match Dataset::open(content.clone()) {
            Ok(dataset) => dataset.as_ref().map(datasets::content).unwrap_or_default(),
            Err(error) => vec![Finding::remade("dataset", content.join("dataset.json"), &error)],
        },
        // Whole or not, they are compared with the run's record once they are back.
        Kind::Weights | Kind::Scores => Vec::new(),
    };
    found.into_iter().map(|finding| finding.left_alone("it lies in the trash")).collect()
}
