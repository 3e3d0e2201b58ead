//! The images that a command line names.

use std::path::{Path, PathBuf};

use cliptune_store::{ImageNames, StoreError, read_image};
use cliptune_terminal::format::in_one_line;

use crate::error::{ApplyError, Sought};

/// Returns the images that paths stand for, in order: each itself, those of a folder, of a glob, of an archive or of a parquet
/// file.
///
/// # Errors
/// Returns an error that names all paths where there are none.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, ApplyError> {
    let found = at_each(paths, Sought::Images, |path| Ok(ImageNames::at(path)?))?;
    Ok(found.iter().flat_map(ImageNames::paths).collect())
}

/// Returns what a function finds at each path. The paths where it finds nothing are one error.
pub(crate) fn at_each<P, F>(
    paths: &[P],
    sought: Sought,
    find: impl Fn(&P) -> Result<F, ApplyError>,
) -> Result<Vec<F>, ApplyError> {
    let (mut found, mut empty) = (Vec::with_capacity(paths.len()), Vec::new());
    for path in paths {
        match find(path) {
            Err(ApplyError::Store(StoreError::NoImages { path, .. })) => empty.push(path),
            other => found.push(other?),
        }
    }
    if empty.is_empty() { Ok(found) } else { Err(ApplyError::Nothing { sought, paths: empty }) }
}

/// Reads an image. The error is a phrase.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    match path.to_str() {
        Some(_) => read_image(path).map_err(|error| in_one_line(&error)),
        None => Err("its path is not UTF-8: rename it".to_owned()),
    }
}
