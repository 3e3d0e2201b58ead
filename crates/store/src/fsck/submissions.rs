//! Looks at the records of jobs that were given to Slurm.

use std::path::Path;

use super::finding::Finding;
use crate::store::Store;
use crate::submissions::read;

/// A record that cannot be read hides a job from `status`, and a run that waits in it may be submitted again, which makes nothing
/// twice.
pub(super) fn look(_: &Store, path: &Path) -> Vec<Finding> {
    let Err(error) = read(path) else { return Vec::new() };
    let follows = "`cliptune status` does not show this job of Slurm; `squeue` does";
    vec![Finding::harmless("job", path.to_path_buf(), &error).followed_by(follows)]
}
