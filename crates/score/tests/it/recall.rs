//! What is remembered between calls: the verdict of the gate, and embeddings.

use std::collections::BTreeMap;
use std::path::PathBuf;

use cliptune_experiment::{Split, TaskKind};
use cliptune_onnx::{TEXT_MODEL_FILE, VISION_MODEL_FILE, proto};
use cliptune_score::error::ScoreError;
use cliptune_score::score::{Missing, Recall, score_run};
use cliptune_store::{Dataset, Prediction, Run, read_predictions, read_scores};
use cliptune_terminal::Printer;
use fs_err as fs;
use prost::Message;

use crate::RUNTIME;
use crate::fixture::Fixture;
use crate::towers::score_split;

/// A run that was trained, and what may be remembered of it.
struct Trained {
    fixture: Fixture,
    run: Run,
    dataset: Dataset,
    files: BTreeMap<String, String>,
}

impl Trained {
    fn new() -> Self {
        let fixture = Fixture::new(TaskKind::Choice);
        let (run, dataset) = fixture.train();
        Self { files: run.verify_export(&fixture.store()).unwrap(), fixture, run, dataset }
    }

    fn cache(&self) -> PathBuf {
        self.fixture.store().cache_folder()
    }

    fn score(&self, split: Split) -> Result<Vec<Prediction>, ScoreError> {
        let missing =
            Missing { splits: &[split], plan: &self.run.record().plan.score, export: None, claim: None };
        let recall = Recall { cache: &self.cache(), files: &self.files };
        score_run(&RUNTIME, &self.run, &self.dataset, missing, Some(recall), &Printer::new(true, false))?;
        Ok(read_predictions(&self.run, split)?)
    }

    /// Takes away what the graphs compute, and leaves what they say about themselves.
    fn empty_graphs(&self) {
        for file in [TEXT_MODEL_FILE, VISION_MODEL_FILE] {
            let path = self.run.onnx_folder().join(file);
            let mut model = proto::Model::decode(fs::read(&path).unwrap().as_slice()).unwrap();
            model.graph = None;
            fs::write(path, model.encode_to_vec()).unwrap();
        }
    }
}

fn logits(predictions: &[Prediction]) -> Vec<&[f64]> {
    predictions.iter().map(|prediction| prediction.chosen().unwrap().logits.as_slice()).collect()
}

#[test]
fn a_second_split_of_the_same_images_and_texts_opens_no_graph() {
    let trained = Trained::new();
    let test = trained.score(Split::Test).unwrap();
    let parity = read_scores(&trained.run, Split::Test).unwrap().unwrap().parity;
    // The validation split has the same images and texts.
    trained.empty_graphs();
    let validation = trained.score(Split::Validation).unwrap();
    assert_eq!(logits(&test), logits(&validation));
    assert_eq!(read_scores(&trained.run, Split::Validation).unwrap().unwrap().parity, parity);
}

#[test]
fn what_is_remembered_changes_no_bit() {
    let trained = Trained::new();
    score_split(&trained.run, &trained.dataset, Split::Test).unwrap();
    let anew = read_predictions(&trained.run, Split::Test).unwrap();
    for _ in 0..2 {
        assert_eq!(trained.score(Split::Test).unwrap(), anew);
    }
}

#[test]
fn without_the_cache_or_with_another_file_the_gate_is_passed_again() {
    let mut trained = Trained::new();
    trained.score(Split::Test).unwrap();
    trained.empty_graphs();
    trained.score(Split::Test).unwrap();
    let hash = trained.files.insert(format!("onnx/{VISION_MODEL_FILE}"), "another".to_owned()).unwrap();
    trained.score(Split::Test).unwrap_err();
    trained.files.insert(format!("onnx/{VISION_MODEL_FILE}"), hash);
    trained.score(Split::Test).unwrap();
    fs::remove_dir_all(trained.cache()).unwrap();
    trained.score(Split::Test).unwrap_err();
}

#[test]
fn a_damaged_cache_costs_time_and_nothing_else() {
    let trained = Trained::new();
    let before = trained.score(Split::Test).unwrap();
    for folder in ["verdicts", "embeddings"] {
        for file in fs::read_dir(trained.cache().join(folder)).unwrap() {
            let path = file.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
        }
    }
    assert_eq!(trained.score(Split::Test).unwrap(), before);
    trained.empty_graphs();
    assert_eq!(trained.score(Split::Test).unwrap(), before, "it was made again");
}
