//! Scores: complete or absent.

use std::collections::BTreeMap;

use cliptune_experiment::{Split, TaskKind};
use cliptune_store::{
    Answered, Chosen, Estimate, Item, Items, Metrics, Parity, Prediction, Retrieved, SCORES_FORMAT, Scores,
    StoreError, read_json, read_predictions, read_scores, write_scores,
};

use serde_json::Value;

use crate::support::{World, create, item};

fn scores(accuracy: f64) -> Scores {
    let estimate = Estimate { value: accuracy, low: 0.1 + 0.2, high: 1.0, method: "bootstrap".to_owned() };
    Scores {
        format_version: SCORES_FORMAT,
        split: Split::Test,
        task: TaskKind::Choice,
        n_items: 1,
        n_groups: 1,
        n_tied: 0,
        n_equal_choices: 0,
        chance: 1.0 / 3.0,
        majority: 0.5,
        logit_scale: 100.0,
        is_scale_constant: false,
        metrics: Metrics(vec![("accuracy".to_owned(), estimate)]),
        chances: BTreeMap::new(),
        classes: None,
        positions: Vec::new(),
        risk_coverage: Vec::new(),
        nearest: Vec::new(),
        controls: Vec::new(),
        parity: Some(Parity { n_items: 1, max_logit_difference: 1e-5, answers_agree: 1, tolerance: 1e-3 }),
    }
}

fn prediction() -> Prediction {
    let item = item(1, Split::Test);
    Prediction {
        item_id: item.item_id,
        id: item.id,
        group: item.group,
        correct: false,
        share: 0.1 + 0.2,
        rank: 2.5,
        label_prob: 1.0 / 3.0,
        answered: Answered::Choice(Chosen {
            label: 1,
            predicted: 2,
            candidates: vec![0, 1, 2],
            probs: vec![0.1 + 0.2, 1e-30, 2.0 / 3.0],
            logits: vec![-12.345_678_901_234_5, 0.0, 1e300],
        }),
    }
}

#[test]
fn predictions_of_every_kind_come_back() {
    let world = World::new();
    let run = create(&world, "key");
    let chosen = Chosen {
        label: 7,
        predicted: 3,
        candidates: vec![3, 1, 7],
        probs: vec![0.5, 0.2, 0.1],
        logits: vec![3.0, 2.0, 1.0],
    };
    let retrieved = Retrieved { text_to_image_share: 0.25, text_to_image_rank: 2.5, logits: [-1.5] };
    for (task, answered) in [
        (TaskKind::Choice, prediction().answered),
        (TaskKind::Classes, Answered::Classes(chosen)),
        (TaskKind::Pairs, Answered::Pairs(retrieved)),
    ] {
        let written = [Prediction { answered, ..prediction() }];
        let scores = Scores { task, ..scores(0.5) };
        write_scores(&run, &scores, &written, Items::of(&[item(1, Split::Test)]).all()).unwrap();
        assert_eq!(read_predictions(&run, Split::Test).unwrap(), written);
    }
}

#[test]
fn they_come_back_to_the_last_bit_and_replace_earlier_ones() {
    let world = World::new();
    let run = create(&world, "key");
    assert_eq!(read_scores(&run, Split::Test).unwrap(), None);
    for accuracy in [0.25, f64::INFINITY] {
        write_scores(&run, &scores(accuracy), &[prediction()], Items::of(&[item(1, Split::Test)]).all())
            .unwrap();
        assert_eq!(read_scores(&run, Split::Test).unwrap(), Some(scores(accuracy)));
        assert_eq!(read_predictions(&run, Split::Test).unwrap(), [prediction()]);
    }
    assert_eq!(read_scores(&run, Split::Validation).unwrap(), None);
    assert_eq!(fs_err::read_dir(run.folder().join("scores")).unwrap().count(), 1);
}

#[test]
fn every_row_of_an_item_gets_its_letter() {
    let world = World::new();
    let run = create(&world, "key");
    write_scores(&run, &scores(0.5), &[prediction()], Items::of(&[item(1, Split::Test)]).all()).unwrap();
    let choices: BTreeMap<String, String> =
        read_json(&run.scores_folder(Split::Test).join("choices.json")).unwrap();
    let expected = ["row 1", "copy; of '1'"].map(|id| (id.to_owned(), "C".to_owned()));
    assert_eq!(choices, BTreeMap::from(expected));
}

#[test]
fn rows_that_share_an_id_have_an_answer_each() {
    let world = World::new();
    let run = create(&world, "key");
    let id = "row 1".to_owned();
    let other = Item { item_id: "another".to_owned(), id: id.clone(), ids: vec![id], ..item(2, Split::Test) };
    let Answered::Choice(chosen) = prediction().answered else { unreachable!("it is a choice") };
    let answered = Answered::Choice(Chosen { predicted: 0, ..chosen });
    let answer =
        Prediction { item_id: other.item_id.clone(), id: other.id.clone(), answered, ..prediction() };
    write_scores(
        &run,
        &scores(0.5),
        &[prediction(), answer],
        Items::of(&[item(1, Split::Test), other]).all(),
    )
    .unwrap();
    let choices: Value = read_json(&run.scores_folder(Split::Test).join("choices.json")).unwrap();
    assert_eq!(choices, serde_json::json!({ "row 1": ["C", "A"], "copy; of '1'": "C" }));
}

#[test]
fn scores_of_an_earlier_procedure_are_none_and_newer_ones_are_refused() {
    let world = World::new();
    let run = create(&world, "key");
    let read = |format_version| {
        let other = Scores { format_version, ..scores(0.5) };
        write_scores(&run, &other, &[prediction()], Items::of(&[item(1, Split::Test)]).all()).unwrap();
        read_scores(&run, Split::Test)
    };
    assert_eq!(read(SCORES_FORMAT - 1).unwrap(), None);
    assert!(matches!(read(SCORES_FORMAT + 1), Err(StoreError::Version { .. })));
}
