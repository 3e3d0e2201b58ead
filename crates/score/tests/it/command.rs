//! The command from YAML to files.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use cliptune_experiment::{Control, Split, TaskKind};
use cliptune_store::{Item, Scores, read_predictions, read_scores};
use fs_err as fs;
use serde_json::Value;

use crate::fixture::{Fixture, WORDS};

pub(crate) fn score(fixture: &Fixture, flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cliptune-score"))
        .arg(fixture.experiment())
        .arg("--store")
        .arg(fixture.path("runs"))
        .args(flags)
        .output()
        .unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn choices_are_scored_as_by_hand() {
    let fixture = Fixture::new(TaskKind::Choice);
    let (run, _) = fixture.train();
    let output = score(&fixture, &["--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let predictions = read_predictions(&run, Split::Test).unwrap();
    assert_eq!(predictions.len(), 12);
    let mut right = 0;
    for item in &fixture.items {
        let prediction = predictions.iter().find(|prediction| prediction.item_id == item.item_id).unwrap();
        let logits = fixture.logits(item);
        for (found, expected) in prediction.chosen().unwrap().logits.iter().zip(&logits) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
        let total: f64 = logits.iter().map(|logit| logit.exp()).sum();
        assert!((prediction.label_prob - logits[item.label].exp() / total).abs() < 1e-4);
        right += usize::from(logits.iter().all(|logit| *logit <= logits[item.label]));
    }
    let scores = read_scores(&run, Split::Test).unwrap().unwrap();
    assert_eq!((scores.n_items, scores.n_groups, scores.logit_scale), (12, 4, 10.0));
    assert!((scores.chance - 1.0 / 3.0).abs() < 1e-12);
    assert_eq!(scores.metrics.get("accuracy").unwrap().value, right as f64 / 12.0);
    let parity = scores.parity.unwrap();
    assert_eq!((parity.n_items, parity.answers_agree), (3, 3));
    assert!(parity.max_logit_difference < 1e-4);
    let choices: Value =
        serde_json::from_slice(&fs::read(run.scores_folder(Split::Test).join("choices.json")).unwrap())
            .unwrap();
    assert!(["A", "B", "C"].contains(&choices["row5"].as_str().unwrap()));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed[0]["run"], run.id());
    assert_eq!(printed[0]["metrics"]["accuracy"]["value"], right as f64 / 12.0);
}

#[test]
fn classes_are_scored_as_by_hand() {
    let fixture = Fixture::new(TaskKind::Classes);
    let (run, _) = fixture.train();
    let output = score(&fixture, &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let predictions = read_predictions(&run, Split::Test).unwrap();
    let (mut right, mut within) = (0, 0);
    for item in &fixture.items {
        let prediction = predictions.iter().find(|prediction| prediction.item_id == item.item_id).unwrap();
        let logits = WORDS.map(|class| fixture.class_logit(item, class));
        let chosen = prediction.chosen().unwrap();
        for (&class, found) in chosen.candidates.iter().zip(&chosen.logits) {
            assert!((found - logits[class]).abs() < 1e-4, "{found} {}", logits[class]);
        }
        let total: f64 = logits.iter().map(|logit| logit.exp()).sum();
        assert!((prediction.label_prob - logits[item.label].exp() / total).abs() < 1e-4);
        let above = logits.iter().filter(|logit| **logit > logits[item.label]).count();
        right += usize::from(above == 0);
        within += usize::from(above < 5);
    }
    let scores = read_scores(&run, Split::Test).unwrap().unwrap();
    let value = |metric: &str| scores.metrics.get(metric).unwrap().value;
    assert_eq!(value("accuracy"), right as f64 / 12.0);
    assert!((value("top5_accuracy") - within as f64 / 12.0).abs() < 1e-12);
    // The labels are n² mod 5 for n from 0 to 11: three times 0, five times 1, four times 4, and never another word.
    assert_eq!((scores.chance, scores.majority), (1.0 / 6.0, 5.0 / 12.0));
    let classes = scores.classes.unwrap().classes;
    let items: Vec<usize> = classes.iter().map(|class| class.n_items).collect();
    assert_eq!(items, [3, 5, 0, 0, 4, 0]);
    assert!(classes.iter().all(|class| class.accuracy.is_some() == (class.n_items > 0)));
    assert!(!run.scores_folder(Split::Test).join("choices.json").exists(), "a class is no letter");
}

#[test]
fn pairs_are_ranked_as_by_hand() {
    let fixture = Fixture::new(TaskKind::Pairs);
    let (run, _) = fixture.train();
    let output = score(&fixture, &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("test: image_to_text_recall@1 "), "{}", stderr(&output));
    let predictions = read_predictions(&run, Split::Test).unwrap();
    for item in &fixture.items {
        // Texts of the same tokens are one candidate; by hand they have the same logit, to the last bit.
        let logits = |group: Option<&str>| -> BTreeSet<u64> {
            let items = fixture.items.iter().filter(|other| group.is_none_or(|group| other.group == group));
            items.map(|other| fixture.logit(item, &other.texts[0]).to_bits()).collect()
        };
        let (all, own) = (logits(None), logits(Some(&item.group)));
        let best = own.iter().map(|&bits| f64::from_bits(bits)).fold(f64::MIN, f64::max);
        let rank = all.difference(&own).filter(|&&bits| f64::from_bits(bits) > best).count();
        let prediction = predictions.iter().find(|prediction| prediction.item_id == item.item_id).unwrap();
        assert_eq!(prediction.correct, rank == 0, "{}", item.item_id);
        assert_eq!((prediction.rank, prediction.share), ((rank + 1) as f64, f64::from(u8::from(rank == 0))));
        let total: f64 = all.iter().map(|&bits| f64::from_bits(bits).exp()).sum();
        assert!((prediction.label_prob - fixture.logit(item, &item.texts[0]).exp() / total).abs() < 1e-4);
    }
    assert!(!run.scores_folder(Split::Test).join("choices.json").exists());
}

/// Returns how near a text is to all images together.
fn prior(fixture: &Fixture, text: &str) -> f64 {
    let first =
        |(at, item): &(usize, &Item)| fixture.items[..*at].iter().all(|other| other.image != item.image);
    let images = fixture.items.iter().enumerate().filter(first);
    images.map(|(_, image)| fixture.logit(image, text)).sum()
}

/// Returns the accuracy of a control.
fn of_control(scores: &Scores, control: Control) -> f64 {
    let found = scores.controls.iter().find(|one| one.control == control).unwrap();
    found.metrics.get("accuracy").unwrap().value
}

#[test]
fn controls_are_scored_as_by_hand_and_only_where_they_are_asked_for() {
    let fixture = Fixture::new(TaskKind::Choice);
    let (run, _) = fixture.train();
    assert!(score(&fixture, &[]).status.success());
    let before = read_scores(&run, Split::Test).unwrap().unwrap();
    assert!(before.controls.is_empty());
    let asked = ["--set", "score.controls=[shuffled_images, blank_image, text_alone]"];
    assert!(score(&fixture, &asked).status.success());
    let scores = read_scores(&run, Split::Test).unwrap().unwrap();
    assert_eq!(scores.metrics, before.metrics, "a control changes nothing else");
    // The mean direction of all images is as far from a text as the images are on average.
    let prior = |text: &str| prior(&fixture, text);
    let is_first = |item: &&Item| {
        let own = prior(&item.texts[item.label]);
        item.texts.iter().all(|text| prior(text) <= own)
    };
    let right = fixture.items.iter().filter(is_first).count();
    assert!((of_control(&scores, Control::TextAlone) - right as f64 / 12.0).abs() < 1e-9, "{scores:?}");
    // This model sees nothing at all in a blank image, so that there is nothing to compare.
    let blank = scores.controls.iter().find(|one| one.control == Control::BlankImage).unwrap();
    assert!(blank.metrics.0.is_empty(), "{blank:?}");
    // Fewer are served by what there is.
    let file = run.scores_folder(Split::Test).join("scores.json");
    let written = fs::read(&file).unwrap();
    assert!(score(&fixture, &["--set", "score.controls=[blank_image]"]).status.success());
    assert_eq!(fs::read(&file).unwrap(), written);
}

#[test]
fn a_model_that_answers_by_looking_is_wrong_about_the_images_of_others() {
    let mut fixture = Fixture::new(TaskKind::Choice);
    // The text that each image is nearest to is right.
    let nearest = |item: &Item| {
        (0..3).max_by(|&a, &b| {
            fixture.logit(item, &item.texts[a]).total_cmp(&fixture.logit(item, &item.texts[b]))
        })
    };
    let labels: Vec<usize> = fixture.items.iter().filter_map(nearest).collect();
    fixture.items.iter_mut().zip(labels).for_each(|(item, label)| item.label = label);
    let (run, _) = fixture.train();
    assert!(score(&fixture, &["--set", "score.controls=[shuffled_images]"]).status.success());
    let scores = read_scores(&run, Split::Test).unwrap().unwrap();
    assert_eq!(scores.metrics.get("accuracy").unwrap().value, 1.0);
    assert!(of_control(&scores, Control::ShuffledImages) < 0.9, "{:?}", scores.controls);
}

#[test]
fn a_model_that_answers_without_looking_is_told() {
    let mut fixture = Fixture::new(TaskKind::Choice);
    // Whatever the image, the likeliest of the three texts is right.
    let likeliest = |item: &Item| {
        (0..3).max_by(|&a, &b| prior(&fixture, &item.texts[a]).total_cmp(&prior(&fixture, &item.texts[b])))
    };
    let labels: Vec<usize> = fixture.items.iter().filter_map(likeliest).collect();
    fixture.items.iter_mut().zip(labels).for_each(|(item, label)| item.label = label);
    fixture.train();
    let output = score(&fixture, &["--set", "score.controls=[text_alone]"]);
    let told = "above chance with the text alone, where looking cannot help: accuracy 1.000 [";
    assert!(output.status.success() && stderr(&output).contains(told), "{}", stderr(&output));
}

#[test]
fn pairs_that_all_have_one_image_are_at_chance_from_text_to_image() {
    let fixture = Fixture::new(TaskKind::Pairs);
    let (run, _) = fixture.train();
    assert!(score(&fixture, &["--set", "score.controls=[text_alone]"]).status.success());
    let scores = read_scores(&run, Split::Test).unwrap().unwrap();
    let alone = scores.controls[0].metrics.get("text_to_image_recall@1").unwrap().value;
    assert!((alone - scores.chances["text_to_image_recall@1"]).abs() < 1e-9, "{alone} {:?}", scores.chances);
    assert_eq!(scores.chances.len(), 6, "each depth and direction has a chance");
}

#[test]
fn scoring_again_changes_nothing_and_needs_no_library() {
    let fixture = Fixture::new(TaskKind::Choice);
    let (run, _) = fixture.train();
    assert!(score(&fixture, &["--quiet"]).status.success());
    let file = run.scores_folder(Split::Test).join("predictions.parquet");
    let before = (fs::read(&file).unwrap(), fs::metadata(&file).unwrap().modified().unwrap());
    let again = Command::new(env!("CARGO_BIN_EXE_cliptune-score"))
        .arg(fixture.experiment())
        .env("CLIPTUNE_STORE", fixture.path("runs"))
        .env(cliptune_native::ORT_DYLIB_PATH, "/nowhere/libonnxruntime.so")
        .output()
        .unwrap();
    assert!(again.status.success() && stderr(&again).contains(" test: accuracy "), "{}", stderr(&again));
    assert_eq!(before, (fs::read(&file).unwrap(), fs::metadata(&file).unwrap().modified().unwrap()));
    // From scratch: the same bytes.
    fs::remove_dir_all(run.scores_folder(Split::Test)).unwrap();
    assert!(score(&fixture, &["--quiet"]).status.success());
    assert_eq!(before.0, fs::read(&file).unwrap());
}

#[test]
fn a_plan_without_a_run_says_what_to_do() {
    let fixture = Fixture::new(TaskKind::Choice);
    let output = score(&fixture, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("not trained yet: tiny (seed 0)"), "{}", stderr(&output));
    assert!(stderr(&output).contains("run `cliptune train"), "{}", stderr(&output));
    assert!(stderr(&output).contains("tiny.yaml"), "{}", stderr(&output));
}

#[test]
fn a_wrong_experiment_is_a_usage_error() {
    let fixture = Fixture::new(TaskKind::Choice);
    fs::write(fixture.experiment(), "nam: tiny\n").unwrap();
    assert_eq!(score(&fixture, &[]).status.code(), Some(2));
}

#[test]
fn a_run_without_graphs_says_why() {
    let fixture = Fixture::new(TaskKind::Choice);
    fixture.declare("export: { onnx: [] }");
    fixture.train();
    let output = score(&fixture, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("add fp32 to export.onnx"), "{}", stderr(&output));
}

#[test]
fn choices_that_are_the_same_to_the_model_share_their_tie() {
    let mut fixture = Fixture::new(TaskKind::Choice);
    for item in &mut fixture.items {
        // The tokenizer knows no upper case and no spaces at the end; the right text is one of the two.
        let other = (item.label + 1) % 3;
        item.texts[other] = format!("{} ", item.texts[item.label].to_uppercase());
        item.ids = vec!["the same id".to_owned()];
    }
    let (run, _) = fixture.train();
    let output = score(&fixture, &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    for told in [
        "12 items of the test split have choices that are the same tokens to the model, row",
        "12 items tied",
        "the 12 rows of the test split have 1 different ids",
    ] {
        assert!(stderr(&output).contains(told), "{told}: {}", stderr(&output));
    }
    let scores = read_scores(&run, Split::Test).unwrap().unwrap();
    assert_eq!((scores.n_tied, scores.n_equal_choices), (12, 12));
    let predictions = read_predictions(&run, Split::Test).unwrap();
    let mut right = 0.0;
    for item in &fixture.items {
        let prediction = predictions.iter().find(|prediction| prediction.item_id == item.item_id).unwrap();
        let [own, other] =
            [item.label, (item.label + 1) % 3].map(|text| prediction.chosen().unwrap().logits[text]);
        assert_eq!(own.to_bits(), other.to_bits(), "the same text has the same logit");
        right +=
            if prediction.chosen().unwrap().logits.iter().all(|logit| *logit <= own) { 0.5 } else { 0.0 };
        assert!(!prediction.correct);
    }
    assert_eq!(scores.metrics.get("accuracy").unwrap().value, right / 12.0);
}
