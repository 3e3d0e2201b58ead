//! Classes as ensembles of prompts, against PyTorch.

use cliptune_clip::image::{self, Preprocessor};
use cliptune_experiment::{LogitScale, Objective, Seed, TaskKind, Templates, TrainPlan, Tune};
use cliptune_train::data::{Batch, Example, Examples, ImageBank, TextBank};
use cliptune_train::draws::Draws;
use cliptune_train::encoder::Encoder;
use cliptune_train::evaluate::evaluate;
use cliptune_train::gradient::Gradient;
use cliptune_train::model::Parameters;
use cliptune_train::objective::{self, choice_logits, needed};
use serde::Deserialize;
use tch::{Device, Tensor};

use crate::support::{Tiny, assert_close, item_image, largest, reference, tensors, tokenizer};

/// Of the largest element of a weight's gradient.
const RELATIVE: f64 = 1e-5;
/// Below this a gradient is rounding.
const NOTHING: f64 = 1e-6;

#[derive(Deserialize)]
struct Case {
    classes: Vec<String>,
    templates: Templates,
    labels: Vec<usize>,
    logits: Vec<Vec<f64>>,
    loss: f64,
    smoothed: f64,
    contrastive: f64,
}

/// The tiny CLIP of the references with its images, each of which has a class.
struct Classes {
    tiny: Tiny,
    case: Case,
    images: ImageBank,
    texts: TextBank,
    examples: Vec<Example>,
}

impl Classes {
    fn load() -> Self {
        let tiny = Tiny::load();
        let case: Case =
            serde_json::from_slice(&fs_err::read(reference("train", "classes.json")).unwrap()).unwrap();
        let size = tiny.config.vision.image_size as u32;
        let source = |n| item_image(reference("train", &format!("images/{n}.png")));
        let images =
            ImageBank::new(Preprocessor::openai(size, image::Fit::Crop), (0..6).map(source).collect(), None);
        let tokenizer = tokenizer(tiny.config.text.context_length);
        let texts = TextBank::encode(&tokenizer, &case.classes, &case.templates).unwrap();
        let all: Vec<usize> = (0..case.classes.len()).collect();
        let example = |(image, &label): (usize, &usize)| Example::new(image, all.clone(), label, image);
        let mut examples: Vec<Example> = case.labels.iter().enumerate().map(example).collect();
        Examples::unify(&mut examples, texts.rows());
        Self { tiny, case, images, texts, examples }
    }

    fn parameters(&self) -> Parameters {
        let parameters = self.tiny.parameters();
        parameters.unlock(Tune::Full, LogitScale::Learned);
        parameters
    }

    fn encoder<'a>(&'a self, parameters: &'a Parameters) -> Encoder<'a> {
        Encoder::new(&self.tiny.config, parameters, &self.images, &self.texts, Device::Cpu)
    }

    fn everyone(&self) -> Vec<usize> {
        (0..self.examples.len()).collect()
    }

    /// The loss of an update over some batches, and the gradient of every weight.
    fn update(&self, plan: &TrainPlan, batches: &[Vec<usize>]) -> (f64, Vec<(String, Tensor)>) {
        let parameters = self.parameters();
        let encoder = self.encoder(&parameters);
        let (examples, draws) = (&self.examples, Draws::new(Seed(0), 1));
        let gradient = Gradient { plan, encoder: &encoder, examples, draws, ahead: None, buckets: None };
        let loss = gradient.accumulate(batches).unwrap();
        (loss, parameters.named().map(|(name, tensor)| (name, tensor.grad())).collect())
    }
}

fn assert_gradients(found: &[(String, Tensor)], what: &str) {
    let expected = tensors(&reference("train", "classes.safetensors"));
    assert_eq!(expected.len(), found.len());
    for (weight, gradient) in found {
        let expected = &expected[weight];
        let tolerance = (RELATIVE * largest(expected)).max(NOTHING);
        assert_close(gradient, expected, tolerance, &format!("{what}: {weight}"));
    }
}

#[test]
fn the_logits_of_images_and_classes_are_those_of_a_zero_shot_classifier() {
    let classes = Classes::load();
    let parameters = classes.tiny.parameters();
    let _guard = tch::no_grad_guard();
    let batch = Batch::new(&classes.examples, &classes.everyone(), needed(Objective::Choice));
    assert_eq!(batch.texts.len(), classes.case.classes.len(), "each class is encoded once");
    let embeddings = classes.encoder(&parameters).embeddings(&batch.images, &batch.texts).unwrap();
    let logits = choice_logits(&embeddings, &batch.examples).unwrap();
    let expected = Tensor::from_slice2(&classes.case.logits).to_kind(tch::Kind::Float);
    assert_close(&logits, &expected, 1e-5, "logits");
}

