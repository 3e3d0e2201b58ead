//! The whole contest, from options to files.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use cliptune_durable::StagedFolder;
use fs_err as fs;
use rayon::prelude::*;

use crate::error::Error;
use crate::folder::{Found, look};
use crate::note::{FORMAT, Note};
use crate::plan::{Cartoon, FOLDS, Stream, plan};
use crate::questions::ask;
use crate::rows::{Row, filename, rows};
use crate::{scene, table};

/// The smallest number of cartoons in a contest: five in each fold, so that every fold has enough wrong options.
pub const MIN_CARTOONS: usize = 50;
/// The largest number of cartoons in a contest, for which the vocabulary has more than enough distinct captions.
pub const MAX_CARTOONS: usize = 10_000;

/// The options that decide which contest is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContestOptions {
    /// The number of cartoons, from [`MIN_CARTOONS`] to [`MAX_CARTOONS`].
    pub cartoons: usize,
    /// The seed. The same seed gives the same contest, byte for byte.
    pub seed: u64,
}

/// The counts of a contest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContestSummary {
    /// The number of cartoons, each of which is one image file.
    pub cartoons: usize,
    /// The number of questions; there is one for every caption.
    pub questions: usize,
    /// The number of rows in the table, six for every question.
    pub rows: usize,
    /// The number of folds, which share neither cartoons nor captions.
    pub folds: usize,
    /// Whether the contest was drawn. It is false if the same contest was there already and was left untouched.
    pub drawn: bool,
}

/// Draws the contest of `options` into the folder `dir`: `images/<contest_number>.jpeg` and `contest.parquet`.
///
/// The folder appears only when the contest is complete. `on_progress` is called from several threads with the number
/// of cartoons drawn so far and their total number.
///
/// # Errors
///
/// Fails when the options are out of range, when `dir` holds anything but this very contest, and when writing fails. It
/// never leaves part of a contest behind.
pub fn draw_contest(
    dir: &Path,
    options: &ContestOptions,
    on_progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<ContestSummary, Error> {
    let (cartoons, table) = think_up(options)?;
    let questions = cartoons.iter().map(|cartoon| cartoon.captions.len()).sum();
    let note =
        Note { format: FORMAT, cartoons: cartoons.len(), seed: options.seed, questions, rows: table.len() };
    let drawn = match look(dir, &note)? {
        Found::Same => false,
        Found::Nothing => {
            let workshop = StagedFolder::beside(dir)?;
            draw_images(&workshop.path().join("images"), &cartoons, options.seed, on_progress)?;
            table::write(&workshop.path().join("contest.parquet"), &table)?;
            note.write(workshop.path())?;
            workshop.claim()?;
            true
        }
    };
    Ok(ContestSummary { cartoons: note.cartoons, questions, rows: note.rows, folds: FOLDS, drawn })
}

/// Invents all cartoons and all rows, in the order of the contest numbers.
fn think_up(options: &ContestOptions) -> Result<(Vec<Cartoon>, Vec<Row>), Error> {
    let ContestOptions { cartoons, seed } = *options;
    if !(MIN_CARTOONS..=MAX_CARTOONS).contains(&cartoons) {
        return Err(Error::Cartoons { cartoons, fewest: MIN_CARTOONS, most: MAX_CARTOONS });
    }
    let (mut all, mut table) = (Vec::new(), Vec::new());
    for (fold, cartoons) in plan(cartoons, seed)?.into_iter().enumerate() {
        let questions = ask(fold, &cartoons, Stream::WrongOptions.random(seed, fold))?;
        table.extend(rows(&cartoons, &questions, seed));
        all.extend(cartoons);
    }
    all.sort_by_key(|cartoon| cartoon.contest_number);
    table.sort_by_key(|row| row.contest_number);
    Ok((all, table))
}

fn draw_images(
    folder: &Path,
    cartoons: &[Cartoon],
    seed: u64,
    on_progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<(), Error> {
    fs::create_dir(folder)?;
    let drawn = AtomicUsize::new(0);
    cartoons.par_iter().try_for_each(|cartoon| {
        let number = cartoon.contest_number;
        let jpeg = scene::draw(cartoon.scene, Stream::Drawing.random(seed, number))?.jpeg()?;
        fs::write(folder.join(filename(number)), jpeg)?;
        on_progress(drawn.fetch_add(1, Ordering::Relaxed) + 1, cartoons.len());
        Ok(())
    })
}
