//! Equal texts are never each other's negatives, in any loss and on any path.

use cliptune_experiment::{Objective, Seed, Templates, TrainPlan};
use cliptune_train::data::{Example, Examples, TextBank};
use cliptune_train::draws::Draws;
use cliptune_train::gradient::Gradient;
use cliptune_train::objective::{self, Embeddings};
use cliptune_train::tuning::Tuned;
use tch::{Kind, Tensor};

use crate::support::{Tiny, assert_close, related, tokenizer};

const OBJECTIVES: [Objective; 3] =
    [Objective::Contrastive, Objective::ChoiceContrastive { contrastive_weight: 0.5 }, Objective::Sigmoid];

/// Directions in the plane, in degrees.
fn directions(degrees: &[f64]) -> Tensor {
    let rows: Vec<f32> = degrees
        .iter()
        .flat_map(|degrees| [degrees.to_radians().cos() as f32, degrees.to_radians().sin() as f32])
        .collect();
    Tensor::from_slice(&rows).view([-1, 2])
}

const IMAGES: [f64; 4] = [10.0, 80.0, 35.0, 200.0];
const TEXTS: [f64; 3] = [0.0, 90.0, 180.0];
const SCALE: f64 = 3.0;
const BIAS: f64 = -1.0;

fn embeddings(images: &[f64], texts: &[f64], scale: f64, bias: f64) -> Embeddings {
    Embeddings {
        images: directions(images),
        texts: directions(texts),
        logit_scale: Tensor::from(scale as f32),
        logit_bias: Some(Tensor::from(bias as f32)),
    }
}

/// The logit of an image and a text.
fn logit(image: usize, text: usize) -> f64 {
    SCALE * (IMAGES[image] - TEXTS[text]).to_radians().cos()
}

/// Four images of four groups; the first and the third have the same text.
fn pairs() -> Vec<Example> {
    let texts = [0, 1, 0, 2];
    related((0..4).map(|image| Example::new(image, vec![texts[image]], 0, image)).collect())
}

