//! Accuracy and recall on cases whose answers can be read off the references' logits.

use cliptune_experiment::{BatchSize, Objective, TaskKind};
use cliptune_train::data::Example;
use cliptune_train::evaluate::{Evaluation, evaluate};

use crate::support::{Tiny, related};

fn evaluated(objective: Objective, batch_size: usize, examples: &[Example]) -> Evaluation {
    let tiny = Tiny::load();
    let parameters = tiny.parameters();
    let size = BatchSize::try_from(batch_size).unwrap();
    evaluate(&tiny.encoder(&parameters), objective, TaskKind::Choice, size, examples).unwrap()
}

fn example(image: usize, texts: &[usize], label: usize, group: usize) -> Example {
    Example::new(image, texts.to_vec(), label, group)
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
    let pairs = related(vec![
        example(0, &[11], 0, 0), // 4.63 for 11 before 4.57 for 0: right
        example(4, &[0], 0, 1),  // 2.69 for 0: right
        example(1, &[7], 0, 2),  // 1.64 for 7: right
        example(5, &[9], 0, 2),  // 0.48 for 7, another of its group: right
        example(2, &[3], 0, 3),  // 4.28 for 11: wrong
    ]);
    for size in [2, 5] {
        assert_eq!(evaluated(Objective::Contrastive, size, &pairs).accuracy, 0.8, "{size} a batch");
    }
}

#[test]
fn choices_that_are_the_same_share_the_answer_wherever_the_right_one_stands() {
    for label in [0, 2] {
        // 1.64 for 7, twice, > -3.84: one of the two is right.
        let tied = [example(1, &[7, 0, 7], label, 0)];
        assert_eq!(evaluated(Objective::Choice, 4, &tied).accuracy, 0.5);
    }
    // All the same: a guess.
    let all = evaluated(Objective::Choice, 4, &[example(1, &[7, 7, 7], 1, 0)]);
    assert!((all.accuracy - 1.0 / 3.0).abs() < 1e-12);
    assert!(all.loss.abs() < 1e-6);
}

#[test]
fn a_text_that_equals_an_image_s_own_is_a_hit() {
    // 4.63 for 11 before 4.57 for 0: the first image's nearest text is another group's, and its own text as well.
    let pairs = related(vec![example(0, &[11], 0, 0), example(4, &[11], 0, 1), example(0, &[0], 0, 0)]);
    let alone = related(vec![example(0, &[0], 0, 0), example(4, &[11], 0, 1)]);
    assert_eq!(evaluated(Objective::Contrastive, 3, &pairs[..1]).accuracy, 1.0);
    assert!(evaluated(Objective::Contrastive, 3, &pairs).accuracy >= 2.0 / 3.0);
    assert!(evaluated(Objective::Contrastive, 2, &alone).accuracy <= 0.5);
}
