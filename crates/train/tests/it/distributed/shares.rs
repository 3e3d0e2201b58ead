//! The shares of a loss against the whole.

use cliptune_train::data::Example;
use cliptune_train::objective::{self, Embeddings};
use tch::Tensor;

use super::OBJECTIVES;
use crate::support::{assert_close, related};

/// Directions in the plane, in degrees, from which gradients flow back.
fn directions(degrees: &[f64]) -> Tensor {
    let radians = degrees.iter().map(|degrees| degrees.to_radians());
    let rows: Vec<f32> = radians.flat_map(|angle| [angle.cos() as f32, angle.sin() as f32]).collect();
    Tensor::from_slice(&rows).view([-1, 2]).set_requires_grad(true)
}

fn leaves() -> Embeddings {
    Embeddings {
        images: directions(&[10.0, 80.0, 35.0, 200.0]),
        texts: directions(&[0.0, 90.0, 180.0, 250.0]),
        logit_scale: Tensor::from(3.0_f32).set_requires_grad(true),
        logit_bias: Some(Tensor::from(-1.0_f32).set_requires_grad(true)),
    }
}

fn gradients_of(embeddings: &Embeddings) -> Vec<Tensor> {
    let Embeddings { images, texts, logit_scale, logit_bias } = embeddings;
    [images, texts, logit_scale].into_iter().chain(logit_bias).map(Tensor::grad).collect()
}

#[test]
fn shares_of_a_loss_add_up_to_it_and_so_do_their_gradients() {
    // Text 0 belongs to two images, and two groups have two images each.
    let example =
        |(image, text): (usize, usize)| Example::new(image, vec![text, (text + 1) % 4], 0, image / 2);
    let examples = related([(0, 0), (1, 1), (2, 0), (3, 2), (0, 3)].into_iter().map(example).collect());
    for objective in OBJECTIVES {
        for smoothing in [0.0, 0.3] {
            let whole = leaves();
            let expected = objective::loss(objective, smoothing, &whole, &examples).unwrap();
            expected.backward();
            for cuts in [vec![0, 5], vec![0, 2, 5], vec![0, 1, 2, 3, 4, 5]] {
                let (parts, mut sum) = (leaves(), 0.0);
                for share in cuts.windows(2).map(|cut| cut[0]..cut[1]) {
                    let weight = share.len() as f64 / examples.len() as f64;
                    let loss =
                        objective::loss_of_share(objective, smoothing, &parts, &examples, share).unwrap();
                    let loss = loss * weight;
                    sum += loss.double_value(&[]);
                    loss.backward();
                }
                let what = format!("{objective:?}, {smoothing}, {cuts:?}");
                assert!((sum - expected.double_value(&[])).abs() < 1e-6, "{what}: {sum}");
                for (found, expected) in gradients_of(&parts).iter().zip(gradients_of(&whole)) {
                    assert_eq!(found.defined(), expected.defined(), "{what}");
                    if expected.defined() {
                        assert_close(found, &expected, 1e-6, &what);
                    }
                }
            }
        }
    }
}
