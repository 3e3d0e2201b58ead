//! What is not trained on, and what is not recorded as done: images that have changed, models that compute no numbers.

use cliptune_experiment::Split;
use cliptune_store::RunStatus;
use cliptune_train::model;
use fs_err as fs;
use tch::Tensor;

use crate::runs::{AS_IT_IS, Place, SPLITS, TRAINED, image, weights};
use crate::support::tensors;

#[test]
fn an_image_that_has_changed_since_the_dataset_was_made_is_not_trained_on() {
    let place = Place::new(TRAINED, &SPLITS);
    // Another folder with the same names; one of the files has another content.
    let images = place.folder.path().join("images");
    fs::create_dir(&images).unwrap();
    for number in 0..SPLITS.len() {
        let content = if number == 3 { 0 } else { number };
        fs::copy(image(content).path(), images.join(format!("{number}.png"))).unwrap();
    }
    let dataset = place.dataset.clone().with_images_folders(&[images]);
    let place = Place { dataset, ..place };
    let error = place.make(false).unwrap_err();
    assert!(error.to_string().ends_with("3.png has changed since its dataset was made"), "{error}");
    assert_eq!(place.store().runs().unwrap().runs.remove(0).status(), RunStatus::Failed);
}

/// Rewrites the weights that a run starts from.
fn reweigh(place: &Place, change: impl Fn(&str, &Tensor) -> Tensor) {
    let file = place.folder.path().join("model/model.safetensors");
    let changed = tensors(&file).into_iter().map(|(name, tensor)| {
        let tensor = change(&name, &tensor);
        (name, tensor)
    });
    let changed: Vec<(String, Tensor)> = changed.collect();
    model::save(&file, changed.iter().map(|(name, tensor)| (name.clone(), tensor)), None).unwrap();
}

#[test]
fn a_model_that_computes_no_numbers_is_refused_before_there_is_a_run() {
    let projection = "text_projection.weight";
    let hold = |name: &'static str, value: f64| {
        move |weight: &str, tensor: &Tensor| match weight == name {
            true => tensor.full_like(value),
            false => tensor.shallow_clone(),
        }
    };
    let zeros = |_: &str, tensor: &Tensor| tensor.zeros_like();
    type Change = Box<dyn Fn(&str, &Tensor) -> Tensor>;
    let cases: [(Change, &str); 5] = [
        (Box::new(hold(projection, f64::NAN)), "tensor text_projection.weight holds NaN"),
        (Box::new(hold("logit_scale", f64::INFINITY)), "tensor logit_scale holds infinity"),
        (Box::new(hold("logit_scale", 1000.0)), "tensor logit_scale is 1000"),
        (
            Box::new(hold("visual_projection.weight", 0.0)),
            "tensor visual_projection.weight holds nothing but zeros",
        ),
        (Box::new(zeros), "holds nothing but zeros"),
    ];
    for (change, fault) in cases {
        for train in [TRAINED, AS_IT_IS] {
            let place = Place::new(train, &SPLITS);
            reweigh(&place, &change);
            let error = place.make(false).unwrap_err();
            assert!(error.to_string().contains(fault), "{error}");
            assert!(place.store().runs().unwrap().runs.is_empty());
        }
    }
}

#[test]
fn a_model_that_training_has_destroyed_is_not_a_run_that_is_done() {
    // One step, after which no weight is a number, and no epoch to choose: more decay than a plan may ask for.
    let mut place = Place::new(&format!("{TRAINED}  select: last\n"), &[Split::Train; 4]);
    let train = place.plan.train.as_mut().unwrap();
    (train.epochs, train.batch_size) = (1, 4.try_into().unwrap());
    train.optimizer.weight_decay = 1e45;
    let error = place.make(false).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("onnx/model.safetensors: tensor ") && message.contains(" holds "), "{message}");
    assert_eq!(place.store().runs().unwrap().runs.remove(0).status(), RunStatus::Failed);
}

#[test]
fn a_model_that_overflows_though_its_weights_are_numbers_is_refused() {
    for (weight, tower) in [("visual_projection.weight", "vision"), ("text_projection.weight", "text")] {
        let place = Place::new(AS_IT_IS, &SPLITS);
        reweigh(
            &place,
            |name, tensor| if name == weight { tensor.full_like(3e38) } else { tensor.shallow_clone() },
        );
        let message = place.make(false).unwrap_err().to_string();
        assert!(message.contains(&format!("computes no finite numbers: its {tower} tower")), "{message}");
        assert!(place.store().runs().unwrap().runs.is_empty());
    }
}

#[test]
fn a_run_that_nothing_was_better_in_says_that_it_has_kept_its_starting_weights() {
    let still = TRAINED.replace("lr: 1e-3", "lr: 1e-12");
    let place = Place::new(&still, &SPLITS);
    let run = place.make(false).unwrap();
    assert!(run.record().kept_start());
    let (start, kept) = (weights(&place.folder.path().join("model")), weights(&run.model_folder()));
    assert_eq!(start, kept);
}
