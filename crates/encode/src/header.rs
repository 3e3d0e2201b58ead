//! What the exporter wrote into a graph's file beside the graph. It is read without opening the graph.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use cliptune_onnx::metadata::{LOGIT_BIAS, LOGIT_SCALE};
use cliptune_onnx::{Preparation, metadata};

use crate::error::EncodeError;
use crate::graph::{Contradiction, GraphError};
use crate::temperature::Temperature;

/// The metadata of a graph.
#[derive(Debug)]
pub(crate) struct Header {
    path: PathBuf,
    entries: HashMap<String, String>,
}

impl Header {
    pub(crate) fn read(path: PathBuf) -> Result<Self, EncodeError> {
        Ok(Self { entries: metadata::of_graph(&path)?, path })
    }

    /// Compares the metadata with what a model folder says now.
    ///
    /// # Errors
    /// Returns an error if an entry is missing or has a different value.
    pub(crate) fn expect(&self, preparation: &Preparation, folder: &Path) -> Result<(), GraphError> {
        for (key, found) in preparation.entries() {
            let (path, key) = (self.path.clone(), key.to_owned());
            match self.entries.get(&key) {
                Some(exported) if exported == found => {}
                Some(exported) => {
                    let (exported, folder, found) =
                        (exported.clone(), folder.to_path_buf(), found.to_owned());
                    let contradiction = Contradiction { path, key, exported, folder, found };
                    return Err(GraphError::Contradiction(Box::new(contradiction)));
                }
                None => return Err(GraphError::Unsaid { path, key }),
            }
        }
        Ok(())
    }

    /// Returns what the graph says about its logits.
    pub(crate) fn temperature(&self) -> Result<Temperature, GraphError> {
        let unsaid = || GraphError::NoScale { path: self.path.clone() };
        let number = |text: &String| text.parse().ok().filter(|number: &f64| number.is_finite());
        let scale = self.entries.get(LOGIT_SCALE).and_then(number);
        let scale = scale.filter(|scale| *scale > 0.0).ok_or_else(unsaid)?;
        let bias = self.entries.get(LOGIT_BIAS).map(|text| number(text).ok_or_else(unsaid)).transpose()?;
        Ok(Temperature { scale, bias: bias.unwrap_or(0.0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(file: &str) -> Header {
        let references = Path::new(env!("CARGO_MANIFEST_DIR")).join("../score/tests/references");
        Header::read(references.join(file)).unwrap()
    }

    #[test]
    fn the_multiplier_is_read_from_the_file() {
        assert_eq!(header("text_model.onnx").temperature().unwrap(), Temperature { scale: 10.0, bias: 0.0 });
        let error = header("vision_model.onnx").temperature().unwrap_err().to_string();
        assert!(error.ends_with("vision_model.onnx does not say its logit_scale or logit_bias"), "{error}");
    }

    #[test]
    fn what_is_no_graph_is_an_error() {
        let cargo = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert!(matches!(Header::read(cargo), Err(EncodeError::Onnx(_))));
    }
}
