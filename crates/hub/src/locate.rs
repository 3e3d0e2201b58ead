//! Finds a model without the network.

use std::path::Path;

use cliptune_clip::checkpoint::WEIGHTS_INDEX_FILE;

use crate::cache::CachedRepository;
use crate::commit::Commit;
use crate::error::Result;
use crate::hub::Snapshot;
use crate::id::HubId;
use crate::revision::Revision;
use crate::selection::{Selection, select};
use crate::settings::Settings;
use crate::shards::shards;

/// Returns the snapshot of a revision if it is complete.
pub(crate) fn locate(repository: &CachedRepository, revision: &Revision) -> Result<Option<Snapshot>> {
    let Some(commit) = repository.resolve(revision)? else { return Ok(None) };
    let folder = repository.snapshot(&commit);
    let has = |name: &str| folder.join(name).is_file();
    let Ok(selection) = select(&has, &[]) else { return Ok(None) };
    let is_complete = is_explained(repository, &commit, &selection) && has_shards(&folder, &selection);
    Ok(is_complete.then_some(Snapshot { folder, commit }))
}

/// Checks whether the cache that this process's environment names holds a whole model. Nothing is asked over the
/// network.
pub fn is_cached(id: &HubId) -> bool {
    let found = Settings::from_env()
        .and_then(|settings| locate(&CachedRepository::new(&settings.cache, id), &id.revision()));
    found.is_ok_and(|snapshot| snapshot.is_some())
}

/// Checks whether the repository is known not to have the files that the snapshot lacks.
fn is_explained(repository: &CachedRepository, commit: &Commit, selection: &Selection) -> bool {
    selection.missing.iter().all(|file| repository.is_known_absent(commit, file))
}

/// Checks whether every shard that the index names is there. An index that cannot be read has to be fetched again.
fn has_shards(folder: &Path, selection: &Selection) -> bool {
    if !selection.is_sharded {
        return true;
    }
    shards(&folder.join(WEIGHTS_INDEX_FILE))
        .is_ok_and(|shards| shards.iter().all(|shard| shard.below(folder).is_file()))
}
