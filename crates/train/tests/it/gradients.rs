//! Losses and gradients against PyTorch's autograd.

use cliptune_experiment::{LogitScale, Tune};
use cliptune_train::data::Batch;
use cliptune_train::objective::{self, needed};

use crate::support::{OBJECTIVES, Tiny, assert_close, largest, reference, tensors};

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