#[test]
fn the_loss_over_classes_and_the_gradient_of_every_weight_are_those_of_pytorch() {
    let classes = Classes::load();
    let plan =
        TrainPlan { objective: Objective::Choice, ..classes.tiny.case(Objective::Choice).plan.clone() };
    let together = vec![classes.everyone()];
    // However the update is computed: at once, batch by batch, in two passes, in chunks smaller than a class has prompts.
    let apart = vec![vec![0, 1], vec![2, 3, 4], vec![5]];
    for batches in [&together, &apart] {
        for cache in [None, Some(2), Some(7)] {
            for gradient_checkpointing in [false, true] {
                let gradient_cache = cache.map(|rows: usize| rows.try_into().unwrap());
                let plan = TrainPlan { gradient_cache, gradient_checkpointing, ..plan.clone() };
                let (loss, gradients) = classes.update(&plan, batches);
                let what = format!("{} batches, cache {cache:?}, {gradient_checkpointing}", batches.len());
                assert!((loss - classes.case.loss).abs() < 1e-5, "{what}: {loss}");
                assert_gradients(&gradients, &what);
            }
        }
    }
}

#[test]
fn smoothing_and_contrast_over_classes_are_those_of_pytorch() {
    let classes = Classes::load();
    let parameters = classes.tiny.parameters();
    let loss = |objective, smoothing| {
        let batch = Batch::new(&classes.examples, &classes.everyone(), needed(objective));
        let embeddings = classes.encoder(&parameters).embeddings(&batch.images, &batch.texts).unwrap();
        objective::loss(objective, smoothing, &embeddings, &batch.examples).unwrap().double_value(&[])
    };
    let smoothed = loss(Objective::Choice, 0.2);
    assert!((smoothed - classes.case.smoothed).abs() < 1e-5, "{smoothed}");
    // Two images of one class are no negatives of each other.
    let contrastive = loss(Objective::Contrastive, 0.0);
    assert!((contrastive - classes.case.contrastive).abs() < 1e-5, "{contrastive}");
}

#[test]
fn classes_of_a_locked_text_tower_are_encoded_once_and_stay_the_same() {
    let classes = Classes::load();
    let plan = TrainPlan {
        tune: Tune::LockedText { unlocked_layers: 0 },
        ..classes.tiny.case(Objective::Choice).plan.clone()
    };
    let parameters = classes.tiny.parameters();
    let _guard = tch::no_grad_guard();
    let mut locked = classes.encoder(&parameters);
    locked.lock(&plan).unwrap();
    let rows: Vec<usize> = (0..classes.case.classes.len()).collect();
    let anew = classes.encoder(&parameters).texts(&rows).unwrap();
    assert_close(&locked.texts(&rows).unwrap(), &anew, 1e-6, "class vectors");
}

#[test]
fn an_image_is_judged_among_all_classes_however_it_is_trained() {
    let classes = Classes::load();
    let parameters = classes.tiny.parameters();
    let best = |row: &Vec<f64>| (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
    // One image alone: its own class is the only one of the split, and still not the only candidate.
    for image in 0..classes.examples.len() {
        let expected = f64::from(u8::from(best(&classes.case.logits[image]) == classes.case.labels[image]));
        for objective in [Objective::Choice, Objective::Contrastive] {
            let split = &classes.examples[image..=image];
            let size = 4.try_into().unwrap();
            let found =
                evaluate(&classes.encoder(&parameters), objective, TaskKind::Classes, size, split).unwrap();
            assert_eq!(found.accuracy, expected, "image {image}, {}", objective.as_str());
        }
    }
}

#[test]
fn classes_with_the_same_prompts_are_one_class_to_the_model() {
    let tokenizer = tokenizer(9);
    let names = ["cat", "Cat", "dog"].map(str::to_owned);
    let bank = TextBank::encode(&tokenizer, &names, &Classes::load().case.templates).unwrap();
    assert_eq!((bank.rows(), bank.len(), bank.templates()), ([0, 0, 1].as_slice(), 2, 3));
}
