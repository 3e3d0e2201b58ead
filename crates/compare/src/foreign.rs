//! Predictions that somebody else made: those of another library, or the answers of a language model.
//!
//! A file has a row for each item, in parquet, as JSON lines or as CSV, with the columns `id` (or `item_id`), `group`, `label`, and
//! `predicted` or `probabilities`. `label` and `predicted` are an index from 0 or a letter. Of many classes, `candidates` may say
//! which of them the probabilities are of. Rows of other items do no harm, so that a file may hold all splits; an item without a
//! row does.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use cliptune_statistics::TiedRank;
use cliptune_store::{Answered, Chosen, ItemRef, ItemSlice, Prediction};
use fs_err as fs;

use crate::answers::Answers;
use crate::error::CompareError;
use crate::kept::Told;
use crate::row::{Name, Pick, Row, read};

/// The rows of a file of predictions.
#[derive(Debug)]
pub struct Foreign {
    path: PathBuf,
    rows: Vec<Row>,
}

impl Foreign {
    /// Reads a parquet file, which its name or its first bytes tell, a file that is called `.csv` or `.tsv`, or one of JSON lines.
    ///
    /// # Errors
    /// Returns an error when the file cannot be read, has no rows, or has a row that is none.
    pub fn read(path: &Path) -> Result<Self, CompareError> {
        let problem = |problem| CompareError::Foreign { path: path.to_path_buf(), problem };
        match fs::metadata(path) {
            Err(_) => return Err(problem("there is no such file".to_owned())),
            Ok(about) if !about.is_file() => return Err(problem("it is no regular file".to_owned())),
            Ok(_) => {}
        }
        let rows = read(path).map_err(problem)?;
        match rows.is_empty() {
            true => Err(problem("it has no rows".to_owned())),
            false => Ok(Self { path: path.to_path_buf(), rows }),
        }
    }

    /// Returns the number of rows that are about none of some items, of which all identifiers are known.
    pub fn rows_about_others(&self, items: ItemSlice<'_>) -> usize {
        let by_content: HashSet<&str> = items.iter().map(ItemRef::item_id).collect();
        let by_id: HashSet<&str> = items.iter().flat_map(ItemRef::ids).collect();
        let is_known = |row: &Row| match (&row.item_id, &row.id) {
            (Some(item_id), _) => by_content.contains(item_id.as_str()),
            (None, Some(id)) => by_id.contains(id.text().as_str()),
            (None, None) => false,
        };
        self.rows.iter().filter(|row| !is_known(row)).count()
    }

    /// Returns the answers to the items that another side answered.
    ///
    /// # Errors
    /// Returns an error when an item has no row or several, or a row says something else about an item.
    pub fn onto(&self, reference: &Answers) -> Result<Answers, CompareError> {
        self.onto_counted(reference, &|at| reference.items().get(at).and_then(count))
    }

