//! Writes a model that contains its weights without holding them in memory.
//!
//! A protobuf message consists of its fields in any order, and a nested message is preceded by its length. So a model
//! can be written as its header, the start of the graph with a length computed beforehand, the graph without
//! initialisers, and then the initialisers one by one, whose elements are converted as they are read.

use std::io::{self, Write};
use std::path::Path;

use cliptune_durable::{AtomicFile, DurableError};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

use super::source::Source;
use super::{Form, Made, Reduced, elements, half, rows};
use crate::error::OnnxError;
use crate::proto::{self, DataType};

/// Protobuf stores the length of a message as a signed 32-bit integer.
const LARGEST_FILE: u64 = i32::MAX as u64;

/// The field numbers of `ModelProto.graph`, `GraphProto.initializer` and `TensorProto.raw_data`.
const GRAPH: u32 = 7;
const INITIALIZER: u32 = 5;
const RAW_DATA: u32 = 9;

/// Writes a file that is either complete or absent. `header` is the model without its graph.
pub(super) fn write_model(
    path: &Path,
    header: &proto::Model,
    reduced: &Reduced,
    source: &Source,
) -> Result<(), OnnxError> {
    let initializers: u64 =
        reduced.initializers.iter().map(|made| field_len(INITIALIZER, tensor_len(made))).sum();
    let graph_len = reduced.graph.encoded_len() as u64 + initializers;
    let bytes = header.encoded_len() as u64 + field_len(GRAPH, graph_len);
    if bytes > LARGEST_FILE {
        return Err(OnnxError::TooLarge { path: path.to_path_buf(), bytes });
    }
    let mut out = AtomicFile::create(path)?;
    let start = |out: &mut AtomicFile| {
        out.write_all(&header.encode_to_vec())?;
        write_start(out, GRAPH, graph_len)?;
        out.write_all(&reduced.graph.encode_to_vec())
    };
    start(&mut out).map_err(DurableError::from)?;
    reduced.initializers.iter().try_for_each(|made| write_initializer(&mut out, made, source))?;
    Ok(out.commit()?)
}

fn write_initializer(out: &mut impl Write, made: &Made, source: &Source) -> Result<(), OnnxError> {
    let start = |out: &mut dyn Write| {
        write_start(out, INITIALIZER, tensor_len(made))?;
        out.write_all(&made.tensor.encode_to_vec())?;
        write_start(out, RAW_DATA, data_len(&made.tensor))
    };
    start(out).map_err(DurableError::from)?;
    let mut elements = source.open(&made.source)?;
    write_elements(elements.as_mut(), made, out)
        .map_err(|source| OnnxError::Convert { weight: made.source.name().to_owned(), source })
}

fn write_elements(elements: &mut dyn io::Read, made: &Made, out: &mut dyn Write) -> io::Result<()> {
    // Forms that work by row are only given to matrices.
    let shape = || match made.source.dims.as_slice() {
        [rows, columns] if *rows > 0 && *columns > 0 => Ok([*rows as usize, *columns as usize]),
        _ => Err(io::Error::other(format!("{} is no matrix", made.source.name()))),
    };
    match made.form {
        Form::Same => exactly(io::copy(elements, out)?, data_len(&made.tensor), made),
        Form::Half => half::write(elements, count(&made.tensor) as usize, out),
        Form::Rows(scaling) => rows::write_rows(elements, shape()?, scaling, out),
        Form::Columns(scaling) => rows::write_columns(elements, shape()?, scaling, out),
        Form::Scales(scaling) => rows::write_scales(elements, shape()?, scaling, out),
    }
}

/// Checks the number of bytes. The length of a message is written before its contents, so a wrong one would silently
/// damage the file.
fn exactly(found: u64, expected: u64, made: &Made) -> io::Result<()> {
    let wrong = || format!("{} has {found} bytes of data, its shape needs {expected}", made.source.name());
    if found == expected { Ok(()) } else { Err(io::Error::other(wrong())) }
}

/// Returns the number of a tensor's elements. Of a tensor that was read, it is known to be possible.
fn count(tensor: &proto::Tensor) -> u64 {
    elements(tensor).unwrap_or_default()
}

/// Returns the length of a tensor's elements in bytes.
pub(super) fn data_len(tensor: &proto::Tensor) -> u64 {
    let element = match tensor.data_type() {
        DataType::Uint8 | DataType::Int8 | DataType::Undefined => 1,
        DataType::Float16 => 2,
        DataType::Float | DataType::Int32 => 4,
        DataType::Int64 => 8,
    };
    count(tensor) * element
}

/// Returns the length of a tensor message, including its elements, in bytes.
fn tensor_len(made: &Made) -> u64 {
    made.tensor.encoded_len() as u64 + field_len(RAW_DATA, data_len(&made.tensor))
}

/// Returns the length of a length-delimited field in bytes, including its key and length.
fn field_len(field: u32, content: u64) -> u64 {
    (key_len(field) + encoded_len_varint(content)) as u64 + content
}

/// Writes the key and the length of a length-delimited field.
fn write_start(out: &mut (impl Write + ?Sized), field: u32, content: u64) -> io::Result<()> {
    let mut start = Vec::new();
    encode_key(field, WireType::LengthDelimited, &mut start);
    encode_varint(content, &mut start);
    out.write_all(&start)
}
