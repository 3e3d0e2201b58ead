//! ONNX Runtime on the exported files against transformers, made by `scripts/references/onnx_clip.py`.

use cliptune_onnx::{
    ATTENTION_MASK, FAST_VISION_MODEL_FILE, IMAGE_EMBEDS, INPUT_IDS, LOGITS_PER_IMAGE, LOGITS_PER_TEXT,
    MODEL_FILE, PIXEL_VALUES, TEXT_EMBEDS, TEXT_MODEL_FILE, VISION_MODEL_FILE,
};

use crate::support::{Array, Reference, difference, run, session, try_session};

/// Of the logits, which are cosines times e^3.3 = 27.
const TOLERANCE: f32 = 1e-4;
const VISION_FILES: [&str; 2] = [VISION_MODEL_FILE, FAST_VISION_MODEL_FILE];
const CASES: [&str; 6] = ["right", "right_unmasked", "left", "end_padded", "trimmed", "single"];

fn assert_close(a: &Array, b: &Array, what: &str) {
    let difference = difference(a, b);
    assert!(difference <= TOLERANCE, "{what} differs by {difference:e}");
}

fn model_agrees(name: &str) {
    let reference = Reference::load(name);
    let folder = reference.exported();
    let mut session = session(folder.path().join(MODEL_FILE));
    for case in CASES {
        let of_case = |what: &str| &reference.arrays[&format!("{case}.{what}")];
        let inputs = [
            (INPUT_IDS, of_case(INPUT_IDS)),
            (PIXEL_VALUES, &reference.arrays[PIXEL_VALUES]),
            (ATTENTION_MASK, of_case(ATTENTION_MASK)),
        ];
        let outputs = run(&mut session, &inputs).unwrap();
        for output in [LOGITS_PER_IMAGE, LOGITS_PER_TEXT, TEXT_EMBEDS, IMAGE_EMBEDS] {
            assert_close(&outputs[output], of_case(output), &format!("{name} {case} {output}"));
        }
    }
}

#[test]
fn the_model_agrees_with_transformers_for_quick_gelu_and_the_highest_id() {
    model_agrees("legacy");
}

#[test]
fn the_model_agrees_with_transformers_for_gelu_and_a_configured_end() {
    model_agrees("modern");
}

#[test]
fn siglip_agrees_with_transformers() {
    let reference = Reference::load("siglip");
    let folder = reference.exported();
    let of_case = |what: &str| &reference.arrays[&format!("full.{what}")];
    let pixels = (PIXEL_VALUES, &reference.arrays[PIXEL_VALUES]);
    let ids = (INPUT_IDS, of_case(INPUT_IDS));
    let outputs = run(&mut session(folder.path().join(MODEL_FILE)), &[ids, pixels]).unwrap();
    for output in [LOGITS_PER_IMAGE, LOGITS_PER_TEXT, TEXT_EMBEDS, IMAGE_EMBEDS] {
        assert_close(&outputs[output], of_case(output), output);
    }
    let outputs = run(&mut session(folder.path().join(TEXT_MODEL_FILE)), &[ids]).unwrap();
    assert_close(&outputs[TEXT_EMBEDS], of_case("text_projected"), "text");
    for file in VISION_FILES {
        let outputs = run(&mut session(folder.path().join(file)), &[pixels]).unwrap();
        assert_close(&outputs[IMAGE_EMBEDS], &reference.arrays["image_projected"], file);
    }
}

#[test]
fn the_text_tower_agrees_with_transformers() {
    for name in ["legacy", "modern"] {
        let reference = Reference::load(name);
        let folder = reference.exported();
        let mut session = session(folder.path().join(TEXT_MODEL_FILE));
        for case in ["right_unmasked", "end_padded", "trimmed", "single"] {
            let ids = &reference.arrays[&format!("{case}.input_ids")];
            let outputs = run(&mut session, &[(INPUT_IDS, ids)]).unwrap();
            let expected = &reference.arrays[&format!("{case}.text_projected")];
            assert_close(&outputs[TEXT_EMBEDS], expected, &format!("{name} {case}"));
        }
    }
}

