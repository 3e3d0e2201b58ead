//! `scores/<split>/`: the scores that a run reached on one split.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use cliptune_durable::{StagedFolder, sweep_below};
use cliptune_experiment::{Split, TaskKind};
use fs_err as fs;
use serde::{Deserialize, Serialize};

use crate::any_run::Listed;
use crate::digests::Stamp;
use crate::error::{Damage, StoreError};
use crate::files::write_json;
use crate::identity::SCORES_FORMAT;
use crate::items::{ItemRef, ItemSlice};
use crate::looks;
use crate::parquet;
use crate::prediction::{PREDICTIONS_TABLE, Prediction};
use crate::record::{read_record, write_record};
use crate::regular::{expect_content, expect_hash, file_hash, is_absent};
use crate::run::{RECORD, Run};
use crate::score_record::Scores;

/// The folder of a run that its scores are in.
pub(crate) const FOLDER: &str = "scores";
const PREDICTIONS: &str = "predictions.parquet";
pub(crate) const SCORES: &str = "scores.json";
const CHOICES: &str = "choices.json";

/// The content of `scores.json`: the scores, and the hashes that tell whether the files beside it were written with
/// them.
#[derive(Serialize, Deserialize)]
struct Record<S> {
    #[serde(flatten)]
    scores: S,
    /// The BLAKE3 of each of the other files, by file name.
    files: BTreeMap<String, String>,
}

/// Writes the scores of a split in place of earlier ones. Either all files are written or none.
///
/// `items` are those of the split. `choices.json` has a letter for every row that a deduplicated item was made from,
/// and a list of letters where several rows have the same id.
pub fn write_scores(
    run: &Run,
    scores: &Scores,
    predictions: &[Prediction],
    items: ItemSlice<'_>,
) -> Result<(), StoreError> {
    sweep_below(run.folder());
    make_folder_of_scores(run)?;
    let staged = StagedFolder::beside(&run.scores_folder(scores.split))?;
    write_scores_into(staged.path(), scores, predictions, items)?;
    if scores.split == Split::Test {
        looks::record(run)?;
    }
    staged.replace()?;
    Ok(())
}

/// Writes the files of the scores of a split into a folder that is staged.
pub(crate) fn write_scores_into(
    folder: &Path,
    scores: &Scores,
    predictions: &[Prediction],
    items: ItemSlice<'_>,
) -> Result<(), StoreError> {
    parquet::write(&folder.join(PREDICTIONS), &PREDICTIONS_TABLE, predictions)?;
    let mut names = vec![PREDICTIONS];
    if scores.task == TaskKind::Choice {
        write_json(&folder.join(CHOICES), &choices(predictions, items))?;
        names.push(CHOICES);
    }
    let hashed = |name: &str| Ok((name.to_owned(), file_hash(&folder.join(name))?));
    let files = names.into_iter().map(hashed).collect::<Result<_, StoreError>>()?;
    write_record(&folder.join(SCORES), &Record { scores, files })
}

/// Makes the folder of all scores. That of a run which was removed does not come back for it.
fn make_folder_of_scores(run: &Run) -> Result<(), StoreError> {
    let gone = || StoreError::Gone { path: run.folder().to_path_buf() };
    if is_absent(&run.folder().join(RECORD)) {
        return Err(gone());
    }
    match fs::create_dir(run.folder().join(FOLDER)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(gone()),
        made => Ok(made?),
    }
}

/// Returns the scores of a split, if this version of the procedure has scored it.
///
/// # Errors
/// Returns an error when the record, or a file that belongs to it, is damaged or cannot be read.
pub fn read_scores(run: &impl Listed, split: Split) -> Result<Option<Scores>, StoreError> {
    let folder = run.scores_folder(split);
    steady(&folder, || read_scores_in(&folder))
}

/// Returns the path of the predictions in the folder of a split's scores after checking that they are as they were written, if
/// this version of the procedure has scored the split.
///
/// # Errors
/// Returns an error when the record, or a file that belongs to it, is damaged or cannot be read.
pub fn verified_predictions(scores: &Path) -> Result<Option<PathBuf>, StoreError> {
    Ok(steady(scores, || read_scores_in(scores))?.map(|_| scores.join(PREDICTIONS)))
}

