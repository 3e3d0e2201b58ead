//! Accuracy and recall on cases whose answers can be read off the references' logits.

use cliptune_experiment::{BatchSize, Objective};
use cliptune_train::data::Example;
use cliptune_train::evaluate::{Evaluation, evaluate};

use crate::support::Tiny;

fn evaluated(objective: Objective, batch_size: usize, examples: &[Example]) -> Evaluation {
    let tiny = Tiny::load();
    let parameters = tiny.parameters();
    let size = BatchSize::try_from(batch_size).unwrap();
    evaluate(&tiny.encoder(&parameters), objective, size, examples).unwrap()
}

fn example(image: usize, texts: &[usize], label: usize, group: usize) -> Example {
    Example { image, texts: texts.to_vec(), label, group }
}

/// Four questions; `logits_per_image` of forward.safetensors, rounded, decides them.
fn questions() -> [Example; 4] {
    [
        example(1, &[7, 0], 0, 0),    // 1.64 > -3.84: right
        example(1, &[3, 9], 0, 0),    // 0.59 < 1.61: wrong
        example(0, &[5, 3, 0], 2, 1), // 4.57 > -3.92, -4.06: right
        example(4, &[4, 0], 1, 2),    // 2.69 > 2.35: right
    ]
}

#[test]
fn accuracy_is_the_share_of_right_answers() {
    assert_eq!(evaluated(Objective::Choice, 4, &questions()).accuracy, 0.75);
}

#[test]
fn every_question_counts_whatever_the_batch_size() {
    let whole = evaluated(Objective::Choice, 4, &questions());
    // With three a batch the last question stands alone.
    for size in 1..4 {
        let parts = evaluated(Objective::Choice, size, &questions());
        assert_eq!(parts.accuracy, whole.accuracy, "{size} a batch");
        assert!((parts.loss - whole.loss).abs() < 1e-6, "{size} a batch: {parts:?}, {whole:?}");
    }
}

#[test]
fn recall_searches_all_texts_of_the_split_and_takes_any_of_the_own_group() {
    let pairs = [
        example(0, &[11], 0, 0), // 4.63 for 11 before 4.57 for 0: right
        example(4, &[0], 0, 1),  // 2.69 for 0: right
        example(1, &[7], 0, 2),  // 1.64 for 7: right
        example(5, &[9], 0, 2),  // 0.48 for 7, another of its group: right
        example(2, &[3], 0, 3),  // 4.28 for 11: wrong
    ];
    for size in [2, 5] {
        assert_eq!(evaluated(Objective::Contrastive, size, &pairs).accuracy, 0.8, "{size} a batch");
    }
}
