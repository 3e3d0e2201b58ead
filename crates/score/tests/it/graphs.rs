//! Single ONNX files.

use std::path::{Path, PathBuf};

use cliptune_encode::graph::{Graph, Input};
use cliptune_encode::runtime::Purpose;
use serde::Deserialize;

use crate::RUNTIME;

/// Inputs, and numpy's outputs for them.
#[derive(Deserialize)]
struct Expected {
    input_ids: Vec<i64>,
    pixel_values: Vec<f32>,
    text_embeds: Vec<f32>,
    image_embeds: Vec<f32>,
    logits_per_image: Vec<f32>,
}

pub(crate) fn reference(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/references").join(file)
}

fn expected() -> Expected {
    serde_json::from_slice(&fs_err::read(reference("expected.json")).unwrap()).unwrap()
}

fn open(file: &str, inputs: &[&'static str], outputs: &[&'static str]) -> Graph {
    Graph::open(&RUNTIME, &reference(file), Purpose::Few, inputs, outputs).unwrap()
}

#[test]
fn outputs_are_numpys() {
    // Tolerance: numpy computed in 64 bits, the graph multiplies and takes sines in 32.
    let Expected { input_ids, pixel_values, text_embeds, image_embeds, logits_per_image } = expected();
    let ids = Input::Ids([2, 5], &input_ids);
    let pixels = Input::Pixels([2, 3, 2, 2], &pixel_values);
    let mask = Input::Ids([2, 5], &[1; 10]);
    let close = |found: &[f32], expected: &[f32]| {
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-5), "{found:?} {expected:?}");
    };
    let mut text = open("text_model.onnx", &["input_ids"], &["text_embeds"]);
    let rows = text.run(&[("input_ids", ids)], "text_embeds", 2).unwrap();
    close(&[rows.row(0), rows.row(1)].concat(), &text_embeds);
    let mut vision = open("vision_model.onnx", &["pixel_values"], &["image_embeds"]);
    let rows = vision.run(&[("pixel_values", pixels)], "image_embeds", 2).unwrap();
    close(&[rows.row(0), rows.row(1)].concat(), &image_embeds);
    let mut both =
        open("model.onnx", &["input_ids", "pixel_values", "attention_mask"], &["logits_per_image"]);
    let inputs = [("input_ids", ids), ("pixel_values", pixels), ("attention_mask", mask)];
    let rows = both.run(&inputs, "logits_per_image", 2).unwrap();
    close(&[rows.row(0), rows.row(1)].concat(), &logits_per_image);
}

#[test]
fn a_missing_input_is_named_with_those_that_are_there() {
    let file = reference("text_model.onnx");
    let error =
        Graph::open(&RUNTIME, &file, Purpose::Few, &["input_ids", "attention_mask"], &[]).unwrap_err();
    assert!(error.to_string().ends_with("has no input attention_mask; it has input_ids"), "{error}");
}

#[test]
fn a_file_that_is_no_graph_is_an_error() {
    let error = Graph::open(&RUNTIME, &reference("expected.json"), Purpose::Few, &[], &[]).unwrap_err();
    assert!(error.to_string().contains("expected.json"), "{error}");
    let error = Graph::open(&RUNTIME, Path::new("nowhere.onnx"), Purpose::Few, &[], &[]).unwrap_err();
    assert!(error.to_string().contains("nowhere.onnx"), "{error}");
}

#[test]
fn an_output_of_the_wrong_size_is_an_error() {
    let mut text = open("text_model.onnx", &["input_ids"], &["text_embeds"]);
    let error = text.run(&[("input_ids", Input::Ids([1, 2], &[5, 6]))], "text_embeds", 3).unwrap_err();
    assert!(error.to_string().contains("[1, 4], expected 3 rows"), "{error}");
}