/// Returns the content of the predictions in the folder of a split's scores, read once, after checking that all files are as they
/// were written, if this version of the procedure has scored the split.
///
/// # Errors
/// Returns an error when the record, or a file that belongs to it, is damaged or cannot be read.
pub fn verified_predictions_bytes(scores: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    steady(scores, || {
        let Some(record) = read_record_in(scores)? else { return Ok(None) };
        let mut predictions = Vec::new();
        for (name, hash) in &record.files {
            let bytes = expect_content(&scores.join(name), hash)?;
            if name == PREDICTIONS {
                predictions = bytes;
            }
        }
        Ok(Some(predictions))
    })
}

fn read_scores_in(folder: &Path) -> Result<Option<Scores>, StoreError> {
    let Some(record) = read_record_in(folder)? else { return Ok(None) };
    record.files.iter().try_for_each(|(name, hash)| expect_hash(&folder.join(name), hash))?;
    Ok(Some(record.scores))
}

/// Returns the record in the folder of a split's scores, if this version of the procedure has scored the split.
fn read_record_in(folder: &Path) -> Result<Option<Record<Scores>>, StoreError> {
    let path = folder.join(SCORES);
    if is_absent(&path) {
        return Ok(None);
    }
    match read_record(&path, SCORES_FORMAT) {
        // Those of an earlier procedure are made again.
        Err(StoreError::Version { found, .. }) if found < SCORES_FORMAT => Ok(None),
        read => read.map(Some),
    }
}

/// Returns the predictions for a split that was scored, ordered by group and item.
///
/// # Errors
/// Returns an error when there are no predictions, or when they are damaged or cannot be read.
pub fn read_predictions(run: &impl Listed, split: Split) -> Result<Vec<Prediction>, StoreError> {
    let folder = run.scores_folder(split);
    let path = folder.join(PREDICTIONS);
    steady(&folder, || match read_scores_in(&folder)? {
        Some(_) => parquet::read(&path),
        None => Err(StoreError::damaged(&path, Damage::Missing)),
    })
}

/// Reads files of a folder that another process may replace as a whole meanwhile. What was read of two folders in turn does
/// not fit together, and is read again.
fn steady<T>(folder: &Path, read: impl Fn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let mut before = Stamp::of_file(folder);
    loop {
        let result = read();
        let after = Stamp::of_file(folder);
        if result.is_ok() || after == before {
            return result;
        }
        before = after;
    }
}

/// The answers to the rows that have one id.
#[derive(Debug, PartialEq, serde::Serialize)]
#[serde(untagged)]
enum Letters {
    /// The letter of the only row.
    One(String),
    /// A letter for each of several rows, because an evaluator cannot tell the rows apart.
    Several(Vec<String>),
}

impl Letters {
    fn add(&mut self, letter: String) {
        match self {
            Self::One(first) => *self = Self::Several(vec![std::mem::take(first), letter]),
            Self::Several(letters) => letters.push(letter),
        }
    }
}

/// Returns the map `{id: letter}` for all rows.
fn choices(predictions: &[Prediction], items: ItemSlice<'_>) -> BTreeMap<String, Letters> {
    let rows: HashMap<&str, ItemRef<'_>> = items.iter().map(|item| (item.item_id(), item)).collect();
    let mut answers = BTreeMap::<String, Letters>::new();
    for prediction in predictions {
        let ids = rows
            .get(prediction.item_id.as_str())
            .map_or(vec![prediction.id.as_str()], |item| item.ids().collect());
        for id in ids {
            let letter = letter(prediction.predicted().unwrap_or_default());
            match answers.get_mut(id) {
                Some(letters) => letters.add(letter),
                None => drop(answers.insert(id.to_owned(), Letters::One(letter))),
            }
        }
    }
    answers
}

/// Returns the letter for an index, such as `A` for 0. The contest's evaluator only knows letters; beyond them, the
/// index is written as a number.
fn letter(index: usize) -> String {
    match u8::try_from(index) {
        Ok(index @ 0..26) => char::from(b'A' + index).to_string(),
        _ => index.to_string(),
    }
}
