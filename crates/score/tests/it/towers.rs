//! Batches of texts and images through the towers, and the parity gate.

use std::path::Path;

use cliptune_encode::EncodeError;
use cliptune_encode::export::Export;
use cliptune_encode::matrix::product;
use cliptune_encode::model::Model;
use cliptune_experiment::{Split, TaskKind, Templates};
use cliptune_onnx::{FAST_VISION_MODEL_FILE, VISION_MODEL_FILE};
use cliptune_score::error::ScoreError;
use cliptune_score::score::{Missing, score_run};
use cliptune_store::{Dataset, Item, Run, read_parity, read_scores, write_parity};
use cliptune_terminal::Printer;
use fs_err as fs;

use crate::RUNTIME;
use crate::fixture::Fixture;

pub(crate) fn open(run: &Run) -> Result<Model<'static>, EncodeError> {
    Model::open(&Export::read(&RUNTIME, &run.onnx_folder(), &run.model_folder())?)
}

fn model(fixture: &Fixture) -> Model<'static> {
    let (run, _) = fixture.train();
    open(&run).unwrap()
}

pub(crate) fn score_split(run: &Run, dataset: &Dataset, split: Split) -> Result<(), ScoreError> {
    let missing = Missing { splits: &[split], plan: &run.record().plan.score, export: None, claim: None };
    score_run(&RUNTIME, run, dataset, missing, None, &Printer::new(true, false))
}

#[test]
fn a_vector_does_not_depend_on_the_batch_it_was_in() {
    let fixture = Fixture::new(TaskKind::Choice);
    let mut model = model(&fixture);
    let texts: Vec<String> = (0..150).map(|i| format!("dog {}", "so ".repeat(i * 7 % 11))).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let tokens = model.tokenise(&texts, &Templates::plain()).unwrap();
    let together = model.encode_texts(&tokens, |_| {}).unwrap();
    assert_eq!((together.rows(), together.columns()), (tokens.rows().count(), 4));
    for (row, text) in texts.iter().enumerate().step_by(29) {
        let alone =
            model.encode_texts(&model.tokenise(&[text], &Templates::plain()).unwrap(), |_| {}).unwrap();
        assert!(
            (product(alone.row(0), together.row(tokens.rows().row_of[row])) - 1.0).abs() < 1e-6,
            "{text}"
        );
    }
}

#[test]
fn images_come_back_in_their_order_whatever_their_number() {
    let fixture = Fixture::new(TaskKind::Choice);
    let mut model = model(&fixture);
    let images: Vec<_> = (0..70).map(|i| fixture.item_image(i * i % 4)).collect();
    let counted = std::cell::Cell::new(0);
    let rows = model.encode_images(&images, |images| counted.set(counted.get() + images)).unwrap();
    assert_eq!((rows.rows(), counted.get()), (70, 70));
    for (row, image) in images.iter().enumerate().step_by(9) {
        let alone = model.encode_images(std::slice::from_ref(image), |_| {}).unwrap();
        assert!((product(alone.row(0), rows.row(row)) - 1.0).abs() < 1e-6);
    }
    assert_eq!(model.encode_images(&[], |_| {}).unwrap().rows(), 0);
}

#[test]
fn an_image_that_cannot_be_read_is_named() {
    let fixture = Fixture::new(TaskKind::Choice);
    let mut model = model(&fixture);
    fs::write(fixture.image(2), "no image").unwrap();
    let images: Vec<_> = (0..200).map(|i| fixture.item_image(i % 4)).collect();
    let error = model.encode_images(&images, |_| {}).unwrap_err();
    assert!(error.to_string().contains("2.png"), "{error}");
}

#[test]
fn only_the_splits_that_are_asked_for_are_looked_at() {
    let fixture = Fixture::new(TaskKind::Choice);
    // The gate's sample is of the validation split, and the test items have an image of their own.
    let (kept, apart): (Vec<Item>, Vec<Item>) =
        fixture.items.iter().cloned().partition(|item| item.image != "3.png");
    let validation = kept.into_iter().map(|item| Item { split: Split::Validation, ..item });
    let (run, dataset) = fixture.train_on(&validation.chain(apart).collect::<Vec<_>>());
    fs::write(fixture.image(3), "nobody reads this").unwrap();
    score_split(&run, &dataset, Split::Validation).unwrap();
    assert!(read_scores(&run, Split::Validation).unwrap().is_some());
    assert!(read_scores(&run, Split::Test).unwrap().is_none());
    assert!(!fixture.path("runs/.looks").exists());
    let error = score_split(&run, &dataset, Split::Test).unwrap_err();
    assert!(error.to_string().contains("3.png"), "{error}");
}

