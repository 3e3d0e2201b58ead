//! The messages of TensorBoard's event files that cliptune writes, with their field numbers.
//!
//! They are written by hand, because a dozen messages do not justify a `protoc` at build time. A map is written as it
//! appears on the wire, as a list of entries, so the caller decides its order.
//!
//! Sources: `event.proto`, `summary.proto`, `tensor.proto` and `tensor_shape.proto` of
//! <https://github.com/tensorflow/tensorboard/tree/master/tensorboard/compat/proto>, and
//! `tensorboard/plugins/hparams/plugin_data.proto`.

/// `Event`: something that happened, and the time at which it happened.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Event {
    /// The time of the event in seconds since the Unix epoch.
    #[prost(double, tag = "1")]
    pub(crate) wall_time: f64,
    #[prost(int64, tag = "2")]
    pub(crate) step: i64,
    #[prost(oneof = "What", tags = "3, 5, 7")]
    pub(crate) what: Option<What>,
}

/// The content of an event.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum What {
    /// The version of the format, in the first event of a file.
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
    #[prost(message, tag = "7")]
    SessionLog(SessionLog),
}

/// `SessionLog`: the start of a process. Events of earlier files from its step on do not count.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SessionLog {
    /// The status, which is [`SESSION_START`].
    #[prost(int32, tag = "1")]
    pub(crate) status: i32,
}

/// The value of `SessionLog.SessionStatus.START`.
pub(crate) const SESSION_START: i32 = 1;

/// `Summary`: the values at one step.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub(crate) value: Vec<Value>,
}

/// `Summary.Value`: a scalar, or a tensor for a plugin.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Value {
    #[prost(string, tag = "1")]
    pub(crate) tag: String,
    #[prost(float, optional, tag = "2")]
    pub(crate) simple_value: Option<f32>,
    #[prost(message, optional, tag = "8")]
    pub(crate) tensor: Option<Tensor>,
    #[prost(message, optional, tag = "9")]
    pub(crate) metadata: Option<Metadata>,
}

/// `SummaryMetadata`: the plugin that shows a value.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Metadata {
    #[prost(message, optional, tag = "1")]
    pub(crate) plugin_data: Option<PluginData>,
    /// The class of the data, which is [`CLASS_TENSOR`].
    #[prost(int32, tag = "4")]
    pub(crate) data_class: i32,
}

/// The value of `DataClass.DATA_CLASS_TENSOR`.
pub(crate) const CLASS_TENSOR: i32 = 2;

/// `SummaryMetadata.PluginData`: the name of a plugin and the content that it reads.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PluginData {
    #[prost(string, tag = "1")]
    pub(crate) plugin_name: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) content: Vec<u8>,
}

/// `TensorProto`: a tensor of texts, or an empty one.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Tensor {
    /// The type of the elements, which is [`TYPE_FLOAT`] or [`TYPE_STRING`].
    #[prost(int32, tag = "1")]
    pub(crate) dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub(crate) tensor_shape: Option<Shape>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub(crate) string_val: Vec<Vec<u8>>,
}

/// The value of `DataType.DT_FLOAT`.
pub(crate) const TYPE_FLOAT: i32 = 1;
/// The value of `DataType.DT_STRING`.
pub(crate) const TYPE_STRING: i32 = 7;

/// `TensorShapeProto`: the shape of a tensor, which has no dimensions for a scalar.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Shape {
    #[prost(message, repeated, tag = "2")]
    pub(crate) dim: Vec<Dim>,
}

/// `TensorShapeProto.Dim`: the size of one dimension.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Dim {
    #[prost(int64, tag = "1")]
    pub(crate) size: i64,
}

/// `HParamsPluginData`: the content of a value that the HParams plugin reads.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct HParams {
    #[prost(message, optional, tag = "3")]
    pub(crate) session_start_info: Option<SessionStart>,
    #[prost(message, optional, tag = "4")]
    pub(crate) session_end_info: Option<SessionEnd>,
}

/// `SessionStartInfo`: the settings of a run, and the group with which it is averaged.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SessionStart {
    /// A map from names to values.
    #[prost(message, repeated, tag = "1")]
    pub(crate) hparams: Vec<HParam>,
    #[prost(string, tag = "4")]
    pub(crate) group_name: String,
    #[prost(double, tag = "5")]
    pub(crate) start_time_secs: f64,
}

/// An entry of the map of settings.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct HParam {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) value: Option<HParamValue>,
}

/// `google.protobuf.Value`, limited to the kinds of value that settings have.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct HParamValue {
    #[prost(oneof = "Kind", tags = "2, 3, 4")]
    pub(crate) kind: Option<Kind>,
}

/// The value of a setting.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Kind {
    #[prost(double, tag = "2")]
    Number(f64),
    #[prost(string, tag = "3")]
    Text(String),
    #[prost(bool, tag = "4")]
    Flag(bool),
}

/// `SessionEndInfo`: how a run ended.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SessionEnd {
    /// The value of `Status`.
    #[prost(int32, tag = "1")]
    pub(crate) status: i32,
    #[prost(double, tag = "2")]
    pub(crate) end_time_secs: f64,
}
