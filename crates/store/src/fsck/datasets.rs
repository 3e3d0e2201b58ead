//! Looks at the folder of a dataset.

use std::path::Path;

use super::finding::Finding;
use crate::dataset::Dataset;
use crate::error::{Damage, StoreError};
use crate::regular::is_absent;
use crate::store::Store;

const KIND: &str = "dataset";

/// Looks at a dataset in its place in the store.
pub(super) fn look(store: &Store, folder: &Path) -> Vec<Finding> {
    let record = folder.join("dataset.json");
    let dataset = match Dataset::open(folder.to_path_buf()) {
        Ok(Some(dataset)) => dataset,
        // It was removed a moment ago.
        Ok(None) if is_absent(folder) => return Vec::new(),
        Ok(None) => {
            let error = StoreError::damaged(&record, Damage::Missing);
            return vec![Finding::remade(KIND, record, &error)];
        }
        Err(error) => return vec![Finding::remade(KIND, record, &error)],
    };
    let hash = dataset.record().hash.clone();
    let error = StoreError::damaged(&record, Damage::Foreign(format!("dataset {hash}")));
    let foreign = (store.dataset_folder(&hash) != folder).then(|| {
        Finding::harmless(KIND, record, &error)
            .followed_by("the folder was copied or renamed; `cliptune run` makes whatever dataset is missing")
    });
    foreign.into_iter().chain(content(&dataset)).collect()
}

/// Looks at the tables of a dataset, wherever it lies.
pub(super) fn content(dataset: &Dataset) -> Vec<Finding> {
    let errors = dataset.verify_each();
    let finding = |error: &StoreError| {
        let path = error.file().unwrap_or(dataset.folder()).to_path_buf();
        Finding::remade(KIND, path, error)
    };
    errors.iter().map(finding).collect()
}
