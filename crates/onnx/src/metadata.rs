//! Metadata: what a program that runs the graphs has to know and cannot see from the nodes.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use cliptune_clip::checkpoint::WEIGHTS_FILE;
use cliptune_clip::image::Preprocessor;
use cliptune_clip::tokenizer::DECIDING_FILES;
use cliptune_clip::{ClipConfig, names, towers};
use sha2::{Digest, Sha256};

use crate::error::OnnxError;
use crate::flavour::Flavour;
use crate::reduce;
use crate::weights::WeightFile;

/// The key for exp(logit_scale), the factor that the cosines are multiplied by.
pub const LOGIT_SCALE: &str = "logit_scale";
/// The key for the bias that is added to the logits. Only some models have one.
pub const LOGIT_BIAS: &str = "logit_bias";

/// A model folder's description of how texts and images become inputs of the graphs, and of what the outputs mean.
///
/// The metadata of every graph holds it, entry by entry, so that a graph can be compared with a model folder. A graph
/// that was exported with a different preparation gives plausible numbers that mean nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preparation(Vec<(String, String)>);

impl Preparation {
    /// Reads the configuration, the preprocessing and the tokenizer from a model folder, and the weights from a folder
    /// of graphs.
    ///
    /// Files are identified by their SHA-256, which is also what `sha256sum` and the Hugging Face Hub show. A file that
    /// does not exist has no entry.
    ///
    /// # Errors
    /// When a file cannot be read or is unusable.
    pub fn read(model: &Path, graphs: &Path) -> Result<Self, OnnxError> {
        let config = ClipConfig::from_folder(model)?;
        let preprocessing = Preprocessor::from_folder(model)?.describe()?;
        let mut entries = sizes(&config);
        entries.push(("preprocessing".to_owned(), preprocessing));
        let files = DECIDING_FILES.iter().map(|&name| (model, name)).chain([(graphs, WEIGHTS_FILE)]);
        for (folder, name) in files {
            let path = folder.join(name);
            if path.is_file() {
                let digest = sha256(&path).map_err(|source| OnnxError::Read { path, source })?;
                entries.push((format!("sha256:{name}"), digest));
            }
        }
        Ok(Self(entries))
    }

    /// Returns the entries as pairs of key and value.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// Returns the metadata of a graph's file, by key.
///
/// # Errors
/// When the file cannot be read or is not a graph.
pub fn of_graph(graph: &Path) -> Result<HashMap<String, String>, OnnxError> {
    let entries = reduce::read(graph)?.metadata_props.into_iter();
    Ok(entries.filter_map(|entry| Some((entry.key?, entry.value?))).collect())
}

fn sizes(config: &ClipConfig) -> Vec<(String, String)> {
    let (text, vision) = (&config.text, &config.vision);
    let entries = [
        ("family", config.family.as_str().to_owned()),
        ("text_activation", text.transformer.activation.as_str().to_owned()),
        ("vision_activation", vision.transformer.activation.as_str().to_owned()),
        ("eos_rule", text.pooling.name()),
        ("context_length", text.context_length.to_string()),
        ("image_size", vision.image_size.to_string()),
    ];
    entries.map(|(key, value)| (key.to_owned(), value)).into()
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut std::fs::File::open(path)?, &mut hasher)?;
    Ok(format!("{:x}", hasher.finalize()))
}

/// The metadata that all graphs share: the preparation, and the numbers that turn cosines into logits.
#[derive(Debug)]
pub(crate) struct Metadata {
    entries: Vec<(String, String)>,
}

impl Metadata {
    pub(crate) fn new(
        config: &ClipConfig,
        weights: &WeightFile,
        preparation: Preparation,
    ) -> Result<Self, OnnxError> {
        let Preparation(mut entries) = preparation;
        // A float is displayed as the shortest decimal that reads back as the same number.
        let scale = f64::from(weights.number(names::LOGIT_SCALE)?).exp() as f32;
        entries.push((LOGIT_SCALE.to_owned(), scale.to_string()));
        if let Some(bias) = towers::temperature(config.family).logit_bias {
            entries.push((LOGIT_BIAS.to_owned(), weights.number(bias)?.to_string()));
        }
        entries.push(("cliptune".to_owned(), env!("CARGO_PKG_VERSION").to_owned()));
        Ok(Self { entries })
    }

    /// Returns the entries for a graph of the given flavour.
    pub(crate) fn of(&self, flavour: Flavour) -> impl Iterator<Item = (&str, &str)> {
        let own = self.entries.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        own.chain([("flavour", flavour.as_str())])
    }
}