#[test]
fn an_image_that_has_changed_since_the_dataset_was_made_is_not_scored() {
    let fixture = Fixture::new(TaskKind::Choice);
    let (run, dataset) = fixture.train();
    // As decodable as it was, and as large.
    fs::copy(fixture.image(1), fixture.image(2)).unwrap();
    let error = score_split(&run, &dataset, Split::Test).unwrap_err();
    assert!(error.to_string().contains("2.png has changed since its dataset was made"), "{error}");
    assert!(read_scores(&run, Split::Test).unwrap().is_none());
}

#[test]
fn a_run_whose_graphs_disagree_with_libtorch_is_refused() {
    let fixture = Fixture::new(TaskKind::Choice);
    let (run, dataset) = fixture.train();
    let mut sample = read_parity(&run).unwrap();
    sample.items[1].logits[2] += 0.01;
    write_parity(&run, &sample).unwrap();
    let error = score_split(&run, &dataset, Split::Test).unwrap_err();
    let ScoreError::Parity { item, text, libtorch, onnx, .. } = error else { panic!("{error}") };
    assert_eq!((item.as_str(), text), ("0000000000000001", 2));
    assert!((libtorch - onnx - 0.01).abs() < 1e-4);
    assert!(read_scores(&run, Split::Test).unwrap().is_none(), "nothing is scored");
}

#[test]
fn a_model_that_computes_nan_is_told_from_a_damaged_file() {
    let fixture = Fixture::new(TaskKind::Choice);
    let (run, dataset) = fixture.train();
    let mut sample = read_parity(&run).unwrap();
    sample.items[1].logits[2] = f64::NAN;
    write_parity(&run, &sample).unwrap();
    let error = score_split(&run, &dataset, Split::Test).unwrap_err();
    let told = "libtorch itself computed NaN for text 2 of item 0000000000000001 when the run was exported";
    assert!(error.to_string().contains(told), "{error}");
}

#[test]
fn nan_is_told_with_the_tower_and_the_input_that_it_comes_from() {
    let fixture = Fixture::new(TaskKind::Choice);
    let (run, dataset) = fixture.train();
    write_first_colour(&run.onnx_folder().join(VISION_MODEL_FILE), f32::NAN);
    let error = score_split(&run, &dataset, Split::Test).unwrap_err();
    let (graph, image) = (run.onnx_folder().join(VISION_MODEL_FILE), fixture.image(0));
    let told = format!("{}: ONNX Runtime computes NaN for the image {}", graph.display(), image.display());
    assert_eq!(error.to_string(), told);
}

/// Makes the first colour of the vision tower's matrix count otherwise.
fn write_first_colour(graph: &Path, weight: f32) {
    let mut bytes = fs::read(graph).unwrap();
    let colours = [1.0_f32, 0.2, -0.3, 0.5].map(f32::to_le_bytes).concat();
    let place = bytes.windows(colours.len()).position(|window| window == colours).unwrap();
    bytes[place..place + 4].copy_from_slice(&weight.to_le_bytes());
    fs::write(graph, bytes).unwrap();
}

#[test]
fn a_portable_vision_tower_that_computes_something_else_is_refused() {
    let fixture = Fixture::new(TaskKind::Choice);
    let (run, dataset) = fixture.train();
    let [portable, fast] =
        [VISION_MODEL_FILE, FAST_VISION_MODEL_FILE].map(|file| run.onnx_folder().join(file));
    // Scored with the fast one, which is right. The other one's first colour counts for -1.0 instead of 1.0.
    fs::copy(&portable, fast).unwrap();
    write_first_colour(&portable, -1.0);
    let error = score_split(&run, &dataset, Split::Test).unwrap_err();
    assert!(matches!(error, ScoreError::Parity { graph: "vision_model.onnx", .. }), "{error}");
    assert!(read_scores(&run, Split::Test).unwrap().is_none(), "nothing is scored");
}

#[test]
fn a_sample_of_other_items_is_refused() {
    let fixture = Fixture::new(TaskKind::Choice);
    let (run, dataset) = fixture.train();
    let mut sample = read_parity(&run).unwrap();
    sample.items[0].item_id = "feed".to_owned();
    write_parity(&run, &sample).unwrap();
    let error = score_split(&run, &dataset, Split::Test).unwrap_err();
    assert!(matches!(error, ScoreError::ForeignSample { .. }), "{error}");
}

#[test]
fn a_split_without_items_is_an_error() {
    let fixture = Fixture::new(TaskKind::Choice);
    let (run, dataset) = fixture.train();
    let error = score_split(&run, &dataset, Split::Train).unwrap_err();
    assert!(error.to_string().starts_with("the train split of tiny/"), "{error}");
}
