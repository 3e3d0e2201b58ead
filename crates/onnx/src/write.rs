//! Writes models. The files are small because the weights stay in the file that they refer to.

use std::io::Write;
use std::path::Path;

use cliptune_durable::{AtomicFile, CompleteFile, DurableError};
use prost::Message;

use crate::error::OnnxError;
use crate::graph::Initializer;
use crate::models::OnnxModel;
use crate::proto::{self, DataLocation};
use crate::weights::WeightFile;

/// Writes every model beside its final place and then gives all of them their names, so the files of an earlier export
/// stay untouched until all new ones are complete.
pub(crate) fn write_models(
    folder: &Path,
    models: Vec<OnnxModel>,
    weights: &WeightFile,
) -> Result<(), OnnxError> {
    let write = |model: OnnxModel| {
        let mut file = AtomicFile::create(&folder.join(model.file))?;
        file.write_all(&complete(model, weights)?.encode_to_vec()).map_err(DurableError::from)?;
        Ok(file.complete()?)
    };
    let written = models.into_iter().map(write).collect::<Result<Vec<_>, OnnxError>>()?;
    Ok(written.into_iter().try_for_each(CompleteFile::publish)?)
}

/// Assembles a model in which every weight is a reference into the file beside it.
fn complete(model: OnnxModel, weights: &WeightFile) -> Result<proto::Model, OnnxError> {
    let tensor = |initializer: Initializer| match initializer {
        Initializer::Constant(tensor) => Ok(tensor),
        Initializer::Weight(tensor) => external(tensor, weights),
    };
    let initializer = model.initializers.into_iter().map(tensor).collect::<Result<_, OnnxError>>()?;
    let graph = proto::Graph { initializer, ..model.graph };
    Ok(proto::Model { graph: Some(graph), ..model.header })
}

/// Makes a tensor whose elements are in another file, as ONNX's `ExternalData.md` describes it.
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