    /// Returns the answers to the items of a split, of which everything is known. `classes` is the number of classes, where items
    /// are to be told one in place of texts of their own.
    ///
    /// # Errors
    /// Returns an error when an item has no row or several, or a row says something else about an item.
    pub fn onto_items(&self, items: ItemSlice<'_>, classes: Option<usize>) -> Result<Answers, CompareError> {
        let asked = |item: ItemRef<'_>| {
            unanswered(item.id().to_owned(), item.item_id().to_owned(), item.group().to_owned(), item.label())
        };
        let reference = Answers::alone(vec![items.iter().map(asked).collect()]);
        let texts = |at| items.get(at).map(|item| item.text_numbers().len());
        self.onto_counted(&reference, &|at| classes.or_else(|| texts(at)))
    }

    /// Returns the answers to items, given how many candidates each has, where that is known.
    fn onto_counted(
        &self,
        reference: &Answers,
        candidates: &dyn Fn(usize) -> Option<usize>,
    ) -> Result<Answers, CompareError> {
        let by_content = self.places(|row| row.item_id.clone());
        let by_id =
            self.places(|row| row.item_id.is_none().then(|| row.id.as_ref().map(Name::text)).flatten());
        let row = |item: &Prediction| by_content.get(&item.item_id).or_else(|| by_id.get(&item.id)).copied();
        let lacking: Vec<&Prediction> = reference.items().iter().filter(|item| row(item).is_none()).collect();
        if let Some(first) = lacking.first() {
            let of = reference.items().len();
            return Err(self.problem(format!(
                "{} of {of} items have no row, such as {}",
                lacking.len(),
                first.id
            )));
        }
        let answer = |(place, item): (usize, &Prediction)| match row(item) {
            Some(Some(at)) => self.answer(at, item, candidates(place)),
            _ => Err(self.problem(format!("{} has several rows", item.id))),
        };
        let answers = reference.items().iter().enumerate().map(answer).collect::<Result<Vec<_>, _>>()?;
        Ok(Answers { seeds: vec![answers], weights: reference.weights.clone() })
    }

    /// Returns the answers of a file that stands alone, whose rows are the items.
    ///
    /// # Errors
    /// Returns an error when a row lacks what an item needs, or an item has several rows.
    pub fn alone(&self) -> Result<Answers, CompareError> {
        let item = |(at, row): (usize, &Row)| {
            let name = row.item_id.clone().or_else(|| row.id.as_ref().map(Name::text));
            let name = name.ok_or_else(|| self.row_problem(at, "it has no id"))?;
            let label = row.label.as_ref().ok_or_else(|| self.row_problem(at, "it has no label"))?;
            let label =
                label.index().ok_or_else(|| self.row_problem(at, "its label is no index or letter"))?;
            let group = row.group.as_ref().map_or_else(|| name.clone(), Name::text);
            Ok(unanswered(row.id.as_ref().map_or_else(|| name.clone(), Name::text), name, group, label))
        };
        let mut items = self.rows.iter().enumerate().map(item).collect::<Result<Vec<_>, CompareError>>()?;
        items.sort_by(|a, b| (&a.group, &a.item_id).cmp(&(&b.group, &b.item_id)));
        self.onto(&Answers::alone(vec![items]))
    }

    /// Returns the rows by a name; `None` where several have it, which matters only if it is that of an item.
    fn places(&self, name: impl Fn(&Row) -> Option<String>) -> HashMap<String, Option<usize>> {
        let mut places = HashMap::new();
        for (at, row) in self.rows.iter().enumerate() {
            if let Some(name) = name(row) {
                places.entry(name).and_modify(|place| *place = None).or_insert(Some(at));
            }
        }
        places
    }

    /// Returns the answer of a row to an item, which has so many candidates.
    fn answer(
        &self,
        at: usize,
        item: &Prediction,
        candidates: Option<usize>,
    ) -> Result<Prediction, CompareError> {
        let row = &self.rows[at];
        let Some(of) = item.chosen() else {
            return Err(self.row_problem(at, &format!("{} is a pair, to which there is no answer", item.id)));
        };
        let index = |pick: &Option<Pick>, name: &str| match pick.as_ref().map(Pick::index) {
            None => Ok(None),
            Some(Some(index)) => Ok(Some(index)),
            Some(None) => Err(self.row_problem(at, &format!("its {name} is no index or letter"))),
        };
        if index(&row.label, "label")?.is_some_and(|label| label != of.label) {
            return Err(self.row_problem(at, &format!("another answer to {} is right", item.id)));
        }
        if row.group.as_ref().is_some_and(|group| group.text() != item.group) {
            return Err(self.row_problem(at, &format!("{} is of the group {}", item.id, item.group)));
        }
        let told = row.probabilities.as_deref().map(|probs| {
            let told = Told::of(row.candidates.as_deref(), probs, of.label, candidates);
            let expected = candidates.filter(|_| row.candidates.is_none());
            told.ok_or_else(|| self.row_problem(at, &no_probabilities(probs, expected)))
        });
        let told = told.transpose()?;
        let predicted = index(&row.predicted, "prediction")?;
        let all = if let Some(Told::All(all)) = &told { Some(all.len()) } else { None };
        let candidates = candidates.or(all);
        if let (Some(predicted), Some(candidates)) = (predicted, candidates)
            && predicted >= candidates
        {
            let problem = format!(
                "it predicts {predicted}, counted from 0, and {} has {candidates} candidates",
                item.id
            );
            return Err(self.row_problem(at, &problem));
        }
        match told {
            None if predicted.is_none() => {
                Err(self.row_problem(at, "it has neither predicted nor probabilities"))
            }
            None => Ok(answered(item, of.label, predicted, &[])),
            Some(Told::All(all)) => Ok(answered(item, of.label, predicted, &all)),
            Some(Told::Likeliest(some)) => Ok(some.answer(bare(item, of.label), of.label, predicted)),
        }
    }

    fn row_problem(&self, at: usize, problem: &str) -> CompareError {
        self.problem(format!("row {}: {problem}", at + 1))
    }

    fn problem(&self, problem: String) -> CompareError {
        CompareError::Foreign { path: self.path.clone(), problem }
    }
}

