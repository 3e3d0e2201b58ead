//! What the files contain, read back with the same messages.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use cliptune_clip::ClipConfig;
use cliptune_clip::checkpoint::WEIGHTS_FILE;
use cliptune_clip::config::{
    Activation, Family, TextConfig, TextPooling, TransformerConfig, VisionConfig, VisionPooling,
};
use cliptune_clip::weights::{Part, weights};
use cliptune_onnx::proto::{DataLocation, Extent, Graph, Model, Tensor, ValueInfo};
use cliptune_onnx::{ExportOptions, MODEL_FILE, TEXT_MODEL_FILE, VISION_MODEL_FILE, export};
use prost::Message;

use crate::support::Weights;

pub(crate) fn config() -> ClipConfig {
    let blocks = |width, layers, heads| TransformerConfig {
        width,
        layers,
        heads,
        mlp_width: 2 * width,
        activation: Activation::QuickGelu,
        layer_norm_eps: 1e-5,
    };
    ClipConfig {
        vision: VisionConfig {
            image_size: 12,
            patch_size: 4,
            pooling: VisionPooling::ClassToken,
            transformer: blocks(6, 3, 3),
        },
        text: TextConfig {
            vocab_size: 20,
            context_length: 7,
            pooling: TextPooling::HighestId,
            transformer: blocks(8, 2, 2),
        },
        projection_dim: 5,
        logit_scale_init: 0.0,
        family: Family::Clip,
    }
}

fn exported(folder: &Path) -> [Model; 3] {
    let options = ExportOptions { metadata: vec![("base".to_owned(), "none".to_owned())] };
    Weights::arbitrary(&config()).save(folder);
    export(folder, &config(), &options).unwrap();
    [TEXT_MODEL_FILE, VISION_MODEL_FILE, MODEL_FILE]
        .map(|file| Model::decode(fs_err::read(folder.join(file)).unwrap().as_slice()).unwrap())
}

fn graphs() -> [Graph; 3] {
    let folder = tempfile::tempdir().unwrap();
    exported(folder.path()).map(|model| model.graph.unwrap())
}

/// `name[axis, axis]`.
fn describe(values: &[ValueInfo]) -> Vec<String> {
    let axis = |extent: Extent| match extent {
        Extent::Fixed(size) => size.to_string(),
        Extent::Named(name) => name,
    };
    let describe = |value: &ValueInfo| {
        let shape = value.value_type.clone().unwrap().tensor_type.unwrap().shape.unwrap();
        let axes: Vec<_> = shape.dim.into_iter().map(|dim| axis(dim.value.unwrap())).collect();
        format!("{}[{}]", value.name(), axes.join(", "))
    };
    values.iter().map(describe).collect()
}

#[test]
fn inputs_and_outputs_are_those_of_optimum() {
    let [text, vision, both] = graphs();
    assert_eq!(describe(&text.input), ["input_ids[batch_size, sequence_length]"]);
    assert_eq!(describe(&text.output), ["text_embeds[batch_size, 5]"]);
    assert_eq!(describe(&vision.input), ["pixel_values[batch_size, num_channels, height, width]"]);
    assert_eq!(describe(&vision.output), ["image_embeds[batch_size, 5]"]);
    assert_eq!(
        describe(&both.input),
        [
            "input_ids[text_batch_size, sequence_length]",
            "pixel_values[image_batch_size, num_channels, height, width]",
            "attention_mask[text_batch_size, sequence_length]",
        ]
    );
    assert_eq!(
        describe(&both.output),
        [
            "logits_per_image[image_batch_size, text_batch_size]",
            "logits_per_text[text_batch_size, image_batch_size]",
            "text_embeds[text_batch_size, 5]",
            "image_embeds[image_batch_size, 5]",
        ]
    );
}

#[test]
fn every_file_holds_the_weights_it_needs_under_their_own_names() {
    let names = |parts: &[Part]| -> BTreeSet<String> {
        weights(&config())
            .into_iter()
            .filter(|spec| parts.contains(&spec.part))
            .map(|spec| spec.name)
            .collect()
    };
    let (text, vision) = ([Part::Text, Part::TextProjection], [Part::Vision, Part::VisualProjection]);
    let all = [&text[..], &vision, &[Part::LogitScale]].concat();
    let expected = [names(&text), names(&vision), names(&all)];
    for (graph, expected) in graphs().iter().zip(expected) {
        let constant = |name: &str| name.starts_with("constant/");
        let held: BTreeSet<String> = graph
            .initializer
            .iter()
            .map(|tensor| tensor.name().to_owned())
            .filter(|name| !constant(name))
            .collect();
        assert_eq!(held, expected);
    }
}