#[test]
fn the_vision_tower_agrees_with_transformers_whatever_the_batch() {
    for (name, file) in
        ["legacy", "modern"].into_iter().flat_map(|name| VISION_FILES.map(|file| (name, file)))
    {
        let reference = Reference::load(name);
        let folder = reference.exported();
        let mut session = session(folder.path().join(file));
        let (pixels, expected) = (&reference.arrays[PIXEL_VALUES], &reference.arrays["image_projected"]);
        let outputs = run(&mut session, &[(PIXEL_VALUES, pixels)]).unwrap();
        assert_close(&outputs[IMAGE_EMBEDS], expected, &format!("{name} {file}"));

        let first = |array: &Array| {
            let (mut shape, images) = (array.shape().to_vec(), array.shape()[0]);
            shape[0] = 1;
            Array::Float(shape, array.floats()[..array.floats().len() / images].to_vec())
        };
        let outputs = run(&mut session, &[(PIXEL_VALUES, &first(pixels))]).unwrap();
        assert_close(&outputs[IMAGE_EMBEDS], &first(expected), &format!("{name} {file} alone"));
    }
}

#[test]
fn trimming_padding_changes_nothing() {
    let reference = Reference::load("legacy");
    let folder = reference.exported();
    let mut session = session(folder.path().join(TEXT_MODEL_FILE));
    let ids = &reference.arrays["right.input_ids"];
    let padded = run(&mut session, &[(INPUT_IDS, &ids.corner(2, ids.shape()[1]))]).unwrap();
    let trimmed = run(&mut session, &[(INPUT_IDS, &ids.corner(2, 6))]).unwrap();
    assert!(difference(&padded[TEXT_EMBEDS], &trimmed[TEXT_EMBEDS]) < 1e-6);
}

#[test]
fn the_causal_mask_is_in_the_graph() {
    // A later token reaches no earlier row: with another word after the end of text, the embedding stays.
    let reference = Reference::load("legacy");
    let folder = reference.exported();
    let mut session = session(folder.path().join(TEXT_MODEL_FILE));
    let ids = reference.arrays["right.input_ids"].corner(1, 8);
    let mut changed = ids.ints().to_vec();
    changed[6] = 30;
    let changed = Array::Int(vec![1, 8], changed);
    let before = run(&mut session, &[(INPUT_IDS, &ids)]).unwrap();
    let after = run(&mut session, &[(INPUT_IDS, &changed)]).unwrap();
    assert_eq!(difference(&before[TEXT_EMBEDS], &after[TEXT_EMBEDS]), 0.0);
}

#[test]
fn inputs_of_other_sizes_are_errors_and_not_other_numbers() {
    let reference = Reference::load("legacy");
    let folder = reference.exported();
    for (file, side) in VISION_FILES.into_iter().flat_map(|file| [4, 10, 24, 40].map(|side| (file, side))) {
        let mut vision = session(folder.path().join(file));
        let pixels = Array::Float(vec![1, 3, side, side], vec![0.0; 3 * side * side]);
        assert!(run(&mut vision, &[(PIXEL_VALUES, &pixels)]).is_err(), "{file} takes {side} pixels");
    }
    let mut text = session(folder.path().join(TEXT_MODEL_FILE));
    let too_long = Array::Int(vec![1, 12], vec![59; 12]);
    assert!(run(&mut text, &[(INPUT_IDS, &too_long)]).is_err());
}

#[test]
fn the_scale_in_the_metadata_is_the_scale_of_the_graph() {
    let reference = Reference::load("modern");
    let folder = reference.exported();
    for file in [TEXT_MODEL_FILE, VISION_MODEL_FILE, FAST_VISION_MODEL_FILE, MODEL_FILE] {
        let session = session(folder.path().join(file));
        let metadata = session.metadata().unwrap();
        let scale: f32 = metadata.custom("logit_scale").unwrap().parse().unwrap();
        assert!((scale - 3.3_f32.exp()).abs() < 1e-5, "{scale}");
        assert_eq!(metadata.custom("eos_rule").unwrap(), "first:57");
    }
}

#[test]
fn a_copied_folder_of_graphs_runs_and_one_without_its_weights_does_not() {
    let reference = Reference::load("legacy");
    let (folder, copy) = (reference.exported(), tempfile::tempdir().unwrap());
    let place = copy.path().join(TEXT_MODEL_FILE);
    fs_err::copy(folder.path().join(TEXT_MODEL_FILE), &place).unwrap();
    let error = try_session(&place).unwrap_err().to_string();
    assert!(error.contains("model.safetensors"), "{error}");
    fs_err::copy(folder.path().join("model.safetensors"), copy.path().join("model.safetensors")).unwrap();
    let ids = &reference.arrays["single.input_ids"];
    let outputs = run(&mut session(place), &[(INPUT_IDS, ids)]).unwrap();
    assert_close(&outputs[TEXT_EMBEDS], &reference.arrays["single.text_projected"], "copy");
}