/// Says that numbers are not the probabilities of so many candidates, if it is known how many.
fn no_probabilities(probs: &[f64], candidates: Option<usize>) -> String {
    const FEW: usize = 6;
    let said = "its probabilities are not those of the candidates";
    let Some(candidates) = candidates else { return said.to_owned() };
    let few: Vec<String> = probs.iter().take(FEW).map(f64::to_string).collect();
    let more = if probs.len() > FEW { ", …" } else { "" };
    format!("{said}, {candidates} that sum to one: it has [{}{more}]", few.join(", "))
}

/// Returns how many candidates an item has, where it tells: of many classes only the likeliest are kept, and an item of a file that
/// stands alone tells nothing.
fn count(item: &Prediction) -> Option<usize> {
    match &item.answered {
        Answered::Choice(chosen) if !chosen.candidates.is_empty() => Some(chosen.candidates.len()),
        _ => None,
    }
}

/// Returns an item without an answer.
fn unanswered(id: String, item_id: String, group: String, label: usize) -> Prediction {
    Prediction {
        item_id,
        id,
        group,
        correct: false,
        share: 0.0,
        rank: f64::NAN,
        label_prob: f64::NAN,
        answered: Answered::Choice(Chosen {
            label,
            predicted: 0,
            candidates: Vec::new(),
            probs: Vec::new(),
            logits: Vec::new(),
        }),
    }
}

/// Returns an item without its answer.
fn bare(item: &Prediction, label: usize) -> Prediction {
    unanswered(item.id.clone(), item.item_id.clone(), item.group.clone(), label)
}

