//! Losses and gradients against PyTorch's autograd.

use cliptune_clip::names;
use cliptune_clip::towers::clip;
use cliptune_experiment::{LogitScale, Lora, LoraTarget, Objective, Seed, TrainPlan, Tune};
use cliptune_train::data::{Batch, Example};
use cliptune_train::draws::Draws;
use cliptune_train::gradient::Gradient;
use cliptune_train::model::{self, Parameter, Parameters, TorchOps};
use cliptune_train::objective::{self, Embeddings, needed};
use cliptune_train::tuning::Tuned;
use tch::{Device, Tensor};

use crate::support::{
    OBJECTIVES, OPEN_CLIP_MODELS, Tiny, assert_close, generator, largest, open_clip_file, open_clip_model,
    reference, tensors,
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
        parameters.unlock(Tune::Full, LogitScale::Learned);
        let everyone: Vec<usize> = (0..tiny.train.len()).collect();
        let batch = Batch::new(&tiny.train, &everyone, needed(objective));
        let embeddings = tiny.encoder(&parameters).embeddings(&batch.images, &batch.texts).unwrap();
        let loss = objective::loss(objective, 0.0, &embeddings, &batch.examples).unwrap();
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
        Objective::Choice => Example::new(n, vec![0, 1, 2, 3], n, n),
        _ => Example::new(n, vec![n], 0, n),
    };
    (0..3).map(example).collect()
}

