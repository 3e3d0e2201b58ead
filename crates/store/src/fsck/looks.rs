//! Looks at what counts the looks at test splits.

use std::path::Path;

use super::finding::Finding;
use crate::looks::read;
use crate::store::Store;

/// A record that cannot be read still counts, and nothing can bring back what it said.
pub(super) fn look(_: &Store, path: &Path) -> Vec<Finding> {
    let Err(error) = read(path) else { return Vec::new() };
    let follows = "a test split was looked at, which still counts; by which run is not known any more";
    vec![Finding::harmless("look", path.to_path_buf(), &error).followed_by(follows)]
}
