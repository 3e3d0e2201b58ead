//! What goes wrong, and that nothing is left half-written.

use std::path::Path;

use cliptune_clip::checkpoint::WEIGHTS_FILE;
use cliptune_onnx::{MODEL_FILE, OnnxError, export};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::structure::config;
use crate::support::Weights;

const WEIGHT: &str = "vision_model.encoder.layers.1.mlp.fc1.weight";

/// The error of an export from these weights.
fn attempt(folder: &Path, weights: &Weights) -> OnnxError {
    weights.save(folder, &config());
    let before = files(folder);
    let error = export(folder, folder).unwrap_err();
    assert_eq!(files(folder), before, "nothing was written");
    error
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_missing_weight_is_named_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut weights = Weights::arbitrary(&config());
    weights.0.remove(WEIGHT);
    let message = attempt(folder.path(), &weights).to_string();
    let file = folder.path().join(WEIGHTS_FILE);
    assert_eq!(message, format!("{} has no tensor {WEIGHT}", file.display()));
}

#[test]
fn a_weight_of_another_shape_is_named_with_both_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let mut weights = Weights::arbitrary(&config());
    weights.0.get_mut(WEIGHT).unwrap().0 = vec![6, 12];
    let message = attempt(folder.path(), &weights).to_string();
    let expected = format!("tensor {WEIGHT} has shape [6, 12], the configuration says [12, 6]");
    assert!(message.ends_with(&expected), "{message}");
}

#[test]
fn half_precision_is_refused_because_the_graphs_take_the_elements_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    Weights::arbitrary(&config()).save(folder.path(), &config());
    let path = folder.path().join(WEIGHTS_FILE);
    let bytes = fs_err::read(&path).unwrap();
    let floats = SafeTensors::deserialize(&bytes).unwrap();
    let halves = floats.iter().map(|(name, view)| {
        let data = &view.data()[..view.data().len() / 2];
        (name, TensorView::new(Dtype::F16, view.shape().to_vec(), data).unwrap())
    });
    fs_err::write(&path, safetensors::serialize(halves, None).unwrap()).unwrap();
    let error = export(folder.path(), folder.path()).unwrap_err();
    let expected = format!("{} does not hold every weight as a tensor of its own in f32", path.display());
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_file_that_ends_early_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    Weights::arbitrary(&config()).save(folder.path(), &config());
    let path = folder.path().join(WEIGHTS_FILE);
    let bytes = fs_err::read(&path).unwrap();
    fs_err::write(&path, &bytes[..bytes.len() - 4]).unwrap();
    let error = export(folder.path(), folder.path()).unwrap_err();
    let size = bytes.len();
    let expected = format!(
        "{} is not a usable safetensors file: it has {} bytes where its header says {size}",
        path.display(),
        size - 4
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_folder_that_does_not_exist_is_named() {
    let folder = tempfile::tempdir().unwrap();
    Weights::arbitrary(&config()).save(folder.path(), &config());
    let error = export(&folder.path().join("missing"), folder.path()).unwrap_err();
    let source = std::error::Error::source(&error).unwrap();
    assert!(source.to_string().contains("missing"), "{source}");
}

#[test]
fn a_name_that_is_taken_by_a_folder_is_an_error_without_leftovers() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::create_dir(folder.path().join(MODEL_FILE)).unwrap();
    Weights::arbitrary(&config()).save(folder.path(), &config());
    let error = export(folder.path(), folder.path()).unwrap_err();
    let OnnxError::Write(source) = &error else { panic!("{error}") };
    assert!(source.to_string().contains(MODEL_FILE), "{source}");
    assert!(files(folder.path()).iter().all(|name| !name.starts_with('.')));
}

#[test]
fn an_export_replaces_an_earlier_one() {
    let folder = tempfile::tempdir().unwrap();
    Weights::arbitrary(&config()).save(folder.path(), &config());
    for _ in 0..2 {
        export(folder.path(), folder.path()).unwrap();
    }
    let expected = [
        "config.json",
        "model.onnx",
        "model.safetensors",
        "preprocessor_config.json",
        "text_model.onnx",
        "vision_model.onnx",
        "vision_model_fast.onnx",
    ];
    assert_eq!(files(folder.path()), expected);
}