/// What a model of open_clip computes for its reference, gradients recorded.
fn embeddings(name: &str) -> (Embeddings, Parameters) {
    let (config, parameters) = open_clip_model(name);
    parameters.unlock(Tune::Full, LogitScale::Learned);
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
    objective::loss(objective, 0.0, &embeddings, &examples(objective)).unwrap().backward();
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

/// The loss and the gradients of one update of some batches.
fn gradients(tiny: &Tiny, plan: &TrainPlan, batches: &[Vec<usize>]) -> (f64, Vec<(String, Tensor)>) {
    let parameters = tiny.parameters();
    let tuned = Tuned::new(&parameters, plan, Seed(0)).unwrap();
    let encoder = tiny.encoder(&parameters).with_adapters(tuned.adapters());
    let gradient = Gradient {
        plan,
        encoder: &encoder,
        examples: &tiny.train,
        draws: Draws::new(Seed(0), 1),
        ahead: None,
        buckets: None,
    };
    let generator = generator();
    let loss = gradient.accumulate(batches).unwrap();
    drop(generator);
    let of = |one: &Parameter| (one.spec.name.clone(), one.tensor.grad());
    (loss, tuned.moving().into_iter().map(of).collect())
}

fn assert_same(
    name: &str,
    (loss, all): (f64, Vec<(String, Tensor)>),
    (expected, others): (f64, Vec<(String, Tensor)>),
) {
    assert!((loss - expected).abs() < 1e-6, "{name}: {loss} instead of {expected}");
    // Of the whole gradient, in single precision.
    let norm = others
        .iter()
        .map(|(_, one)| one.square().sum(tch::Kind::Double).double_value(&[]))
        .sum::<f64>()
        .sqrt();
    for ((weight, gradient), (_, expected)) in all.iter().zip(&others) {
        let tolerance = 1e-6 * norm;
        assert_close(gradient, expected, tolerance, &format!("{name}: gradient of {weight}"));
    }
}

#[test]
fn the_gradient_of_a_cached_batch_is_that_of_the_plain_one() {
    let tiny = Tiny::load();
    let batch = [(0..tiny.train.len()).collect::<Vec<_>>()];
    for objective in
        [Objective::Choice, Objective::Contrastive, Objective::ChoiceContrastive { contrastive_weight: 0.5 }]
    {
        for tune in
            [Tune::Full, Tune::LockedImage { unlocked_layers: 0 }, Tune::LockedText { unlocked_layers: 1 }]
        {
            let plain = TrainPlan { objective, tune, ..tiny.case(objective).plan.clone() };
            for rows in [1, 2, 3, 64] {
                let gradient_cache = Some(rows.try_into().unwrap());
                let cached = TrainPlan { gradient_cache, ..plain.clone() };
                let name = format!("{objective:?} {tune:?} {rows}");
                assert_same(&name, gradients(&tiny, &cached, &batch), gradients(&tiny, &plain, &batch));
            }
        }
    }
}

#[test]
fn activations_that_are_computed_again_change_no_gradient() {
    let tiny = Tiny::load();
    let batch = [(0..tiny.train.len()).collect::<Vec<_>>()];
    let plan = &tiny.case(Objective::Choice).plan;
    let targets = vec![LoraTarget::Out, LoraTarget::Mlp].into();
    let lora = Lora { rank: 2.try_into().unwrap(), alpha: 2.0, dropout: 0.0, targets };
    for tune in [
        Tune::Full,
        Tune::Projections,
        Tune::LockedImage { unlocked_layers: 0 },
        Tune::LockedImage { unlocked_layers: 1 },
        Tune::LockedText { unlocked_layers: 1 },
        Tune::Lora { lora },
    ] {
        let plain = TrainPlan { tune, ..plan.clone() };
        for rows in [None, Some(3)] {
            let gradient_cache = rows.map(|rows: usize| rows.try_into().unwrap());
            let again = TrainPlan { gradient_checkpointing: true, gradient_cache, ..plain.clone() };
            let name = format!("{tune:?} {rows:?}");
            assert_same(&name, gradients(&tiny, &again, &batch), gradients(&tiny, &plain, &batch));
        }
    }
}

#[test]
fn accumulated_choices_have_the_gradient_of_one_batch() {
    // Whatever the sizes of the batches: each item counts the same.
    let tiny = Tiny::load();
    let plan = &tiny.case(Objective::Choice).plan;
    let whole = gradients(&tiny, plan, &[(0..10).collect()]);
    let parts = gradients(&tiny, plan, &[(0..4).collect(), (4..8).collect(), (8..10).collect()]);
    assert_same("accumulated", parts, whole);
}

/// With dropout both passes have to drop the same: else the gradient is not the slope of the loss.
#[test]
fn a_cached_batch_drops_the_same_in_both_passes() {
    const STEP: f64 = 1e-2;
    let _generator = generator();
    let tiny = Tiny::load();
    let targets = vec![LoraTarget::Query, LoraTarget::Mlp].into();
    let lora = Lora { rank: 2.try_into().unwrap(), alpha: 2.0, dropout: 0.5, targets };
    let gradient_cache = Some(3.try_into().unwrap());
    let plan =
        TrainPlan { tune: Tune::Lora { lora }, gradient_cache, ..tiny.case(Objective::Choice).plan.clone() };
    let parameters = tiny.parameters();
    let tuned = Tuned::new(&parameters, &plan, Seed(0)).unwrap();
    let encoder = tiny.encoder(&parameters).with_adapters(tuned.adapters());
    let gradient = Gradient {
        plan: &plan,
        encoder: &encoder,
        examples: &tiny.train,
        draws: Draws::new(Seed(0), 1),
        ahead: None,
        buckets: None,
    };
    let batch = [(0..10).collect::<Vec<_>>()];
    // Up matrices are zero: only they have a gradient.
    let move_by = |step: f64| {
        let guard = tch::no_grad_guard();
        for one in tuned.moving().iter().filter(|one| one.spec.name.contains("lora_B")) {
            let direction = Tensor::linspace(-1.0, 1.0, one.tensor.numel() as i64, FLOAT);
            let _ = one.tensor.shallow_clone().g_add_(&(direction.view_as(&one.tensor) * step));
        }
        drop(guard);
        gradient.accumulate(&batch).unwrap()
    };
    gradient.accumulate(&batch).unwrap();
    let slope: f64 = tuned
        .moving()
        .iter()
        .filter(|one| one.spec.name.contains("lora_B"))
        .map(|one| {
            let direction = Tensor::linspace(-1.0, 1.0, one.tensor.numel() as i64, FLOAT);
            (direction.view_as(&one.tensor) * one.tensor.grad()).sum(tch::Kind::Double).double_value(&[])
        })
        .sum();
    let (above, below) = (move_by(STEP), move_by(-2.0 * STEP));
    let measured = (above - below) / (2.0 * STEP);
    assert!((measured / slope - 1.0).abs() < 0.02, "{measured} instead of {slope}");
}

const FLOAT: (tch::Kind, tch::Device) = (tch::Kind::Float, tch::Device::Cpu);
