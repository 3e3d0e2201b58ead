//! Writes models without a second copy of their weights in memory.
//!
//! A protobuf message is its fields in any order, and a nested message is preceded by its length. So a model is
//! its header, then the start of the graph with a length computed beforehand, the graph without initialisers, and
//! the initialisers one by one, each weight's bytes straight from the source.

use std::fs::Permissions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use tempfile::NamedTempFile;

use crate::error::OnnxError;
use crate::graph::Initializer;
use crate::models::OnnxModel;
use crate::proto;
use crate::weights::{CheckedWeights, ELEMENT_BYTES};

/// Protobuf measures messages with a signed 32-bit integer.
const LARGEST_FILE: u64 = i32::MAX as u64;

/// Readable by whoever the umask allows, as files usually are; temporary files would be private.
const MODE: u32 = 0o666;

/// Writes every model to a temporary file in the folder and then gives all of them their names: files of an
/// earlier export stay as they are until the new ones are complete.
pub(crate) fn write_models(
    folder: &Path,
    models: &[OnnxModel],
    weights: &CheckedWeights<'_>,
) -> Result<(), OnnxError> {
    let written = models
        .iter()
        .map(|model| Ok((model.file, write_temporary(folder, model, weights)?)))
        .collect::<Result<Vec<_>, OnnxError>>()?;
    for (name, file) in written {
        let path = folder.join(name);
        file.persist(&path).map_err(|error| at(&path, error.error))?;
    }
    sync_folder(folder)
}

/// Renames last only once the folder itself is on disk.
fn sync_folder(folder: &Path) -> Result<(), OnnxError> {
    fs_err::File::open(folder).and_then(|folder| folder.sync_all()).map_err(OnnxError::Write)
}

fn write_temporary(
    folder: &Path,
    model: &OnnxModel,
    weights: &CheckedWeights<'_>,
) -> Result<NamedTempFile, OnnxError> {
    let mut file = tempfile::Builder::new()
        .prefix(&format!(".{}.", model.file))
        .permissions(Permissions::from_mode(MODE))
        .tempfile_in(folder)
        .map_err(OnnxError::Write)?;
    write_model(&mut BufWriter::new(&mut file), model, weights)?;
    file.as_file().sync_all().map_err(|source| at(file.path(), source))?;
    Ok(file)
}

/// An error that names its file, for the calls that leave it out.
fn at(path: &Path, source: io::Error) -> OnnxError {
    OnnxError::Write(io::Error::new(source.kind(), format!("{}: {source}", path.display())))
}

/// Writes one model.
fn write_model(
    out: &mut impl Write,
    model: &OnnxModel,
    weights: &CheckedWeights<'_>,
) -> Result<(), OnnxError> {
    let initializers: u64 = model.initializers.iter().map(initializer_len).sum();
    let graph_len = model.graph.encoded_len() as u64 + initializers;
    let bytes = model.header.encoded_len() as u64 + field_len(proto::GRAPH, graph_len);
    if bytes > LARGEST_FILE {
        return Err(OnnxError::TooLarge { file: model.file, bytes });
    }
    out.write_all(&model.header.encode_to_vec()).map_err(OnnxError::Write)?;
    write_start(out, proto::GRAPH, graph_len)?;
    out.write_all(&model.graph.encode_to_vec()).map_err(OnnxError::Write)?;
    for initializer in &model.initializers {
        write_initializer(out, initializer, weights)?;
    }
    out.flush().map_err(OnnxError::Write)
}

fn write_initializer(
    out: &mut impl Write,
    initializer: &Initializer,
    weights: &CheckedWeights<'_>,
) -> Result<(), OnnxError> {
    write_start(out, proto::INITIALIZER, tensor_len(initializer))?;
    match initializer {
        Initializer::Constant(tensor) => out.write_all(&tensor.encode_to_vec()),
        Initializer::Weight(tensor) => {
            let data = weights.data(tensor.name())?;
            out.write_all(&tensor.encode_to_vec()).map_err(OnnxError::Write)?;
            write_start(out, proto::RAW_DATA, data.len() as u64)?;
            out.write_all(&data)
        }
    }
    .map_err(OnnxError::Write)
}

/// Length of an initialiser as a field of the graph.
fn initializer_len(initializer: &Initializer) -> u64 {
    field_len(proto::INITIALIZER, tensor_len(initializer))
}

/// Length of a tensor message with its data.
fn tensor_len(initializer: &Initializer) -> u64 {
    match initializer {
        Initializer::Constant(tensor) => tensor.encoded_len() as u64,
        Initializer::Weight(tensor) => {
            let elements: u64 = tensor.dims.iter().map(|&size| size as u64).product();
            tensor.encoded_len() as u64 + field_len(proto::RAW_DATA, elements * ELEMENT_BYTES as u64)
        }
    }
}

/// Length of a length-delimited field with its key and length.
fn field_len(field: u32, content: u64) -> u64 {
    (key_len(field) + encoded_len_varint(content)) as u64 + content
}

/// Writes the key and the length of a length-delimited field.
fn write_start(out: &mut impl Write, field: u32, content: u64) -> Result<(), OnnxError> {
    let mut start = Vec::new();
    encode_key(field, WireType::LengthDelimited, &mut start);
    encode_varint(content, &mut start);
    out.write_all(&start).map_err(OnnxError::Write)
}
