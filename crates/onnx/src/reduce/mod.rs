//! Smaller graphs from finished ones: 16-bit floats, or 8-bit integers.
//!
//! A reduction is a pass over a graph that [`export`](crate::export) wrote: it changes nodes and says of every
//! initialiser how its elements are made from the ones that the graph refers to. Inputs, outputs, metadata and the
//! computation are those of the graph that was compared with the trained model, by construction. Only ONNX's own
//! operators are used.
//!
//! The reduced file holds its weights: it is deployed by itself. They are converted while they are written, row by
//! row, so that no second copy of the model is ever in memory.

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

/// What a finished fp32 graph can be made into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// 16-bit floats; inputs and outputs stay 32-bit floats.
    Fp16,
    /// Linear layers multiply 8-bit integers: weights scaled for each output, activations when the graph runs.
    Int8,
}

impl Reduction {
    /// The name of the precision.
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

/// Makes the reduced file `to` from the portable graph `from`, whose weights are where it says they are.
///
/// The file is complete only when this returns; until then it should not have the name under which it is looked for.
///
/// # Errors
/// When the graph or its weights cannot be read, the result would be larger than an ONNX file can be, or it cannot
/// be written.
pub fn reduce(from: &Path, to: &Path, reduction: Reduction) -> Result<(), OnnxError> {
    let mut model = read(from)?;
    let reduced = reduction.pass(model.graph.take().unwrap_or_default());
    let precision =
        proto::StringEntry { key: Some("precision".to_owned()), value: Some(reduction.as_str().to_owned()) };
    model.metadata_props.push(precision);
    write::write_model(to, &model, &reduced, &Source::beside(from))
}

/// Bytes of a graph's file and of the weights that it refers to: what has to be shipped to run it.
///
/// # Errors
/// When the file cannot be read or is no graph.
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

fn read(path: &Path) -> Result<proto::Model, OnnxError> {
    let bytes = fs_err::read(path).map_err(|source| OnnxError::Read { path: path.to_path_buf(), source })?;
    proto::Model::decode(bytes.as_slice())
        .map_err(|source| OnnxError::Damaged { path: path.to_path_buf(), why: source.to_string() })
}

/// What a pass makes of a graph.
struct Reduced {
    /// The graph without its initialisers.
    graph: proto::Graph,
    initializers: Vec<Made>,
}

/// An initialiser of the reduced graph.
struct Made {
    /// Without its elements.
    tensor: proto::Tensor,
    /// The initialiser that the elements are made from.
    source: proto::Tensor,
    form: Form,
}

/// How elements are made.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    /// They stay as they are.
    Same,
    /// The nearest 16-bit float.
    Half,
    /// 8-bit integers, each row by its own scale, in the order of the source.
    Rows(Scaling),
    /// The same, transposed: what was row after row is column after column.
    Columns(Scaling),
    /// The scale of each row.
    Scales(Scaling),
}

impl Made {
    /// An initialiser that stays as it is.
    fn same(source: proto::Tensor) -> Self {
        let shape = source.dims.clone();
        let kind = source.data_type;
        let name = source.name.clone();
        let tensor = proto::Tensor { dims: shape, data_type: kind, name, ..Default::default() };
        Self { tensor, source, form: Form::Same }
    }

    /// An initialiser with other elements.
    fn new(source: &proto::Tensor, name: String, dims: Vec<i64>, kind: DataType, form: Form) -> Self {
        let tensor =
            proto::Tensor { dims, data_type: Some(kind as i32), name: Some(name), ..Default::default() };
        Self { tensor, source: source.clone(), form }
    }
}

fn is_float(tensor: &proto::Tensor) -> bool {
    tensor.data_type == Some(DataType::Float as i32)
}
