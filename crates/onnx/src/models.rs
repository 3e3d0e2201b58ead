//! Builds the graphs with their inputs, outputs and metadata, named and shaped like those of Hugging Face Optimum.

use cliptune_clip::{ClipConfig, towers};

use crate::error::OnnxError;
use crate::flavour::{Flavour, MICROSOFT};
use crate::graph::Initializer;
use crate::interpreter::Interpreter;
use crate::metadata::Metadata;
use crate::proto::{self, DataType, Extent};
use crate::value::Value;
use crate::weights::WeightFile;

/// The text tower and its projection: takes token ids and returns text embeddings that are not normalised.
pub const TEXT_MODEL_FILE: &str = "text_model.onnx";
/// The vision tower and its projection: takes pixels and returns image embeddings that are not normalised.
pub const VISION_MODEL_FILE: &str = "vision_model.onnx";
/// The vision tower for ONNX Runtime, which uses one of that runtime's own operators.
pub const FAST_VISION_MODEL_FILE: &str = "vision_model_fast.onnx";
/// Both towers in one graph: returns logits and normalised embeddings.
pub const MODEL_FILE: &str = "model.onnx";

/// The input with token ids, int64 `[texts, tokens]`.
pub const INPUT_IDS: &str = "input_ids";
/// The input that is 1 for tokens and 0 for padding, int64 `[texts, tokens]`.
pub const ATTENTION_MASK: &str = "attention_mask";
/// The input with preprocessed images, f32 `[images, 3, height, width]`.
pub const PIXEL_VALUES: &str = "pixel_values";
/// The output with text embeddings, f32 `[texts, projection_dim]`.
pub const TEXT_EMBEDS: &str = "text_embeds";
/// The output with image embeddings, f32 `[images, projection_dim]`.
pub const IMAGE_EMBEDS: &str = "image_embeds";
/// The output with scaled cosines by image, f32 `[images, texts]`.
pub const LOGITS_PER_IMAGE: &str = "logits_per_image";
/// The output with scaled cosines by text, f32 `[texts, images]`.
pub const LOGITS_PER_TEXT: &str = "logits_per_text";

/// Version 8 of the file format belongs to operator set 17, the first one with `LayerNormalization`.
const IR_VERSION: i64 = 8;
const OPSET: i64 = 17;
/// The only version that ONNX Runtime's own operator set has ever had.
const MICROSOFT_OPSET: i64 = 1;

/// A model that lacks only the places of its weights.
pub(crate) struct OnnxModel {
    pub(crate) file: &'static str,
    /// The model without its graph.
    pub(crate) header: proto::Model,
    /// The graph without its initialisers.
    pub(crate) graph: proto::Graph,
    /// The initialisers, in the order in which the nodes use them.
    pub(crate) initializers: Vec<Initializer>,
}

/// Builds the text tower, the equivalent of `CLIPTextModelWithProjection`.
pub(crate) fn text_model(
    config: &ClipConfig,
    weights: &WeightFile,
    metadata: &Metadata,
) -> Result<OnnxModel, OnnxError> {
    let mut ops = Interpreter::new(weights, Flavour::Portable);
    let embeds = towers::text_tower(&mut ops, &config.text, &Value::Ids(INPUT_IDS.to_owned()), None)?;
    let inputs = vec![tensor(INPUT_IDS, DataType::Int64, &[named("batch_size"), named("sequence_length")])];
    let outputs = [(embeds, TEXT_EMBEDS, vec![named("batch_size"), fixed(config.projection_dim)])];
    Ok(finish(TEXT_MODEL_FILE, ops, inputs, outputs, metadata))
}

/// Builds the vision tower, the equivalent of `CLIPVisionModelWithProjection`.
pub(crate) fn vision_model(
    config: &ClipConfig,
    weights: &WeightFile,
    flavour: Flavour,
    metadata: &Metadata,
) -> Result<OnnxModel, OnnxError> {
    let mut ops = Interpreter::new(weights, flavour);
    let pixels = Value::Pixels(PIXEL_VALUES.to_owned());
    let embeds = towers::vision_tower(&mut ops, &config.vision, &pixels)?;
    let outputs = [(embeds, IMAGE_EMBEDS, vec![named("batch_size"), fixed(config.projection_dim)])];
    let file = match flavour {
        Flavour::Portable => VISION_MODEL_FILE,
        Flavour::Fast => FAST_VISION_MODEL_FILE,
    };
    Ok(finish(file, ops, vec![pixel_values("batch_size")], outputs, metadata))
}

