//! Reduced graphs: ONNX Runtime on them against transformers, and what the files contain.

use std::collections::BTreeMap;
use std::path::Path;

use cliptune_clip::weights::{Part, WeightSpec, weights};
use cliptune_onnx::proto::{DataType, Model};
use cliptune_onnx::{
    IMAGE_EMBEDS, INPUT_IDS, PIXEL_VALUES, Reduction, TEXT_EMBEDS, TEXT_MODEL_FILE, VISION_MODEL_FILE, reduce,
};
use prost::Message;

use crate::support::{Array, Reference, run, session};

const REFERENCES: [&str; 3] = ["legacy", "modern", "siglip"];
const TOWERS: [&str; 2] = [TEXT_MODEL_FILE, VISION_MODEL_FILE];

/// The largest distance of a unit vector from transformers' that passes. A reduced precision is no exact thing; a lost
/// scale, a swapped axis or a wrong bias is beyond 0.1 at once.
fn tolerance(reduction: Reduction) -> f32 {
    match reduction {
        // Eleven bits of mantissa: each rounding is at most 2^-11.
        Reduction::Fp16 => 2e-3,
        // Seven bits of weights and eight of activations, in layers only 16 wide, whose errors average out little.
        Reduction::Int8 => 0.06,
    }
}

/// As the published files are called, and as `scripts/check-onnx` looks for them.
fn file_of(reduction: Reduction, tower: &str) -> String {
    tower.replace(".onnx", &format!("_{}.onnx", reduction.as_str()))
}

/// The export with both towers reduced.
fn reduced(reference: &Reference, reduction: Reduction) -> tempfile::TempDir {
    let folder = reference.exported();
    for tower in TOWERS {
        let path = |name: &str| folder.path().join(name);
        reduce(&path(tower), &path(&file_of(reduction, tower)), reduction).unwrap();
    }
    folder
}

fn decoded(path: &Path) -> Model {
    Model::decode(fs_err::read(path).unwrap().as_slice()).unwrap()
}

/// The largest distance between the directions of rows.
fn distance(found: &Array, expected: &Array) -> f32 {
    assert_eq!(found.shape(), expected.shape());
    let unit = |row: &[f32]| {
        let norm = row.iter().map(|value| value * value).sum::<f32>().sqrt();
        row.iter().map(|value| value / norm).collect::<Vec<f32>>()
    };
    let width = found.shape()[1];
    let rows = found.floats().chunks(width).zip(expected.floats().chunks(width));
    let of = |(a, b): (&[f32], &[f32])| {
        unit(a).iter().zip(unit(b)).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
    };
    // Unlike `max`, which ignores it, the comparison keeps a NaN visible.
    rows.map(of).fold(0.0, |largest, each| if each.is_nan() { f32::NAN } else { largest.max(each) })
}

fn towers_agree(reduction: Reduction) {
    for name in REFERENCES {
        let reference = Reference::load(name);
        let folder = reduced(&reference, reduction);
        let open = |tower: &str| session(folder.path().join(file_of(reduction, tower)));
        let close = |found: &Array, expected: &str| {
            let distance = distance(found, &reference.arrays[expected]);
            assert!(distance <= tolerance(reduction), "{name} {expected}: {distance:e}");
        };
        let (mut text, mut vision) = (open(TEXT_MODEL_FILE), open(VISION_MODEL_FILE));
        let cases: &[&str] =
            if name == "siglip" { &["full"] } else { &["right_unmasked", "trimmed", "single"] };
        for case in cases {
            let ids = &reference.arrays[&format!("{case}.input_ids")];
            let outputs = run(&mut text, &[(INPUT_IDS, ids)]).unwrap();
            close(&outputs[TEXT_EMBEDS], &format!("{case}.text_projected"));
        }
        let outputs = run(&mut vision, &[(PIXEL_VALUES, &reference.arrays[PIXEL_VALUES])]).unwrap();
        close(&outputs[IMAGE_EMBEDS], "image_projected");
    }
}

#[test]
fn fp16_agrees_with_transformers() {
    towers_agree(Reduction::Fp16);
}

#[test]
fn int8_agrees_with_transformers() {
    towers_agree(Reduction::Int8);
}

