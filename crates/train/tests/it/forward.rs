//! The model's outputs against transformers.

use cliptune_clip::ClipConfig;
use cliptune_clip::towers::{ClipOutput, clip};
use cliptune_train::model::{self, TorchOps};
use tch::{Device, Tensor};

use crate::support::{
    OPEN_CLIP_MODELS, Tiny, assert_close, open_clip_file, open_clip_model, reference, tensors,
};

/// Embeddings have length 1.
const EMBEDDING_TOLERANCE: f64 = 1e-5;

#[test]
fn embeddings_and_logits_of_images_and_texts_are_those_of_transformers() {
    // Weights, image files and strings in; the reference had its own tokenizer and PNG bytes, and padded its texts.
    let tiny = Tiny::load();
    let parameters = tiny.parameters();
    let expected = tensors(&reference("train", "forward.safetensors"));
    let images: Vec<usize> = (0..tiny.images.len()).collect();
    let texts: Vec<usize> = (0..tiny.text_count()).collect();
    let computed = tiny.encoder(&parameters).embeddings(&images, &texts).unwrap();
    assert_close(&computed.images, &expected["image_embeds"], EMBEDDING_TOLERANCE, "image_embeds");
    assert_close(&computed.texts, &expected["text_embeds"], EMBEDDING_TOLERANCE, "text_embeds");
    let logits = computed.images.matmul(&computed.texts.tr()) * computed.logit_scale;
    assert_close(&logits, &expected["logits_per_image"], EMBEDDING_TOLERANCE, "logits");
}

/// One of the CLIPs that `scripts/references/onnx_clip.py` made, in every case of padding.
fn model_agrees(name: &str) {
    let folder = reference("onnx", name);
    let config = ClipConfig::from_folder(&folder).unwrap();
    let parameters = model::load(&folder.join("model.safetensors"), &config, Device::Cpu).unwrap();
    let expected = tensors(&folder.join("outputs.safetensors"));
    for case in ["right", "right_unmasked", "left", "end_padded", "trimmed", "single"] {
        let of_case = |what: &str| &expected[&format!("{case}.{what}")];
        let output = clip(
            &mut TorchOps::new(&parameters),
            &config,
            &expected["pixel_values"],
            of_case("input_ids"),
            Some(of_case("attention_mask")),
        )
        .unwrap();
        let close = |computed: &Tensor, what: &str, tolerance| {
            assert_close(computed, of_case(what), tolerance, &format!("{name} {case} {what}"));
        };
        close(&output.image_embeds, "image_embeds", EMBEDDING_TOLERANCE);
        close(&output.text_embeds, "text_embeds", EMBEDDING_TOLERANCE);
        // Cosines times e^3.3 = 27.
        close(&output.logits_per_image, "logits_per_image", 27.0 * EMBEDDING_TOLERANCE);
        close(&output.logits_per_text, "logits_per_text", 27.0 * EMBEDDING_TOLERANCE);
    }
}

#[test]
fn quick_gelu_the_highest_id_and_attention_masks_are_those_of_transformers() {
    model_agrees("legacy");
}

#[test]
fn gelu_and_a_configured_end_of_text_are_those_of_transformers() {
    model_agrees("modern");
}

#[test]
fn siglip_is_that_of_transformers() {
    let folder = reference("onnx", "siglip");
    let config = ClipConfig::from_folder(&folder).unwrap();
    let parameters = model::load(&folder.join("model.safetensors"), &config, Device::Cpu).unwrap();
    let expected = tensors(&folder.join("outputs.safetensors"));
    let of_case = |what: &str| &expected[&format!("full.{what}")];
    let ops = &mut TorchOps::new(&parameters);
    let output = clip(ops, &config, &expected["pixel_values"], of_case("input_ids"), None).unwrap();
    assert_outputs_close(&output, of_case);
}

/// Images, texts and logits of a model that open_clip saved, in its own layout.
#[test]
fn models_of_open_clip_compute_what_they_compute_there() {
    for name in OPEN_CLIP_MODELS {
        let (config, parameters) = open_clip_model(name);
        let expected = tensors(&open_clip_file(name, "outputs.safetensors"));
        let ops = &mut TorchOps::new(&parameters);
        let output = clip(ops, &config, &expected["pixel_values"], &expected["input_ids"], None).unwrap();
        assert_outputs_close(&output, |what| &expected[what]);
    }
}

/// Logits are cosines times e^3.3 = 27.
fn assert_outputs_close<'a>(output: &ClipOutput<Tensor>, expected: impl Fn(&str) -> &'a Tensor) {
    let close = |computed: &Tensor, what: &str, tolerance| {
        assert_close(computed, expected(what), tolerance, what);
    };
    close(&output.image_embeds, "image_embeds", EMBEDDING_TOLERANCE);
    close(&output.text_embeds, "text_embeds", EMBEDDING_TOLERANCE);
    close(&output.logits_per_image, "logits_per_image", 27.0 * EMBEDDING_TOLERANCE);
}

#[test]
fn a_text_without_its_mask_is_the_same_when_only_its_padding_was_masked() {
    let tiny = Tiny::load();
    let parameters = tiny.parameters();
    let encoder = tiny.encoder(&parameters);
    // Alone, the short text is trimmed to its own length; beside the long one it is padded.
    let alone = encoder.texts(&[4]).unwrap();
    let beside = encoder.texts(&[4, 6]).unwrap().narrow(0, 0, 1);
    assert_close(&alone, &beside, 1e-6, "a text of one word");
}
