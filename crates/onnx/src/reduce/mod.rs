//! Reduces finished graphs to 16-bit floats or 8-bit integers.
//!
//! A reduction is a pass over a graph that [`export`](crate::export) wrote. It changes nodes, and it records for every
//! initialiser how its elements are made from those that the graph refers to. By construction, the inputs, outputs,
//! metadata and computation are those of the graph that was compared with the trained model. Only ONNX's own operators
//! are used.
//!
//! The reduced file contains its weights, because it is deployed by itself. They are converted row by row while they
//! are written, so a second copy of the model is never in memory.

mod half;
mod quantise;
mod rows;
mod source;
mod write;

use std::path::Path;

use prost::Message;

use crate::error::OnnxError;
use crate::proto::{self, DataType};
use rows::Scaling;
use source::Source;

/// The precision that a finished fp32 graph can be reduced to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// 16-bit floats. The inputs and outputs stay 32-bit floats.
    Fp16,
    /// Linear layers multiply 8-bit integers. Weights have a scale for each output, and activations are scaled when the
    /// graph runs.
    Int8,
}

impl Reduction {
    /// Returns the name of the precision.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fp16 => "fp16",
            Self::Int8 => "int8",
        }
    }

    fn pass(self, graph: proto::Graph) -> Reduced {
        match self {
            Self::Fp16 => half::to_half(graph),
            Self::Int8 => quantise::quantise(graph),
        }
    }
}

/// Writes the reduced file `to` from the portable graph `from`, which says where its weights are.
///
/// The file is complete only when this function returns, so it should not have its final name before that.
///
/// # Errors
/// When the graph or its weights cannot be read, when the result would be larger than an ONNX file can be, or when it
/// cannot be written.
pub fn reduce(from: &Path, to: &Path, reduction: Reduction) -> Result<(), OnnxError> {
    let mut model = read(from)?;
    let reduced = reduction.pass(model.graph.take().unwrap_or_default());
    let precision =
        proto::StringEntry { key: Some("precision".to_owned()), value: Some(reduction.as_str().to_owned()) };
    model.metadata_props.push(precision);
    write::write_model(to, &model, &reduced, &Source::beside(from))
}

/// Returns the number of bytes that have to be shipped to run a graph: its file and the weights that it refers to.
///
/// # Errors
/// When the file cannot be read or is not a graph.
pub fn shipped_bytes(graph: &Path) -> Result<u64, OnnxError> {
    let model = read(graph)?;
    let file =
        fs_err::metadata(graph).map_err(|source| OnnxError::Read { path: graph.to_path_buf(), source })?;
    let initializers = model.graph.into_iter().flat_map(|graph| graph.initializer);
    let elsewhere: u64 = initializers
        .filter(|tensor| !tensor.external_data.is_empty())
        .map(|tensor| write::data_len(&tensor))
        .sum();
    Ok(file.len() + elsewhere)
}

/// Reads a graph with its metadata.
pub(crate) fn read(path: &Path) -> Result<proto::Model, OnnxError> {
    let bytes = fs_err::read(path).map_err(|source| OnnxError::Read { path: path.to_path_buf(), source })?;
    let damaged = |why: String| OnnxError::Damaged { path: path.to_path_buf(), why };
    let model = proto::Model::decode(bytes.as_slice()).map_err(|source| damaged(source.to_string()))?;
    let tensors = model.graph.iter().flat_map(|graph| &graph.initializer);
    match tensors.map(elements).try_fold(0, |all: u64, own| all.checked_add(own?)) {
        Some(all) if all <= MOST_ELEMENTS => Ok(model),
        _ => Err(damaged("the shapes of its weights are impossible".to_owned())),
    }
}

/// The most elements that all weights of a graph may have. No disk holds more, and their bytes can still be counted.
const MOST_ELEMENTS: u64 = 1 << 48;

/// Returns the number of elements that a tensor has by its shape, or `None` where no tensor can have it.
fn elements(tensor: &proto::Tensor) -> Option<u64> {
    tensor.dims.iter().try_fold(1_u64, |product, &size| product.checked_mul(size.try_into().ok()?))
}

/// The graph and the initialisers that a pass produces.
struct Reduced {
    /// The graph without its initialisers.
    graph: proto::Graph,
    initializers: Vec<Made>,
}

/// An initialiser of the reduced graph.
struct Made {
    /// The tensor without its elements.
    tensor: proto::Tensor,
    /// The initialiser that the elements are made from.
    source: proto::Tensor,
    form: Form,
}

/// The way in which the elements of an initialiser are made.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    /// The elements are copied unchanged.
    Same,
    /// Each element becomes the nearest 16-bit float.
    Half,
    /// The elements become 8-bit integers in the order of the source. Each row has its own scale.
    Rows(Scaling),
    /// The elements become 8-bit integers, scaled by row as in `Rows`, and the matrix is transposed.
    Columns(Scaling),
    /// The elements are the scales of the rows.
    Scales(Scaling),
}

impl Made {
    /// Makes an initialiser that keeps its elements.
    fn same(source: proto::Tensor) -> Self {
        let shape = source.dims.clone();
        let kind = source.data_type;
        let name = source.name.clone();
        let tensor = proto::Tensor { dims: shape, data_type: kind, name, ..Default::default() };
        Self { tensor, source, form: Form::Same }
    }

    /// Makes an initialiser with new elements.
    fn new(source: &proto::Tensor, name: String, dims: Vec<i64>, kind: DataType, form: Form) -> Self {
        let tensor =
            proto::Tensor { dims, data_type: Some(kind as i32), name: Some(name), ..Default::default() };
        Self { tensor, source: source.clone(), form }
    }
}

fn is_float(tensor: &proto::Tensor) -> bool {
    tensor.data_type == Some(DataType::Float as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_impossible_shapes_are_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("graph.onnx");
        let measured = |shapes: &[&[i64]]| {
            let tensor = |dims: &&[i64]| proto::Tensor {
                dims: dims.to_vec(),
                data_type: Some(DataType::Float as i32),
                external_data: vec![proto::StringEntry::new("location", "weights".to_owned())],
                ..Default::default()
            };
            let initializer = shapes.iter().map(tensor).collect();
            let graph = Some(proto::Graph { initializer, ..Default::default() });
            fs_err::write(&path, proto::Model { graph, ..Default::default() }.encode_to_vec()).unwrap();
            shipped_bytes(&path)
        };
        let empty = measured(&[]).unwrap();
        assert!(measured(&[&[2, 3], &[]]).unwrap() > empty + 4 * 7);
        for wrong in [&[&[-1][..]][..], &[&[i64::MAX, 4]], &[&[1 << 32, 1 << 32]], &[&[1 << 48], &[1]]] {
            let error = measured(wrong).unwrap_err();
            assert!(matches!(error, OnnxError::Damaged { .. }), "{wrong:?}: {error}");
        }
    }
}
