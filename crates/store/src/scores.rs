//! `scores/<split>/`: what a run reached on one split.

use std::collections::{BTreeMap, HashMap};

use cliptune_experiment::{Split, TaskKind};

use crate::error::StoreError;
use crate::files::{read_json, write_json};
use crate::identity::SCORES_FORMAT;
use crate::item::Item;
use crate::parquet::{self, Table};
use crate::run::Run;
use crate::score_record::{Prediction, Scores};
use crate::staged::StagedFolder;

const PREDICTIONS: &str = "predictions.parquet";
const SCORES: &str = "scores.json";
const CHOICES: &str = "choices.json";

const PREDICTIONS_TABLE: Table = Table {
    columns: &[
        ("item_id", "VARCHAR"),
        ("id", "VARCHAR"),
        ("group", "VARCHAR"),
        ("label", "INTEGER"),
        ("predicted", "INTEGER"),
        ("correct", "BOOLEAN"),
        ("share", "DOUBLE"),
        ("rank", "DOUBLE"),
        ("label_prob", "DOUBLE"),
        ("probs", "DOUBLE[]"),
        ("logits", "DOUBLE[]"),
    ],
    order: &["group", "item_id", "id"],
};

/// Writes the scores of a split, all files or none, in place of earlier ones.
///
/// `items` are the split's: `choices.json` has a letter for every row that a deduplicated item was made of, and a list of
/// letters where several rows have the same id.
pub fn write_scores(
    run: &Run,
    scores: &Scores,
    predictions: &[Prediction],
    items: &[Item],
) -> Result<(), StoreError> {
    let staged = StagedFolder::beside(&run.scores_folder(scores.split))?;
    let folder = staged.path();
    parquet::write(&folder.join(PREDICTIONS), &PREDICTIONS_TABLE, predictions)?;
    if scores.task == TaskKind::Choice {
        write_json(&folder.join(CHOICES), &choices(predictions, items))?;
    }
    write_json(&folder.join(SCORES), scores)?;
    staged.replace()?;
    Ok(())
}

/// The scores of a split, if it was scored by this version of the procedure.
pub fn read_scores(run: &Run, split: Split) -> Result<Option<Scores>, StoreError> {
    let path = run.scores_folder(split).join(SCORES);
    if !path.is_file() {
        return Ok(None);
    }
    let scores: Scores = read_json(&path)?;
    Ok((scores.format_version == SCORES_FORMAT).then_some(scores))
}

/// The predictions of a split that was scored, ordered by group and item.
pub fn read_predictions(run: &Run, split: Split) -> Result<Vec<Prediction>, StoreError> {
    parquet::read(&run.scores_folder(split).join(PREDICTIONS), None)
}

/// What is answered to the rows of an id.
#[derive(Debug, PartialEq, serde::Serialize)]
#[serde(untagged)]
enum Letters {
    /// The letter of the only row.
    One(String),
    /// A letter for each of several rows, which an evaluator cannot tell apart.
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

/// `{id: letter}` for every row.
fn choices(predictions: &[Prediction], items: &[Item]) -> BTreeMap<String, Letters> {
    let rows: HashMap<&str, &[String]> =
        items.iter().map(|item| (item.item_id.as_str(), item.ids.as_slice())).collect();
    let mut answers = BTreeMap::<String, Letters>::new();
    for prediction in predictions {
        let own = std::slice::from_ref(&prediction.id);
        for id in rows.get(prediction.item_id.as_str()).copied().unwrap_or(own) {
            let letter = letter(prediction.predicted);
            match answers.get_mut(id) {
                Some(letters) => letters.add(letter),
                None => drop(answers.insert(id.clone(), Letters::One(letter))),
            }
        }
    }
    answers
}

/// `A` for 0. The contest's evaluator knows letters only; beyond them a number is the best there is.
fn letter(index: usize) -> String {
    match u8::try_from(index) {
        Ok(index @ 0..26) => char::from(b'A' + index).to_string(),
        _ => index.to_string(),
    }
}
