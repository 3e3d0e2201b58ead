//! The predictions of one run, read without a database.

use cliptune_experiment::Split;
use cliptune_query::predictions_of;
use cliptune_store::{
    Answered, Chosen, Items, Prediction, Retrieved, Scores, read_predictions, read_scores, write_scores,
};

use crate::support::World;

fn prediction(number: usize, answered: Answered) -> Prediction {
    Prediction {
        item_id: format!("{number:016x}"),
        id: format!("“row” {number}"),
        group: format!("group {}", number / 3),
        correct: number.is_multiple_of(2),
        share: if number.is_multiple_of(2) { 1.0 } else { 0.25 },
        rank: 1.5 + number as f64,
        label_prob: 1.0 / (number + 1) as f64,
        answered,
    }
}

fn chosen(number: usize) -> Chosen {
    Chosen {
        label: number % 3,
        predicted: number % 2,
        // Classes keep a few of many, in any order.
        candidates: (0..2 + number % 4).map(|at| (at * 7 + number) % 50).collect(),
        probs: (0..2 + number % 4).map(|at| 0.1 * at as f64).collect(),
        logits: (0..2 + number % 4).map(|at| at as f64 - 3.5).collect(),
    }
}

#[test]
fn they_are_those_that_the_database_reads_whatever_their_kind() {
    let world = World::new();
    let run = &world.runs[0];
    let scores: Scores = read_scores(run, Split::Test).unwrap().unwrap();
    let kinds: [fn(usize) -> Answered; 3] = [
        |number| Answered::Choice(chosen(number)),
        |number| Answered::Classes(chosen(number)),
        |number| {
            Answered::Pairs(Retrieved {
                text_to_image_share: 0.5,
                text_to_image_rank: number as f64 + 0.5,
                logits: [number as f64 / 7.0],
            })
        },
    ];
    for kind in kinds {
        for count in [1, 2, 700] {
            let written: Vec<Prediction> =
                (0..count).map(|number| prediction(number, kind(number))).collect();
            write_scores(run, &scores, &written, Items::of(&[]).all()).unwrap();
            let read = predictions_of(run, Split::Test).unwrap();
            assert_eq!(read, read_predictions(run, Split::Test).unwrap());
            assert_eq!(read.len(), count);
        }
    }
}

#[test]
fn what_is_damaged_or_missing_is_an_error() {
    let world = World::new();
    let path = world.runs[0].scores_folder(Split::Test).join("predictions.parquet");
    let mut bytes = fs_err::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs_err::write(&path, bytes).unwrap();
    assert!(predictions_of(&world.runs[0], Split::Test).unwrap_err().is_damage());
    assert!(predictions_of(&world.runs[3], Split::Test).unwrap_err().is_damage());
}
