//! Weights that are all there and from which nothing can be computed.

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, not in their helpers")]

use std::path::{Path, PathBuf};

use cliptune_clip::ClipConfig;
use cliptune_clip::checkpoint::{Checkpoint, CheckpointError};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../onnx/tests/references").join(name)
}

/// A model of transformers with the values of one tensor changed; what is said of it.
fn checked(model: &str, tensor: &str, change: impl Fn(&mut [f32])) -> Result<(), CheckpointError> {
    let folder = reference(model);
    let config = ClipConfig::from_folder(&folder).unwrap();
    let data = fs_err::read(folder.join("model.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&data).unwrap();
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = file
        .iter()
        .map(|(name, view)| (name.to_owned(), view.shape().to_vec(), view.data().to_vec()))
        .collect();
    for (name, _, bytes) in &mut tensors {
        if name == tensor || tensor == "*" {
            let mut values: Vec<f32> =
                bytes.as_chunks().0.iter().map(|&one| f32::from_le_bytes(one)).collect();
            change(&mut values);
            *bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        }
    }
    let views = tensors
        .iter()
        .map(|(name, shape, data)| (name, TensorView::new(Dtype::F32, shape.clone(), data).unwrap()));
    let changed = tempfile::tempdir().unwrap();
    let path = changed.path().join("model.safetensors");
    fs_err::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    Checkpoint::open_file(&path, &config).unwrap().check_values()
}

fn refusal(model: &str, tensor: &str, change: impl Fn(&mut [f32])) -> String {
    let error = checked(model, tensor, change).unwrap_err();
    assert!(error.hint().is_some(), "{error}");
    let text = error.to_string();
    text.split_once("model.safetensors: ").unwrap().1.to_owned()
}

#[test]
fn the_values_of_a_usable_model_are_accepted() {
    for model in ["legacy", "modern", "siglip"] {
        checked(model, "", |_| ()).unwrap();
    }
}

#[test]
fn a_value_that_is_not_finite_is_named_with_its_tensor_and_place() {
    let norm = "vision_model.post_layernorm.bias";
    assert_eq!(
        refusal("legacy", norm, |values| values[2] = f32::NAN),
        format!("tensor {norm} holds NaN, first at [2]")
    );
    let matrix = "text_model.encoder.layers.0.mlp.fc1.weight";
    let infinite = |values: &mut [f32]| values[1..].fill(f32::NEG_INFINITY);
    assert_eq!(
        refusal("siglip", matrix, infinite),
        format!("tensor {matrix} holds infinity, first at [0, 1]")
    );
    let everywhere = refusal("modern", "*", |values| values.fill(f32::NAN));
    assert!(everywhere.contains("holds NaN"), "{everywhere}");
}

#[test]
fn zeros_that_hide_every_image_or_text_are_refused() {
    let zeros = |values: &mut [f32]| values.fill(0.0);
    for (model, tensor, what) in [
        ("legacy", "visual_projection.weight", "images"),
        ("legacy", "text_projection.weight", "texts"),
        ("legacy", "text_model.embeddings.token_embedding.weight", "texts"),
        ("modern", "vision_model.embeddings.patch_embedding.weight", "images"),
        ("modern", "vision_model.post_layernorm.weight", "images"),
        ("siglip", "text_model.head.weight", "texts"),
        ("siglip", "vision_model.head.attention.out_proj.weight", "images"),
    ] {
        assert_eq!(
            refusal(model, tensor, zeros),
            format!(
                "tensor {tensor} holds nothing but zeros, so that all {what} would look the same to the model"
            )
        );
    }
    let all = refusal("legacy", "*", zeros);
    assert!(all.contains("nothing but zeros"), "{all}");
    // A bias, or a position, is often zero.
    checked("legacy", "text_model.embeddings.position_embedding.weight", zeros).unwrap();
    checked("legacy", "vision_model.post_layernorm.bias", zeros).unwrap();
}

#[test]
fn a_temperature_without_a_finite_factor_is_refused() {
    assert_eq!(
        refusal("legacy", "logit_scale", |values| values[0] = 1000.0),
        "tensor logit_scale is 1000, so that similarities would be multiplied by inf"
    );
    assert_eq!(
        refusal("siglip", "logit_scale", |values| values[0] = -1000.0),
        "tensor logit_scale is -1000, so that similarities would be multiplied by 0"
    );
    let bias = refusal("siglip", "logit_bias", |values| values[0] = f32::INFINITY);
    assert_eq!(bias, "tensor logit_bias holds infinity, first at [0]");
}
