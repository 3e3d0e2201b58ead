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
use cliptune_onnx::{FAST_VISION_MODEL_FILE, MODEL_FILE, TEXT_MODEL_FILE, VISION_MODEL_FILE, export};
use prost::Message;
use sha2::{Digest, Sha256};

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

const FILES: [&str; 4] = [TEXT_MODEL_FILE, VISION_MODEL_FILE, MODEL_FILE, FAST_VISION_MODEL_FILE];

fn exported(folder: &Path) -> [Model; 4] {
    Weights::arbitrary(&config()).save(folder, &config());
    export(folder, folder).unwrap();
    FILES.map(|file| Model::decode(fs_err::read(folder.join(file)).unwrap().as_slice()).unwrap())
}

fn graphs() -> [Graph; 4] {
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
    let [text, vision, both, fast] = graphs();
    assert_eq!(describe(&text.input), ["input_ids[batch_size, sequence_length]"]);
    assert_eq!(describe(&text.output), ["text_embeds[batch_size, 5]"]);
    assert_eq!(describe(&vision.input), ["pixel_values[batch_size, num_channels, height, width]"]);
    assert_eq!(describe(&vision.output), ["image_embeds[batch_size, 5]"]);
    assert_eq!((&vision.input, &vision.output), (&fast.input, &fast.output));
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
    let expected = [names(&text), names(&vision), names(&all), names(&vision)];
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
    let [_, _, both, _] = exported(folder.path());
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
        assert_eq!(made("input_ids/causal_bias"), 1);
        assert_eq!(made("input_ids/pooled_bias"), 1);
        assert_eq!(made("input_ids/end_position"), 1);
        assert_eq!(made("input_ids/batch_shape"), 1);
    }
}

fn operators(graph: &Graph, operator: &str) -> usize {
    graph.node.iter().filter(|node| node.op_type() == operator).count()
}

#[test]
fn every_linear_layer_is_one_node() {
    let [text, vision, _, fast] = graphs();
    let gemms = |graph| operators(graph, "Gemm");
    assert_eq!((gemms(&text), gemms(&vision), gemms(&fast)), (2 * 6 + 1, 3 * 6 + 1, 3 * 6 + 1));
}

#[test]
fn no_operator_is_foreign_but_the_attention_of_the_fast_tower() {
    let folder = tempfile::tempdir().unwrap();
    for (file, model) in FILES.iter().zip(exported(folder.path())) {
        let sets: Vec<_> = model.opset_import.iter().map(|set| (set.domain(), set.version())).collect();
        let foreign: BTreeSet<_> = model
            .graph
            .iter()
            .flat_map(|graph| &graph.node)
            .filter(|node| !node.domain().is_empty())
            .map(|node| (node.domain(), node.op_type()))
            .collect();
        let (expected_sets, expected_foreign) = match *file {
            FAST_VISION_MODEL_FILE => (
                vec![("", 17), ("com.microsoft", 1)],
                BTreeSet::from([("com.microsoft", "MultiHeadAttention")]),
            ),
            _ => (vec![("", 17)], BTreeSet::new()),
        };
        assert_eq!((model.ir_version(), sets, foreign), (8, expected_sets, expected_foreign), "{file}");
    }
    let [_, _, _, fast] = graphs();
    assert_eq!((operators(&fast, "MultiHeadAttention"), operators(&fast, "Softmax")), (3, 0));
}

#[test]
fn the_last_block_widens_the_pooled_row_alone() {
    for (graph, pool) in graphs().iter().zip(["Gather", "Slice"]) {
        let place = |name: &str| graph.node.iter().position(|node| node.name().ends_with(name)).unwrap();
        let last = if pool == "Gather" { "layers.1" } else { "layers.2" };
        let query = &graph.node[place(&format!("{last}.self_attn.q_proj/linear"))];
        let picked = graph.node.iter().find(|node| node.output[0] == query.input[0]).unwrap();
        assert_eq!(picked.op_type(), pool, "the query is of one row");
        let key = &graph.node[place(&format!("{last}.self_attn.k_proj/linear"))];
        let normed = graph.node.iter().find(|node| node.output[0] == key.input[0]).unwrap();
        assert_eq!(normed.op_type(), "LayerNormalization", "keys are of all rows");
        let picks_after = graph.node[place(&format!("{last}.mlp.fc1/linear"))..].iter();
        assert_eq!(picks_after.filter(|node| node.op_type() == pool).count(), 0, "the MLP is of one row");
    }
}

#[test]
fn the_metadata_says_what_the_graph_does_not() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("vocab.json"), "abc").unwrap();
    let models = exported(folder.path());
    let weights = Sha256::digest(fs_err::read(folder.path().join(WEIGHTS_FILE)).unwrap());
    for (file, model) in FILES.iter().zip(models) {
        let entries: Vec<_> =
            model.metadata_props.iter().map(|entry| format!("{}={}", entry.key(), entry.value())).collect();
        let flavour = if *file == FAST_VISION_MODEL_FILE { "fast" } else { "portable" };
        let expected = [
            "family=clip",
            "text_activation=quick_gelu",
            "vision_activation=quick_gelu",
            "eos_rule=highest_id",
            "context_length=7",
            "image_size=12",
            "preprocessing={\"size\":12,\"fit\":\"crop\",\"interpolation\":\"bicubic\",\
             \"mean\":[0.48145467,0.4578275,0.40821072],\"std\":[0.26862955,0.2613026,0.2757771],\
             \"pipeline\":\"transformers\"}",
            // printf abc | sha256sum
            "sha256:vocab.json=ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            &format!("sha256:model.safetensors={weights:x}"),
            // e^-0.5 in f32.
            "logit_scale=0.60653067",
            &format!("cliptune={}", env!("CARGO_PKG_VERSION")),
            &format!("flavour={flavour}"),
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
    for file in FILES {
        let [first, second] =
            folders.each_ref().map(|folder| fs_err::read(folder.path().join(file)).unwrap());
        assert!(first == second, "{file}");
    }
}