fn loss(objective: Objective, embeddings: &Embeddings, examples: &[Example]) -> f64 {
    objective::loss(objective, 0.0, embeddings, examples).unwrap().double_value(&[])
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// −log of the share of the right one among itself and what is wrong.
fn surprise(right: f64, wrong: impl Iterator<Item = f64>) -> f64 {
    (1.0 + wrong.map(|logit| (logit - right).exp()).sum::<f64>()).ln()
}

#[test]
fn the_contrastive_loss_contrasts_what_differs_alone() {
    let (texts, own) = ([0, 1, 0, 2], |image: usize| logit(image, [0, 1, 0, 2][image]));
    let others = |of: usize| (0..4).filter(move |&other| texts[other] != texts[of]);
    let to_text = (0..4).map(|image| surprise(own(image), others(image).map(|one| logit(image, texts[one]))));
    let to_image = (0..4).map(|text| surprise(own(text), others(text).map(|one| logit(one, texts[text]))));
    let expected = 0.5 * (mean(to_text) + mean(to_image));
    let embeddings = embeddings(&IMAGES, &TEXTS, SCALE, BIAS);
    let found = loss(Objective::Contrastive, &embeddings, &pairs());
    assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
}

#[test]
fn to_the_sigmoid_loss_an_equal_text_is_right() {
    let texts = [0, 1, 0, 2];
    let question = |image: usize, other: usize| {
        let sign = if texts[image] == texts[other] { 1.0 } else { -1.0 };
        (1.0 + (-sign * (logit(image, texts[other]) + BIAS)).exp()).ln()
    };
    let expected = mean((0..4).map(|image| (0..4).map(|other| question(image, other)).sum()));
    let found = loss(Objective::Sigmoid, &embeddings(&IMAGES, &TEXTS, SCALE, BIAS), &pairs());
    assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
}

#[test]
fn a_choice_that_equals_the_right_one_is_no_wrong_answer() {
    let embeddings = embeddings(&IMAGES, &TEXTS, SCALE, BIAS);
    let expected = surprise(logit(0, 0), [1, 2].into_iter().map(|text| logit(0, text)));
    for (texts, label) in [(vec![0, 1, 0, 2], 0), (vec![0, 1, 0, 2], 2), (vec![1, 0, 2], 1)] {
        let found = loss(Objective::Choice, &embeddings, &[Example::new(0, texts, label, 0)]);
        assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
    }
}

#[test]
fn a_model_that_knows_every_text_has_no_loss() {
    // Images and their texts point the same way; before, no model had less than ln 2 here.
    let (images, texts) = ([0.0, 180.0, 0.0, 180.0], [0.0, 180.0]);
    let examples =
        related((0..4).map(|image| Example::new(image, vec![image % 2, 1 - image % 2], 0, image)).collect());
    for objective in OBJECTIVES {
        let found = loss(objective, &embeddings(&images, &texts, 50.0, 0.0), &examples);
        assert!(found < 1e-6, "{objective:?}: {found}");
    }
}

#[test]
fn a_text_that_another_example_gives_an_image_is_no_negative_of_it() {
    // Image 0 has texts 0 and 1; its example with text 1 is not in the batch, image 1's with the same text is.
    let examples = [(0, 0, 0), (0, 1, 0), (1, 1, 1)]
        .map(|(image, text, group)| Example::new(image, vec![text], 0, group));
    let examples = related(examples.to_vec());
    let batch = [examples[0].clone(), examples[2].clone()];
    let embeddings = embeddings(&IMAGES, &TEXTS, SCALE, BIAS);
    // Text 1 is true of image 0. Text 0 is not known to be true of image 1.
    let expected = 0.5
        * (0.5 * (0.0 + surprise(logit(1, 1), [logit(1, 0)].into_iter()))
            + 0.5 * (surprise(logit(0, 0), [logit(1, 0)].into_iter()) + 0.0));
    let found = loss(Objective::Contrastive, &embeddings, &batch);
    assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
}

#[test]
fn texts_are_equal_when_the_model_sees_the_same_tokens() {
    let texts = ["a cat", "A  CAT", "a dog", "a cat"].map(str::to_owned);
    let bank = TextBank::encode(&tokenizer(9), &texts, &Templates::plain()).unwrap();
    assert_eq!((bank.rows(), bank.len()), ([0, 0, 1, 0].as_slice(), 2));
    // What is behind the cut is not seen.
    let texts = ["cat", "dog"].map(|last| format!("{}{last}", "a ".repeat(20)));
    let bank = TextBank::encode(&tokenizer(9), &texts, &Templates::plain()).unwrap();
    assert_eq!((bank.rows(), bank.len(), bank.truncated()), ([0, 0].as_slice(), 1, 2));
    assert_eq!(bank.first_truncated(), Some(0));
}

/// The train items of the references, in which some texts are the same.
fn with_equal_texts() -> Tiny {
    let mut tiny = Tiny::load();
    let same: Vec<usize> = (0..tiny.text_count()).map(|text| text / 2).collect();
    Examples::unify(&mut tiny.train, &same);
    tiny
}

fn gradients(tiny: &Tiny, plan: &TrainPlan, batches: &[Vec<usize>]) -> (f64, Vec<(String, Tensor)>) {
    let parameters = tiny.parameters();
    let tuned = Tuned::new(&parameters, plan, Seed(0)).unwrap();
    let encoder = tiny.encoder(&parameters);
    let (examples, draws) = (&tiny.train, Draws::new(Seed(0), 1));
    let gradient = Gradient { plan, encoder: &encoder, examples, draws, ahead: None, buckets: None };
    let loss = gradient.accumulate(batches).unwrap();
    let gradients = tuned.moving().into_iter().map(|one| (one.spec.name.clone(), one.tensor.grad()));
    (loss, gradients.collect())
}

#[test]
fn every_path_computes_the_same_gradient_of_equal_texts() {
    let tiny = with_equal_texts();
    let batch = [(0..tiny.train.len()).collect::<Vec<_>>()];
    for objective in OBJECTIVES.into_iter().chain([Objective::Choice]) {
        let plain = TrainPlan { objective, ..tiny.case(objective).plan.clone() };
        let (loss, expected) = gradients(&tiny, &plain, &batch);
        for (rows, again) in [(Some(2), false), (Some(3), true), (None, true)] {
            let gradient_cache = rows.map(|rows: usize| rows.try_into().unwrap());
            let plan = TrainPlan { gradient_cache, gradient_checkpointing: again, ..plain.clone() };
            let (found_loss, found) = gradients(&tiny, &plan, &batch);
            assert!((found_loss - loss).abs() < 1e-6, "{objective:?}: {found_loss} instead of {loss}");
            for ((name, expected), (_, found)) in expected.iter().zip(&found) {
                let tolerance = 1e-5 * expected.abs().max().double_value(&[]).max(1.0);
                assert_close(found, expected, tolerance, &format!("{objective:?} {name}"));
            }
        }
        // An update of several batches is the mean over their items.
        let halves = [vec![0, 1, 2, 3], vec![4, 5]];
        let (whole, parts) = (
            gradients(&tiny, &plain, &halves).0,
            halves.each_ref().map(|half| gradients(&tiny, &plain, std::slice::from_ref(half)).0),
        );
        assert!((whole - (4.0 * parts[0] + 2.0 * parts[1]) / 6.0).abs() < 1e-6, "{objective:?}");
    }
}

#[test]
fn an_image_is_not_pushed_away_from_a_text_that_equals_its_own() {
    // One example stands still when another with the same text joins it: there is nothing to contrast.
    let embeddings = embeddings(&IMAGES, &TEXTS, SCALE, BIAS);
    let images = embeddings.images.set_requires_grad(true);
    let embeddings = Embeddings { images: images.shallow_clone(), ..embeddings };
    let same = related([0, 1].map(|image| Example::new(image, vec![0], 0, image)).to_vec());
    objective::loss(Objective::Contrastive, 0.0, &embeddings, &same).unwrap().backward();
    assert_eq!(images.grad().abs().sum(Kind::Double).double_value(&[]), 0.0);
}
