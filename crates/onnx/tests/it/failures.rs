//! What goes wrong, and that nothing is left half-written.

use std::borrow::Cow;
use std::path::Path;

use cliptune_onnx::{ExportOptions, MODEL_FILE, OnnxError, WeightSource, export};

use crate::structure::config;
use crate::support::Weights;

const WEIGHT: &str = "vision_model.encoder.layers.1.mlp.fc1.weight";

fn attempt(folder: &Path, weights: &dyn WeightSource) -> OnnxError {
    export(folder, &config(), weights, &ExportOptions::default()).unwrap_err()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_missing_weight_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut weights = Weights::arbitrary(&config());
    weights.0.remove(WEIGHT);
    assert_eq!(attempt(folder.path(), &weights).to_string(), format!("the weight {WEIGHT} is missing"));
    assert!(files(folder.path()).is_empty());
}

#[test]
fn a_weight_of_another_shape_is_named_with_both_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let mut weights = Weights::arbitrary(&config());
    weights.0.get_mut(WEIGHT).unwrap().0 = vec![6, 12];
    let message = attempt(folder.path(), &weights).to_string();
    assert_eq!(message, format!("the weight {WEIGHT} has shape [6, 12], the configuration says [12, 6]"));
    assert!(files(folder.path()).is_empty());
}

#[test]
fn too_little_data_is_found_while_writing_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut weights = Weights::arbitrary(&config());
    weights.0.get_mut(WEIGHT).unwrap().1.truncate(40);
    let message = attempt(folder.path(), &weights).to_string();
    assert_eq!(message, format!("the weight {WEIGHT} has 40 bytes of data, its shape needs 288"));
    assert!(files(folder.path()).is_empty());
}

#[test]
fn a_folder_that_does_not_exist_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = attempt(&missing, &Weights::arbitrary(&config()));
    let OnnxError::Write(source) = &error else { panic!("{error}") };
    assert!(source.to_string().contains("missing"), "{source}");
}

#[test]
fn a_name_that_is_taken_by_a_folder_is_an_error_without_leftovers() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::create_dir(folder.path().join(MODEL_FILE)).unwrap();
    let error = attempt(folder.path(), &Weights::arbitrary(&config()));
    let OnnxError::Write(source) = &error else { panic!("{error}") };
    assert!(source.to_string().contains(MODEL_FILE), "{source}");
    assert!(files(folder.path()).iter().all(|name| !name.starts_with('.')));
}

#[test]
fn an_export_replaces_an_earlier_one() {
    let folder = tempfile::tempdir().unwrap();
    let weights = Weights::arbitrary(&config());
    for _ in 0..2 {
        export(folder.path(), &config(), &weights, &ExportOptions::default()).unwrap();
    }
    assert_eq!(files(folder.path()).len(), 3);
}

#[test]
fn more_than_two_gibibytes_is_an_error_before_any_data_is_read() {
    /// Has every weight's shape and no data but the scale's.
    struct Huge;

    impl WeightSource for Huge {
        fn shape(&self, name: &str) -> Option<Vec<usize>> {
            let mut config = config();
            config.text.vocab_size = 1 << 27;
            cliptune_clip::weights::weights(&config)
                .into_iter()
                .find(|spec| spec.name == name)
                .map(|spec| spec.shape)
        }

        fn data(&self, name: &str) -> Option<Cow<'_, [u8]>> {
            (name == "logit_scale").then(|| Cow::Owned(vec![0; 4]))
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    config.text.vocab_size = 1 << 27;
    let error = export(folder.path(), &config, &Huge, &ExportOptions::default()).unwrap_err();
    assert!(matches!(error, OnnxError::TooLarge { file: "text_model.onnx", .. }), "{error}");
    assert!(files(folder.path()).is_empty());
}
