//! Images, which are read and decoded while earlier ones are encoded.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use cliptune_clip::image::{Pixels, Preprocessor};
use cliptune_encode::EncodeError;
use cliptune_encode::batch::Batch;
use cliptune_encode::images::{IMAGES, batch_of};
use cliptune_encode::matrix::Matrix;
use cliptune_encode::model::Model;
use cliptune_store::Stamp;
use cliptune_terminal::format::in_one_line;
use rayon::prelude::*;

use super::Run;
use super::distinct::Seen;
use super::inputs::Images;
use super::journal::{Entry, Outcome};
use crate::error::ApplyError;
use crate::pictures::read;

/// The most images of a piece, where most of them are known or cannot be used.
const MOST: usize = 8 * IMAGES;

/// Embeds images and appends them to the journal.
pub(super) fn embed(run: &mut Run<'_>, model: &mut Model<'_>, images: &Images) -> Result<(), ApplyError> {
    let (mut paths, mut seen) = (images.paths(), Seen::default());
    let Run { journal, tally, .. } = run;
    journal.resume(|entries| {
        let mut ahead = paths.clone();
        let found: Vec<PathBuf> = ahead.by_ref().take(entries.len()).collect();
        let is_still = found.len() == entries.len() && found.par_iter().zip(entries).all(is_same);
        if is_still {
            paths = ahead;
            seen.add_all(entries);
            tally.add_kept(entries);
        }
        Ok(is_still)
    })?;
    let interrupted = run.interrupted;
    let is_running = || !interrupted.load(Ordering::Relaxed);
    let (towers, preprocessor) = model.towers();
    let pieces = Pieces { preprocessor, paths, seen }.take_while(|_| is_running());
    towers.vision.each(usize::MAX, pieces, |rows, entries| {
        let rows = normalised(rows, &entries)?;
        run.keep(entries, &rows)
    })
}

/// Checks whether an image is the one of an entry, by its path and its stamp.
fn is_same((path, entry): (&PathBuf, &Entry)) -> bool {
    path.to_string_lossy() == *entry.name && entry.stamp.is_some() && Stamp::of_image(path) == entry.stamp
}

/// Makes the rows unit vectors.
fn normalised(mut rows: Matrix, entries: &[Entry]) -> Result<Matrix, ApplyError> {
    rows.normalise().map_err(|lost| {
        let mut new = entries.iter().filter(|entry| matches!(entry.outcome, Outcome::New(_)));
        let name = new.nth(lost.row).map(|entry| entry.name.clone()).unwrap_or_default();
        ApplyError::NoDirection { name, computed: lost.computed() }
    })?;
    Ok(rows)
}

/// Images in pieces, each with a batch of those that have no vector yet.
struct Pieces<'p, I> {
    preprocessor: &'p Preprocessor,
    paths: I,
    seen: Seen,
}

impl<I: Iterator<Item = PathBuf>> Iterator for Pieces<'_, I> {
    type Item = Result<(Batch, Vec<Entry>), EncodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut entries, mut images) = (Vec::new(), Vec::new());
        while images.len() < IMAGES && entries.len() < MOST {
            let some: Vec<PathBuf> = self.paths.by_ref().take(IMAGES - images.len()).collect();
            if some.is_empty() {
                break;
            }
            self.add(some, &mut entries, &mut images);
        }
        if entries.is_empty() {
            return None;
        }
        Some(batch_of(self.preprocessor, &images).map(|batch| (batch, entries)))
    }
}

impl<I> Pieces<'_, I> {
    fn add(&mut self, paths: Vec<PathBuf>, entries: &mut Vec<Entry>, images: &mut Vec<Pixels>) {
        let Self { preprocessor, seen, .. } = self;
        let looked: Vec<Looked> = paths.par_iter().map(|path| look(preprocessor, seen, path)).collect();
        for (path, looked) in paths.into_iter().zip(looked) {
            let known = looked.content.as_ref().ok().and_then(|(hash, _)| seen.get(hash));
            let outcome = match (looked.content, known) {
                (Err(problem), _) => Outcome::Problem(problem),
                (Ok((hash, _)), Some(row)) => Outcome::Same(row, hash),
                (Ok((hash, pixels)), None) => {
                    seen.add(&hash);
                    images.extend(pixels);
                    Outcome::New(hash)
                }
            };
            entries.push(Entry { name: path.to_string_lossy().into_owned(), stamp: looked.stamp, outcome });
        }
    }
}

/// Reads an image, and decodes it unless its content has a vector.
fn look(preprocessor: &Preprocessor, seen: &Seen, path: &Path) -> Looked {
    // Asked for first: a file that changes meanwhile has another one the next time.
    let stamp = Stamp::of_image(path);
    let content = || {
        let bytes = read(path)?;
        let hash = *blake3::hash(&bytes).as_bytes();
        let pixels = match seen.get(&hash) {
            Some(_) => None,
            None => Some(preprocessor.decode(&bytes).map_err(|error| in_one_line(&error))?),
        };
        Ok((hash, pixels))
    };
    Looked { stamp, content: content() }
}

/// What was found at a path.
struct Looked {
    stamp: Option<Stamp>,
    /// The BLAKE3 of the content, and its pixels unless it is known.
    content: Result<([u8; 32], Option<Pixels>), String>,
}
