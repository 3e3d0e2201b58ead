//! What happens while the sources of a plan are read.

use crate::error::StoreError;
use crate::inputs::TableFiles;
use crate::unread::{ContentHash, Unread};

/// Reads a file and returns the hash of its content.
pub type ReadFile<'a> = dyn Fn(Unread) -> Result<ContentHash, StoreError> + Sync + 'a;

/// What is done with the sources of a plan while they are read.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// Is given the image files that are new or have changed.
    pub image: &'a ReadFile<'a>,
    /// Is told which files make up the table, as soon as these are hashed and all images are listed.
    pub on_table: &'a dyn Fn(&TableFiles),
    /// Is told the paths of the images below each folder, which are sorted, before any image is read.
    pub on_names: &'a dyn Fn(&[&[String]]),
    /// Is told how many bytes are done, and of how many. Nothing is said when there is nothing to read.
    pub on_progress: &'a (dyn Fn(u64, u64) + Sync),
}

impl<'a> Reading<'a> {
    /// Reads the files for nothing but their hashes.
    pub fn quietly(on_progress: &'a (dyn Fn(u64, u64) + Sync)) -> Self {
        Self { image: &Unread::hash, on_table: &|_| {}, on_names: &|_| {}, on_progress }
    }
}