#[test]
fn a_reduced_graph_has_the_ports_and_the_metadata_of_its_source() {
    let reference = Reference::load("legacy");
    for reduction in [Reduction::Fp16, Reduction::Int8] {
        let folder = reduced(&reference, reduction);
        for tower in TOWERS {
            let from = decoded(&folder.path().join(tower));
            let to = decoded(&folder.path().join(file_of(reduction, tower)));
            let (from_graph, to_graph) = (from.graph.unwrap(), to.graph.unwrap());
            assert_eq!((from_graph.input, from_graph.output), (to_graph.input, to_graph.output));
            assert_eq!((from.ir_version, from.opset_import), (to.ir_version, to.opset_import));
            let (last, others) = to.metadata_props.split_last().unwrap();
            assert_eq!(others, from.metadata_props);
            assert_eq!((last.key(), last.value()), ("precision", reduction.as_str()));
        }
    }
}

/// Elements by type, and whether all of them are in the file.
fn elements(model: Model) -> (BTreeMap<&'static str, i64>, bool) {
    let mut counts = BTreeMap::new();
    let mut inside = true;
    for tensor in model.graph.unwrap().initializer {
        let kind = match tensor.data_type() {
            DataType::Float => "f32",
            DataType::Float16 => "f16",
            DataType::Int8 => "i8",
            _ => "other",
        };
        *counts.entry(kind).or_default() += tensor.dims.iter().product::<i64>();
        inside &= tensor.external_data.is_empty() && tensor.raw_data.is_some();
    }
    (counts, inside)
}

#[test]
fn fp16_holds_no_other_floats_and_int8_every_matrix_as_integers() {
    let reference = Reference::load("legacy");
    let folder = reduced(&reference, Reduction::Fp16);
    let all = elements(decoded(&folder.path().join(TEXT_MODEL_FILE))).0;
    let (half, inside) = elements(decoded(&folder.path().join("text_model_fp16.onnx")));
    assert_eq!((half.get("f32"), half["f16"], inside), (None, all["f32"], true));

    let folder = reduced(&reference, Reduction::Int8);
    let (int8, inside) = elements(decoded(&folder.path().join("text_model_int8.onnx")));
    let is_quantised = |spec: &WeightSpec| {
        let of_text = matches!(spec.part, Part::Text | Part::TextProjection);
        of_text && spec.shape.len() == 2 && !spec.name.contains("position_embedding")
    };
    let weights = weights(&reference.config).into_iter();
    let expected: usize = weights.filter(is_quantised).map(|spec| spec.len()).sum();
    assert_eq!((int8["i8"], inside), (expected as i64, true));
    assert_eq!(int8.get("f16"), None);
}

#[test]
fn the_same_graph_makes_the_same_bytes() {
    let reference = Reference::load("modern");
    let folder = reference.exported();
    for reduction in [Reduction::Fp16, Reduction::Int8] {
        let bytes = ["first", "second"].map(|name| {
            let to = folder.path().join(name);
            reduce(&folder.path().join(TEXT_MODEL_FILE), &to, reduction).unwrap();
            fs_err::read(to).unwrap()
        });
        assert!(bytes[0] == bytes[1]);
    }
}

#[test]
fn the_official_checker_accepts_reduced_files() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/check-onnx");
    for name in REFERENCES {
        for reduction in [Reduction::Fp16, Reduction::Int8] {
            let folder = reduced(&Reference::load(name), reduction);
            let output = std::process::Command::new(&script).arg(folder.path()).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(said.contains(&file_of(reduction, TEXT_MODEL_FILE)), "{said}");
        }
    }
}

#[test]
fn what_is_no_graph_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("text_model.onnx");
    let to = folder.path().join("text_model_int8.onnx");
    let message = |result: Result<(), cliptune_onnx::OnnxError>| result.unwrap_err().to_string();
    assert_eq!(message(reduce(&from, &to, Reduction::Int8)), format!("cannot read {}", from.display()));
    fs_err::write(&from, "no model").unwrap();
    let said = message(reduce(&from, &to, Reduction::Int8));
    assert!(said.starts_with(&format!("{} is no ONNX model: ", from.display())), "{said}");
}