/// Builds `model.onnx`, the equivalent of `CLIPModel` or `SiglipModel`.
pub(crate) fn model(
    config: &ClipConfig,
    weights: &WeightFile,
    metadata: &Metadata,
) -> Result<OnnxModel, OnnxError> {
    let mut ops = Interpreter::new(weights, Flavour::Portable);
    let pixels = Value::Pixels(PIXEL_VALUES.to_owned());
    let ids = Value::Ids(INPUT_IDS.to_owned());
    // SigLIP looks at padding too, and Optimum's export of it has no mask either.
    let mask = config.family.takes_attention_mask().then(|| Value::KeyMask(ATTENTION_MASK.to_owned()));
    let output = towers::clip(&mut ops, config, &pixels, &ids, mask.as_ref())?;
    let (images, texts) = (named("image_batch_size"), named("text_batch_size"));
    let token_axes = [texts.clone(), named("sequence_length")];
    let mut inputs = vec![tensor(INPUT_IDS, DataType::Int64, &token_axes), pixel_values("image_batch_size")];
    inputs.extend(mask.map(|_| tensor(ATTENTION_MASK, DataType::Int64, &token_axes)));
    let embedding = fixed(config.projection_dim);
    let outputs = [
        (output.logits_per_image, LOGITS_PER_IMAGE, vec![images.clone(), texts.clone()]),
        (output.logits_per_text, LOGITS_PER_TEXT, vec![texts.clone(), images.clone()]),
        (output.text_embeds, TEXT_EMBEDS, vec![texts, embedding.clone()]),
        (output.image_embeds, IMAGE_EMBEDS, vec![images, embedding]),
    ];
    Ok(finish(MODEL_FILE, ops, inputs, outputs, metadata))
}

/// Names the outputs and wraps the graph into a model.
fn finish(
    file: &'static str,
    mut ops: Interpreter<'_>,
    input: Vec<proto::ValueInfo>,
    outputs: impl IntoIterator<Item = (Value, &'static str, Vec<Extent>)>,
    metadata: &Metadata,
) -> OnnxModel {
    let mut output = Vec::new();
    for (value, name, axes) in outputs {
        ops.graph.rename(value.name(), name);
        output.push(tensor(name, DataType::Float, &axes));
    }
    let flavour = ops.flavour;
    let (node, initializers) = ops.graph.finish();
    let name = file.strip_suffix(".onnx").map(str::to_owned);
    let graph = proto::Graph { node, name, initializer: Vec::new(), input, output };
    OnnxModel { file, header: header(flavour, metadata), graph, initializers }
}

fn header(flavour: Flavour, metadata: &Metadata) -> proto::Model {
    let set = |domain: &str, version| proto::OperatorSet {
        domain: Some(domain.to_owned()),
        version: Some(version),
    };
    let sets = match flavour {
        Flavour::Portable => vec![set("", OPSET)],
        Flavour::Fast => vec![set("", OPSET), set(MICROSOFT, MICROSOFT_OPSET)],
    };
    let entry = |(key, value): (&str, &str)| proto::StringEntry::new(key, value.to_owned());
    proto::Model {
        ir_version: Some(IR_VERSION),
        producer_name: Some("cliptune".to_owned()),
        producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        graph: None,
        opset_import: sets,
        metadata_props: metadata.of(flavour).map(entry).collect(),
    }
}

fn pixel_values(batch: &str) -> proto::ValueInfo {
    let axes = [named(batch), named("num_channels"), named("height"), named("width")];
    tensor(PIXEL_VALUES, DataType::Float, &axes)
}

fn tensor(name: &str, kind: DataType, axes: &[Extent]) -> proto::ValueInfo {
    let dim = axes.iter().map(|axis| proto::Dimension { value: Some(axis.clone()) }).collect();
    let tensor_type = proto::TensorType { elem_type: Some(kind as i32), shape: Some(proto::Shape { dim }) };
    let value_type = Some(proto::ValueType { tensor_type: Some(tensor_type) });
    proto::ValueInfo { name: Some(name.to_owned()), value_type }
}

fn named(axis: &str) -> Extent {
    Extent::Named(axis.to_owned())
}

fn fixed(size: usize) -> Extent {
    Extent::Fixed(size as i64)
}