/// Returns an item with an answer: a named candidate, or else the most probable one.
fn answered(item: &Prediction, label: usize, predicted: Option<usize>, probabilities: &[f64]) -> Prediction {
    let bare = bare(item, label);
    let rank = TiedRank::new(probabilities, std::iter::once(label).filter(|_| !probabilities.is_empty()));
    let highest = probabilities.iter().copied().fold(0.0, f64::max);
    let likeliest = probabilities.iter().position(|one| *one == highest).unwrap_or_default();
    // Who names the first of several that are equally probable has named what comes first in its list, and the tie is shared as ever.
    let named = predicted.filter(|&predicted| probabilities.is_empty() || predicted != likeliest);
    let share = named.map_or(rank.within(1), |named| f64::from(u8::from(named == label)));
    let chosen = Chosen {
        label,
        predicted: predicted.unwrap_or(likeliest),
        candidates: (0..probabilities.len()).collect(),
        probs: probabilities.to_vec(),
        logits: probabilities.iter().map(|one| one.ln()).collect(),
    };
    let (correct, answered) = (share == 1.0, Answered::Choice(chosen));
    match probabilities {
        [] => Prediction { share, correct, answered, ..bare },
        _ => {
            let (rank, label_prob) = (rank.rank(), probabilities[label]);
            Prediction { share, correct, rank, label_prob, answered, ..bare }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::tests::answers;

    /// Reads lines in place of a file.
    fn foreign(lines: &[&str]) -> Foreign {
        let rows = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        Foreign { path: PathBuf::from("theirs.jsonl"), rows }
    }

    fn problem(result: Result<Answers, CompareError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn letters_numbers_and_probabilities_are_answers() {
        let ours = answers(&[1.0; 3], |item| item);
        let theirs = foreign(&[
            r#"{"id": "q1", "predicted": "A", "comment": "no column of ours"}"#,
            r#"{"id": "q0", "group": 0, "label": "a", "predicted": 1}"#,
            r#"{"item_id": "0000000000000002", "probs": [0.75, 0.25]}"#,
            r#"{"id": "q7", "predicted": "E"}"#,
        ]);
        let found = theirs.onto(&ours).unwrap();
        assert_eq!(found.right(), [[0.0, 1.0, 1.0]]);
        let third = &found.items()[2];
        assert_eq!((third.label_prob, third.rank, third.predicted()), (0.75, 1.0, Some(0)));
        assert!(found.items()[0].label_prob.is_nan());
        ours.expect_same_items(&found).unwrap();
    }

    #[test]
    fn a_column_of_candidates_may_hold_their_texts() {
        let row = r#"{"id": "q0", "candidates": ["a cat", "a dog"], "probs": [0.75, 0.25]}"#;
        let found = foreign(&[row]).onto(&answers(&[1.0], |item| item)).unwrap();
        assert_eq!(found.items()[0].label_prob, 0.75);
    }

    #[test]
    fn a_tie_is_shared_whoever_names_the_first_of_its_candidates() {
        let share = |answer: &str| {
            let row = format!(r#"{{"id": "q0", "probs": [0.5, 0.5], {answer} "label": 0}}"#);
            foreign(&[&row]).onto(&answers(&[1.0], |item| item)).unwrap().items()[0].share
        };
        assert_eq!([share(""), share(r#""predicted": 0,"#), share(r#""predicted": 1,"#)], [0.5, 0.5, 0.0]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let ours = answers(&[1.0; 2], |item| item);
        let with = |second: &str| problem(foreign(&[r#"{"id": "q0", "predicted": 0}"#, second]).onto(&ours));
        assert!(with(r#"{"id": "q5", "predicted": 0}"#).contains("1 of 2 items have no row, such as q1"));
        assert!(
            with(r#"{"id": "q1", "label": 3, "predicted": 0}"#).contains("another answer to q1 is right")
        );
        assert!(with(r#"{"id": "q1", "group": "g", "predicted": 0}"#).contains("q1 is of the group 1"));
        assert!(with(r#"{"id": "q1", "predicted": "none"}"#).contains("row 2: its prediction is no index"));
        assert!(with(r#"{"id": "q1"}"#).contains("neither predicted nor probabilities"));
        assert!(with(r#"{"id": "q1", "probabilities": [0.9, 0.9]}"#).contains("not those of the candidates"));
        let several = foreign(&[r#"{"id": "q0", "predicted": 1}"#, r#"{"id": "q0", "predicted": 1}"#]);
        assert!(problem(several.onto(&answers(&[1.0], |item| item))).contains("q0 has several rows"));
    }

    #[test]
    fn an_answer_is_one_of_the_candidates() {
        // Two candidates each.
        let ours = answers(&[1.0; 2], |item| item);
        let with = |second: &str| foreign(&[r#"{"id": "q0", "predicted": 0}"#, second]).onto(&ours);
        for beyond in ["2", "99999", r#""Z""#, r#""2""#, "1e15"] {
            let said = problem(with(&format!(r#"{{"id": "q1", "predicted": {beyond}}}"#)));
            assert!(said.contains("counted from 0, and q1 has 2 candidates"), "{beyond}: {said}");
        }
        for none in ["-1", "0.5", "1e300", r#""-1""#, r#""0.5""#, r#""""#, r#""NaN""#] {
            let said = problem(with(&format!(r#"{{"id": "q1", "predicted": {none}}}"#)));
            assert!(said.contains("its prediction is no index or letter"), "{none}: {said}");
        }
        for more in ["[0.5, 0.25, 0.25]", "[1.0]", "[]"] {
            let said = problem(with(&format!(r#"{{"id": "q1", "probabilities": {more}}}"#)));
            assert!(said.contains("not those of the candidates, 2 that sum to one"), "{more}: {said}");
        }
        for second in ["1", "1.0", r#""1""#, r#""b""#, r#""1.0""#] {
            let found = with(&format!(r#"{{"id": "q1", "predicted": {second}}}"#)).unwrap();
            assert_eq!(found.items()[1].predicted(), Some(1), "{second}");
        }
        let alone = foreign(&[r#"{"id": 1, "label": 0, "predicted": 3, "probs": [0.5, 0.5]}"#]).alone();
        assert!(problem(alone).contains("it predicts 3"));
    }

    #[test]
    fn a_file_is_told_what_is_wrong_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let read = |content: &str| {
            let path = folder.path().join("theirs.jsonl");
            fs::write(&path, content).unwrap();
            Foreign::read(&path).map(|foreign| foreign.rows.len())
        };
        assert_eq!(read("\u{feff}{\"id\": 1, \"predicted\": \"A\"}\r\n\r\n").unwrap(), 1);
        let said = |content: &str| read(content).unwrap_err().to_string();
        assert!(said("").ends_with("it has no rows"), "{}", said(""));
        let list = said(r#"{"id": 1, "predicted": [1]}"#);
        assert!(list.contains("row 1: a candidate is an index from 0 or a letter"), "{list}");
        let name = said(r#"{"id": {}, "predicted": 1}"#);
        assert!(name.contains("row 1: a name is a text or a number"), "{name}");
        let of = |path: &Path| Foreign::read(path).unwrap_err().to_string();
        assert!(of(folder.path()).ends_with("it is no regular file"));
        assert!(of(&folder.path().join("none.parquet")).ends_with("there is no such file"));
    }

    #[test]
    fn two_files_have_items_of_their_own() {
        let lines =
            [r#"{"id": 2, "label": 1, "predicted": 1}"#, r#"{"id": 1, "label": "C", "predicted": "B"}"#];
        let found = foreign(&lines).alone().unwrap();
        let said: Vec<_> =
            found.items().iter().map(|one| (one.id.as_str(), one.label(), one.share)).collect();
        assert_eq!(said, [("1", Some(2), 0.0), ("2", Some(1), 1.0)]);
        assert!(
            problem(foreign(&[r#"{"id": 2, "predicted": 1}"#]).alone()).contains("row 1: it has no label")
        );
    }
}