#[test]
fn a_weight_is_a_place_in_the_file_beside_the_graph() {
    let weights = Weights::arbitrary(&config());
    let folder = tempfile::tempdir().unwrap();
    let [_, _, both] = exported(folder.path());
    let file = fs_err::read(folder.path().join(WEIGHTS_FILE)).unwrap();
    let initializers = both.graph.unwrap().initializer;
    let weight = |tensor: &&Tensor| !tensor.name().starts_with("constant/");
    assert_eq!(initializers.iter().filter(weight).count(), weights.0.len());
    for tensor in initializers.iter().filter(weight) {
        let (shape, data) = &weights.0[tensor.name()];
        let entry = |index: usize, key| {
            let entry = &tensor.external_data[index];
            assert_eq!(entry.key(), key);
            entry.value()
        };
        assert_eq!((tensor.data_location(), entry(0, "location")), (DataLocation::External, WEIGHTS_FILE));
        let (offset, length): (usize, usize) =
            (entry(1, "offset").parse().unwrap(), entry(2, "length").parse().unwrap());
        assert!(tensor.raw_data.is_none());
        assert!(tensor.dims.iter().eq(shape.iter().map(|&size| size as i64).collect::<Vec<_>>().iter()));
        assert_eq!(&file[offset..offset + length], data);
    }
}

#[test]
fn every_value_is_made_before_it_is_used_and_used() {
    for graph in graphs() {
        let given = graph.input.iter().map(ValueInfo::name);
        let mut known: HashSet<&str> = given.chain(graph.initializer.iter().map(Tensor::name)).collect();
        let mut unused = known.clone();
        for node in &graph.node {
            for input in &node.input {
                assert!(known.contains(input.as_str()), "{} uses {input}", node.name());
                unused.remove(input.as_str());
            }
            for output in &node.output {
                assert!(known.insert(output), "{output} is made twice");
                unused.insert(output);
            }
        }
        for output in &graph.output {
            assert!(unused.remove(output.name()) || known.contains(output.name()));
        }
        assert!(unused.is_empty(), "{unused:?}");
    }
}

#[test]
fn the_length_of_a_text_and_its_mask_are_computed_once() {
    for graph in [&graphs()[0], &graphs()[2]] {
        let made = |name: &str| graph.node.iter().filter(|node| node.name().starts_with(name)).count();
        assert_eq!(made("input_ids/length") - made("input_ids/length_scalar"), 1);
        assert_eq!(made("input_ids/causal_mask"), 1);
        assert_eq!(made("input_ids/heads_shape"), 1);
    }
}

#[test]
fn every_linear_layer_is_one_node_and_no_operator_is_foreign() {
    let [text, vision, _] = graphs();
    let gemms = |graph: &Graph| graph.node.iter().filter(|node| node.op_type() == "Gemm").count();
    assert_eq!((gemms(&text), gemms(&vision)), (2 * 6 + 1, 3 * 6 + 1));
    let folder = tempfile::tempdir().unwrap();
    for model in exported(folder.path()) {
        let sets: Vec<_> = model.opset_import.iter().map(|set| (set.domain(), set.version())).collect();
        assert_eq!((model.ir_version(), sets), (8, vec![("", 17)]));
    }
}

#[test]
fn the_metadata_says_what_the_graph_does_not() {
    let folder = tempfile::tempdir().unwrap();
    for model in exported(folder.path()) {
        let entries: Vec<_> =
            model.metadata_props.iter().map(|entry| format!("{}={}", entry.key(), entry.value())).collect();
        // e^-0.5 in f32.
        let expected = [
            "family=clip",
            "logit_scale=0.60653067",
            "activation=quick_gelu",
            "eos_rule=highest_id",
            "context_length=7",
            "image_size=12",
            "base=none",
        ];
        assert_eq!(entries, expected);
    }
}

#[test]
fn the_same_weights_give_the_same_bytes() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for folder in &folders {
        exported(folder.path());
    }
    for file in [TEXT_MODEL_FILE, VISION_MODEL_FILE, MODEL_FILE] {
        let [first, second] =
            folders.each_ref().map(|folder| fs_err::read(folder.path().join(file)).unwrap());
        assert!(first == second, "{file}");
    }
}
