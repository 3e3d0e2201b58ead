//! Writes models, which are small: their weights stay in the file that they refer to.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use prost::Message;
use tempfile::NamedTempFile;

use crate::error::OnnxError;
use crate::graph::Initializer;
use crate::models::OnnxModel;
use crate::proto::{self, DataLocation};
use crate::weights::WeightFile;

/// Readable by whoever the umask allows, as files usually are; temporary files would be private.
const MODE: u32 = 0o666;

/// Writes every model to a temporary file in the folder and then gives all of them their names: files of an
/// earlier export stay as they are until the new ones are complete.
pub(crate) fn write_models(
    folder: &Path,
    models: Vec<OnnxModel>,
    weights: &WeightFile,
) -> Result<(), OnnxError> {
    let write = |model: OnnxModel| {
        let file = model.file;
        Ok((file, write_temporary(folder, file, &complete(model, weights)?)?))
    };
    let written = models.into_iter().map(write).collect::<Result<Vec<_>, OnnxError>>()?;
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

fn write_temporary(folder: &Path, name: &str, model: &proto::Model) -> Result<NamedTempFile, OnnxError> {
    let mut file = tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        .permissions(Permissions::from_mode(MODE))
        .tempfile_in(folder)
        .map_err(OnnxError::Write)?;
    let written = file.write_all(&model.encode_to_vec()).and_then(|()| file.as_file().sync_all());
    written.map_err(|source| at(file.path(), source))?;
    Ok(file)
}

/// An error that names its file, for the calls that leave it out.
fn at(path: &Path, source: io::Error) -> OnnxError {
    OnnxError::Write(io::Error::new(source.kind(), format!("{}: {source}", path.display())))
}

/// Puts a model together, every weight as a reference into the file beside it.
fn complete(model: OnnxModel, weights: &WeightFile) -> Result<proto::Model, OnnxError> {
    let tensor = |initializer: Initializer| match initializer {
        Initializer::Constant(tensor) => Ok(tensor),
        Initializer::Weight(tensor) => external(tensor, weights),
    };
    let initializer = model.initializers.into_iter().map(tensor).collect::<Result<_, OnnxError>>()?;
    let graph = proto::Graph { initializer, ..model.graph };
    Ok(proto::Model { graph: Some(graph), ..model.header })
}

/// A tensor whose elements are in another file, as ONNX's `ExternalData.md` describes it.
fn external(tensor: proto::Tensor, weights: &WeightFile) -> Result<proto::Tensor, OnnxError> {
    let (offset, length) = weights.place(tensor.name())?;
    let entries = [
        ("location", weights.name().to_owned()),
        ("offset", offset.to_string()),
        ("length", length.to_string()),
    ];
    let external_data = entries.map(|(key, value)| proto::StringEntry::new(key, value)).into();
    Ok(proto::Tensor { external_data, data_location: Some(DataLocation::External as i32), ..tensor })
}
