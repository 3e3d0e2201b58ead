//! Losses and gradients against PyTorch's autograd.

use cliptune_clip::names;
use cliptune_clip::towers::clip;
use cliptune_experiment::{Objective, Tune};
use cliptune_train::data::{Batch, Example};
use cliptune_train::model::{self, Parameters, TorchOps};
use cliptune_train::objective::{self, Embeddings, needed};
use tch::{Device, Tensor};

use crate::support::{
    OBJECTIVES, OPEN_CLIP_MODELS, Tiny, assert_close, largest, open_clip_file, open_clip_model, reference,
    tensors,
};

/// Of the largest element of a weight's gradient.
const RELATIVE: f64 = 1e-5;
/// Below this a gradient is rounding: keys' biases have none, because a constant added to all keys of a query leaves
/// its softmax as it is.
const NOTHING: f64 = 1e-6;

#[test]
fn the_loss_over_all_items_and_the_gradient_of_every_weight_are_those_of_pytorch() {
    // Contrastive: ten items of five groups in one batch, so that the mask of the own group matters. Choice: two to
    // four texts an item.
    let tiny = Tiny::load();
    for (objective, name) in OBJECTIVES {
        let parameters = tiny.parameters();
        parameters.unlock(Tune::Full);
        let everyone: Vec<usize> = (0..tiny.train.len()).collect();
        let batch = Batch::new(&tiny.train, &everyone, needed(objective));
        let embeddings = tiny.encoder(&parameters).embeddings(&batch.images, &batch.texts).unwrap();
        let loss = objective::loss(objective, &embeddings, &batch.examples).unwrap();
        let expected = tiny.case(objective).loss;
        assert!((loss.double_value(&[]) - expected).abs() < 1e-5, "{name}: {loss} instead of {expected}");
        loss.backward();
        let expected = tensors(&reference("train", &format!("{name}.safetensors")));
        assert_eq!(expected.len(), parameters.iter().count());
        for (weight, tensor) in parameters.named() {
            let expected = &expected[&weight];
            let tolerance = (RELATIVE * largest(expected)).max(NOTHING);
            assert_close(&tensor.grad(), expected, tolerance, &format!("{name} {weight}"));
        }
    }
}

/// Image n's right text is text n. Choice has four candidates, all of them the right one of no other image.
fn examples(objective: Objective) -> Vec<Example> {
    let example = |n: usize| match objective {
        Objective::Choice => Example { image: n, texts: vec![0, 1, 2, 3], label: n, group: n },
        _ => Example { image: n, texts: vec![n], label: 0, group: n },
    };
    (0..3).map(example).collect()
}

/// What a model of open_clip computes for its reference, gradients recorded.
fn embeddings(name: &str) -> (Embeddings, Parameters) {
    let (config, parameters) = open_clip_model(name);
    parameters.unlock(Tune::Full);
    let inputs = tensors(&open_clip_file(name, "outputs.safetensors"));
    let ops = &mut TorchOps::new(&parameters);
    let output = clip(ops, &config, &inputs["pixel_values"], &inputs["input_ids"], None).unwrap();
    let embeddings = Embeddings {
        images: output.image_embeds,
        texts: output.text_embeds,
        logit_scale: parameters.tensor(names::LOGIT_SCALE).unwrap().exp(),
        logit_bias: parameters.find(names::LOGIT_BIAS).map(Tensor::shallow_clone),
    };
    (embeddings, parameters)
}

/// open_clip's gradients lie in a file as its weights do: loading it finds the gradient of each weight.
fn gradients_agree(name: &str, objective: Objective, file: &str) {
    let (embeddings, parameters) = embeddings(name);
    objective::loss(objective, &embeddings, &examples(objective)).unwrap().backward();
    let (config, _) = open_clip_model(name);
    let expected = model::load(&open_clip_file(name, file), &config, Device::Cpu).unwrap();
    for (weight, tensor) in parameters.named() {
        let (found, expected) = (tensor.grad(), expected.tensor(&weight).unwrap());
        // A softmax does not see what is added to all of its logits.
        if objective == Objective::Choice && weight == names::LOGIT_BIAS {
            assert!(!found.defined() || largest(&found) < NOTHING);
            continue;
        }
        let tolerance = (RELATIVE * largest(expected)).max(NOTHING);
        assert_close(&found, expected, tolerance, &format!("{name} {file} {weight}"));
    }
}

#[test]
fn the_gradients_of_a_choice_are_those_of_open_clip() {
    for name in OPEN_CLIP_MODELS {
        gradients_agree(name, Objective::Choice, "choice.safetensors");
    }
}

#[test]
fn the_gradients_of_the_sigmoid_loss_are_those_of_open_clip() {
    gradients_agree("siglip", Objective::Sigmoid, "sigmoid.safetensors");
}
