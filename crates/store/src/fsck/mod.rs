//! Looks at everything in a store: whether each record and each file with a hash is as it was written.
//!
//! Looking changes nothing. What was found can be mended where everything that is needed for that is there and whole; nothing
//! else is touched.

mod caches;
mod datasets;
mod finding;
mod folders;
mod looks;
mod runs;
mod submissions;
mod trash;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use serde::Serialize;

pub use finding::{Finding, Severity};

use crate::error::{Damage, StoreError};
use crate::store::{Store, subfolders};

/// What was looked at, and what was found.
#[derive(Debug, Default, Serialize)]
pub struct Checked {
    /// The number of folders that are runs, or should be.
    pub runs: usize,
    /// The number of folders that are datasets, or should be.
    pub datasets: usize,
    /// The number of entries of the trash.
    pub trash: usize,
    /// The number of reports.
    pub reports: usize,
    /// The number of bytes of all that was looked at, the cache included.
    pub bytes: u64,
    /// What is not as it should be, each file once.
    pub findings: Vec<Finding>,
}

/// One thing to look at: a folder or a file, and the function that does it.
struct Subject {
    path: PathBuf,
    look: fn(&Store, &Path) -> Vec<Finding>,
}

/// Looks at everything in a store. Progress is in bytes (done, total).
///
/// # Errors
///
/// Returns an error when a folder of the store cannot be listed.
pub fn fsck(store: &Store, on_progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Checked, StoreError> {
    let with = |folders: Vec<PathBuf>, look| folders.into_iter().map(move |path| Subject { path, look });
    let (runs, datasets) = (store.run_folders()?, subfolders(&store.datasets_folder())?);
    let (entries, reports) = (subfolders(&store.trash_folder())?, subfolders(&store.root().join("reports"))?);
    let counts = [runs.len(), datasets.len(), entries.len(), reports.len()];
    let mut subjects: Vec<Subject> = with(datasets, datasets::look as fn(&Store, &Path) -> _)
        .chain(with(runs, runs::look))
        .chain(with(entries, trash::look))
        .chain(with(reports, report))
        .collect();
    subjects.extend(with(caches::files(store), caches::look));
    subjects.extend(with(crate::looks::files(store)?, looks::look));
    subjects.extend(with(crate::submissions::files(store)?, submissions::look));
    let sizes: Vec<u64> = subjects.par_iter().map(|subject| walk::size(&subject.path)).collect();
    let (total, done) = (sizes.iter().sum(), AtomicU64::new(0));
    let looked = subjects.par_iter().zip(&sizes).map(|(subject, size)| {
        let found = (subject.look)(store, &subject.path);
        on_progress(done.fetch_add(*size, Ordering::Relaxed) + size, total);
        found
    });
    let mut findings: Vec<Finding> = looked.collect::<Vec<_>>().concat();
    findings.extend(folders::look(store)?);
    findings.extend(store.leftovers()?.into_iter().map(Finding::leftover));
    let [runs, datasets, trash, reports] = counts;
    Ok(Checked { runs, datasets, trash, reports, bytes: total, findings })
}

/// A report says nothing that its runs do not: it only has to be readable for `rm` to name it.
fn report(_: &Store, folder: &Path) -> Vec<Finding> {
    let path = folder.join("report.json");
    match crate::files::read_json::<serde_json::Value>(&path) {
        Ok(_) => Vec::new(),
        Err(error) => {
            let follows = match &error {
                // A report replaces nothing that no report wrote.
                StoreError::Damaged { source: Damage::NotAFile, .. } => {
                    "move it away: no report wrote it, and `cliptune report` makes the file again once it is gone"
                }
                _ => "`cliptune report` makes it again",
            };
            vec![Finding::remade("report", path, &error).followed_by(follows)]
        }
    }
}
