//! The messages of ONNX's `onnx.proto` that a CLIP model needs, with their field numbers.
//!
//! They are written by hand, because ten messages and a dozen enum values do not justify a `protoc` at build time.
//! Fields that cliptune never writes are left out, and decoding skips them.
//!
//! Source: <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>.

/// `ModelProto`: a graph with its requirements and its origin.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Model {
    /// The version of the file format.
    #[prost(int64, optional, tag = "1")]
    pub ir_version: Option<i64>,
    /// The name of the program that wrote the model.
    #[prost(string, optional, tag = "2")]
    pub producer_name: Option<String>,
    /// The version of the program that wrote the model.
    #[prost(string, optional, tag = "3")]
    pub producer_version: Option<String>,
    /// The graph that the model computes.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<Graph>,
    /// The versions of the operator sets that the nodes use.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSet>,
    /// Named strings for the program that runs the model.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<StringEntry>,
}

/// `GraphProto`: a list of nodes, in an order in which each can be computed.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Graph {
    /// The nodes of the graph.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<Node>,
    /// A name for people to read.
    #[prost(string, optional, tag = "2")]
    pub name: Option<String>,
    /// The constants and weights.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<Tensor>,
    /// The values that the caller passes in.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfo>,
    /// The values that the caller gets back.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfo>,
}

/// `NodeProto`: one operator applied to named values.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Node {
    /// The names of the operands. An optional operand that is left out has an empty name.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// The names of the results.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// A name for people to read.
    #[prost(string, optional, tag = "3")]
    pub name: Option<String>,
    /// The name of the operator.
    #[prost(string, optional, tag = "4")]
    pub op_type: Option<String>,
    /// The settings of the operator.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<Attribute>,
    /// The operator set, which is absent for ONNX's own operators.
    #[prost(string, optional, tag = "7")]
    pub domain: Option<String>,
}

/// `AttributeProto`: one setting of a node. `kind` says which of the value fields is used.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Attribute {
    /// The name of the setting.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// The value of a float setting.
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    /// The value of an integer setting.
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    /// The value of a setting that is a list of integers.
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// The type of the value; this field is called `type` in onnx.proto.
    #[prost(enumeration = "AttributeKind", optional, tag = "20")]
    pub kind: Option<i32>,
}

/// `AttributeProto.AttributeType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum AttributeKind {
    /// The type is not set.
    Undefined = 0,
    /// The value is in `f`.
    Float = 1,
    /// The value is in `i`.
    Int = 2,
    /// The value is in `ints`.
    Ints = 7,
}

/// `TensorProto`: a constant or a weight.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Tensor {
    /// The shape, which is empty for a scalar.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    /// The type of the elements.
    #[prost(enumeration = "DataType", optional, tag = "2")]
    pub data_type: Option<i32>,
    /// The name that nodes use for the tensor.
    #[prost(string, optional, tag = "8")]
    pub name: Option<String>,
    /// The elements, little-endian, row by row.
    #[prost(bytes = "vec", optional, tag = "9")]
    pub raw_data: Option<Vec<u8>>,
    /// The place of elements that are in another file: `location`, `offset` and `length`.
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<StringEntry>,
    /// Whether the elements are in `raw_data` or in `external_data`.
    #[prost(enumeration = "DataLocation", optional, tag = "14")]
    pub data_location: Option<i32>,
}

/// `TensorProto.DataLocation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum DataLocation {
    /// The elements are in `raw_data`.
    Default = 0,
    /// The elements are in the file that `external_data` names.
    External = 1,
}

/// `TensorProto.DataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum DataType {
    /// The type is not set.
    Undefined = 0,
    /// 32-bit floats (f32).
    Float = 1,
    /// Unsigned 8-bit integers (u8).
    Uint8 = 2,
    /// Signed 8-bit integers (i8).
    Int8 = 3,
    /// Signed 32-bit integers (i32).
    Int32 = 6,
    /// Signed 64-bit integers (i64).
    Int64 = 7,
    /// 16-bit floats (IEEE half precision).
    Float16 = 10,
}

/// `ValueInfoProto`: the name and type of an input or output.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ValueInfo {
    /// The name of the value.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// The type of the value; this field is called `type` in onnx.proto.
    #[prost(message, optional, tag = "2")]
    pub value_type: Option<ValueType>,
}

/// `TypeProto`: the type of a value. cliptune only uses tensors.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ValueType {
    /// The type of a tensor.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorType>,
}

/// `TypeProto.Tensor`: the element type and the shape of a tensor.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TensorType {
    /// The type of the elements.
    #[prost(enumeration = "DataType", optional, tag = "1")]
    pub elem_type: Option<i32>,
    /// The shape of the tensor.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<Shape>,
}

/// `TensorShapeProto`: the shape of a tensor.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Shape {
    /// The axes of the tensor, one dimension for each.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

/// `TensorShapeProto.Dimension`: a fixed size, or the name of a free one.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Dimension {
    /// The fixed size or the name.
    #[prost(oneof = "Extent", tags = "1, 2")]
    pub value: Option<Extent>,
}

/// The value of a [`Dimension`].
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Extent {
    /// The axis has exactly this size.
    #[prost(int64, tag = "1")]
    Fixed(i64),
    /// The axis may have any size, but all axes with this name have the same size.
    #[prost(string, tag = "2")]
    Named(String),
}

/// `OperatorSetIdProto`: the version of an operator set.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OperatorSet {
    /// The name of the operator set, which is empty for ONNX's own.
    #[prost(string, optional, tag = "1")]
    pub domain: Option<String>,
    /// The version of the operator set.
    #[prost(int64, optional, tag = "2")]
    pub version: Option<i64>,
}

/// `StringStringEntryProto`: a named string.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StringEntry {
    /// The name of the entry.
    #[prost(string, optional, tag = "1")]
    pub key: Option<String>,
    /// The value of the entry.
    #[prost(string, optional, tag = "2")]
    pub value: Option<String>,
}

impl StringEntry {
    /// Makes an entry from a key and a value.
    pub fn new(key: &str, value: String) -> Self {
        Self { key: Some(key.to_owned()), value: Some(value) }
    }
}
