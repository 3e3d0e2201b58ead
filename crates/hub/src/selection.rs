//! Which files of a repository make a model.

use std::fmt;

pub(crate) const CONFIG: &str = "config.json";
pub(crate) const PREPROCESSOR: &str = "preprocessor_config.json";
pub(crate) const INDEX: &str = "model.safetensors.index.json";
const WEIGHTS: &str = "model.safetensors";
const OPEN_CLIP_CONFIG: &str = "open_clip_config.json";
const OPEN_CLIP_WEIGHTS: &str = "open_clip_model.safetensors";

/// The ways a tokenizer is kept; the first that a repository has whole is the one that is read.
const TOKENIZERS: [&[&str]; 3] = [&["tokenizer.json"], &["vocab.json", "merges.txt"], &["spiece.model"]];

/// What belongs to a tokenizer and may be missing.
const TOKENIZER_EXTRAS: [&str; 2] = ["tokenizer_config.json", "special_tokens_map.json"];

/// Endings of weights that are programs or of other frameworks, never downloaded.
const OTHER_WEIGHTS: [&str; 7] = [".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx"];

/// The files that make a model, small ones first, without the shards that an index names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) files: Vec<&'static str>,
    /// Whether the weights are in the shards that [`INDEX`] names.
    pub(crate) is_sharded: bool,
    /// Files that were looked for and are not there. A model can do without them, so nobody else will tell them from
    /// files that have not been fetched yet.
    pub(crate) missing: Vec<&'static str>,
}

/// Why a repository has no model that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// The weights are there, but only as pickles or for another framework.
    OtherFormat {
        /// The files of weights.
        files: Vec<String>,
    },
    /// The weights are there, their configuration is not.
    NoConfig {
        /// The file that is missing.
        file: &'static str,
    },
    /// No weights at all.
    NoWeights,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherFormat { files } => {
                write!(f, "its weights are not in the safetensors format: {}", files.join(", "))
            }
            Self::NoConfig { file } => write!(f, "it has no {file}"),
            Self::NoWeights => f.write_str("it has no weights"),
        }
    }
}

/// Chooses from the files that there are. Weights as transformers keeps them win over open_clip's: one model is enough.
pub(crate) fn select(has: &dyn Fn(&str) -> bool, names: &[&str]) -> Result<Selection, Unusable> {
    let (weights, config) = if has(WEIGHTS) {
        (WEIGHTS, CONFIG)
    } else if has(INDEX) {
        (INDEX, CONFIG)
    } else if has(OPEN_CLIP_WEIGHTS) {
        (OPEN_CLIP_WEIGHTS, OPEN_CLIP_CONFIG)
    } else {
        return Err(no_weights(names));
    };
    if !has(config) {
        return Err(Unusable::NoConfig { file: config });
    }
    let mut selection = Selection { files: vec![config], is_sharded: weights == INDEX, missing: Vec::new() };
    // open_clip keeps the preprocessing in its configuration.
    if config == CONFIG {
        selection.take(&[&[PREPROCESSOR]], has);
    }
    selection.take(&TOKENIZERS, has);
    selection.files.extend(TOKENIZER_EXTRAS.into_iter().filter(|name| has(name)));
    selection.files.push(weights);
    Ok(selection)
}

impl Selection {
    /// Takes the first alternative that is there whole, or notes that none is.
    fn take(&mut self, alternatives: &[&[&'static str]], has: &dyn Fn(&str) -> bool) {
        match alternatives.iter().find(|files| files.iter().all(|file| has(file))) {
            Some(files) => self.files.extend(*files),
            None => {
                self.missing.extend(alternatives.iter().flat_map(|files| *files).filter(|file| !has(file)));
            }
        }
    }
}

fn no_weights(names: &[&str]) -> Unusable {
    let at_the_top =
        |name: &&&str| !name.contains('/') && OTHER_WEIGHTS.iter().any(|end| name.ends_with(end));
    // training_args.bin and its like are no weights.
    let of_a_model =
        |name: &&&str| name.contains("model") || name.contains("weights") || name.contains("clip");
    let files: Vec<String> =
        names.iter().filter(at_the_top).filter(of_a_model).map(ToString::to_string).collect();
    match files.is_empty() {
        true => Unusable::NoWeights,
        false => Unusable::OtherFormat { files },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(names: &[&str]) -> Result<Vec<&'static str>, Unusable> {
        select(&|name| names.contains(&name), names).map(|selection| selection.files)
    }

    #[test]
    fn a_model_of_transformers_needs_neither_its_other_weights_nor_its_other_tokenizer() {
        // What openai/clip-vit-base-patch32 holds, with a safetensors file.
        let names = [
            ".gitattributes",
            "README.md",
            "config.json",
            "flax_model.msgpack",
            "merges.txt",
            "model.safetensors",
            "preprocessor_config.json",
            "pytorch_model.bin",
            "special_tokens_map.json",
            "tf_model.h5",
            "tokenizer.json",
            "tokenizer_config.json",
            "vocab.json",
        ];
        let expected = [
            "config.json",
            "preprocessor_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "model.safetensors",
        ];
        assert_eq!(chosen(&names).unwrap(), expected);
    }

    #[test]
    fn open_clip_weights_are_left_when_those_of_transformers_are_there() {
        let both = [
            "config.json",
            "model.safetensors",
            "open_clip_config.json",
            "open_clip_model.safetensors",
            "vocab.json",
            "merges.txt",
            "preprocessor_config.json",
        ];
        assert_eq!(
            chosen(&both).unwrap(),
            ["config.json", "preprocessor_config.json", "vocab.json", "merges.txt", "model.safetensors"]
        );
    }

    #[test]
    fn open_clip_weights_come_with_open_clips_configuration() {
        // laion's older repositories: transformers' weights only as a pickle.
        let names =
            ["config.json", "pytorch_model.bin", "open_clip_config.json", "open_clip_model.safetensors"];
        let selection = select(&|name| names.contains(&name), &names).unwrap();
        assert_eq!(selection.files, ["open_clip_config.json", "open_clip_model.safetensors"]);
        assert_eq!(selection.missing, ["tokenizer.json", "vocab.json", "merges.txt", "spiece.model"]);
    }

    #[test]
    fn an_index_stands_for_its_shards() {
        let names = [
            "config.json",
            "model.safetensors.index.json",
            "model-00001-of-00002.safetensors",
            "spiece.model",
        ];
        let selection = select(&|name| names.contains(&name), &names).unwrap();
        assert_eq!(selection.files, ["config.json", "spiece.model", "model.safetensors.index.json"]);
        assert!(selection.is_sharded);
    }

    #[test]
    fn weights_that_are_programs_are_never_chosen() {
        let names =
            ["config.json", "pytorch_model.bin", "training_args.bin", "onnx/model.onnx", "tf_model.h5"];
        let files = vec!["pytorch_model.bin".to_owned(), "tf_model.h5".to_owned()];
        assert_eq!(chosen(&names), Err(Unusable::OtherFormat { files }));
        let files = vec!["open_clip_pytorch_model.bin".to_owned()];
        assert_eq!(
            chosen(&["open_clip_config.json", "open_clip_pytorch_model.bin"]),
            Err(Unusable::OtherFormat { files })
        );
    }

    #[test]
    fn a_repository_without_a_model_is_told_from_one_without_a_configuration() {
        assert_eq!(chosen(&["README.md", "config.json"]), Err(Unusable::NoWeights));
        assert_eq!(chosen(&["model.safetensors"]), Err(Unusable::NoConfig { file: "config.json" }));
    }
}
