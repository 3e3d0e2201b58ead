//! Selects the files of a repository that make up a model.

use cliptune_clip::checkpoint::{OPEN_CLIP_WEIGHTS_FILE, WEIGHTS_FILE, WEIGHTS_INDEX_FILE};
use cliptune_clip::config::{CONFIG_FILE, OPEN_CLIP_CONFIG_FILE};
use cliptune_clip::image::{PREPROCESSOR_FILE, PROCESSOR_FILE};
use cliptune_clip::model_folder::{Found, diagnose_names};

/// The ways in which a tokenizer is stored. The first one that a repository has completely is the one that is read.
const TOKENIZERS: [&[&str]; 3] = [&["tokenizer.json"], &["vocab.json", "merges.txt"], &["spiece.model"]];

/// The files of a tokenizer that may be missing.
const TOKENIZER_EXTRAS: [&str; 2] = ["tokenizer_config.json", "special_tokens_map.json"];

/// The files that make up a model, small ones first, without the shards that an index names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) files: Vec<&'static str>,
    /// Whether the weights are in the shards that [`WEIGHTS_INDEX_FILE`] names.
    pub(crate) is_sharded: bool,
    /// The files that were looked for and are not there. A model can do without them, so nothing else distinguishes
    /// them from files that have not been fetched yet.
    pub(crate) missing: Vec<&'static str>,
}

/// Selects from the files that exist. Weights in transformers' layout are preferred to open_clip's: one model is
/// enough.
///
/// transformers 5 stores the preprocessing in `processor_config.json`, earlier versions in a file of its own. The
/// former may say nothing about images, so both files are taken if both exist.
pub(crate) fn select(has: &dyn Fn(&str) -> bool, names: &[&str]) -> Result<Selection, Found> {
    let (weights, config) = if has(WEIGHTS_FILE) {
        (WEIGHTS_FILE, CONFIG_FILE)
    } else if has(WEIGHTS_INDEX_FILE) {
        (WEIGHTS_INDEX_FILE, CONFIG_FILE)
    } else if has(OPEN_CLIP_WEIGHTS_FILE) {
        (OPEN_CLIP_WEIGHTS_FILE, OPEN_CLIP_CONFIG_FILE)
    } else {
        return Err(diagnose_names(names.iter().copied()));
    };
    if !has(config) {
        return Err(Found::NoConfig { file: config });
    }
    let is_sharded = weights == WEIGHTS_INDEX_FILE;
    let mut selection = Selection { files: vec![config], is_sharded, missing: Vec::new() };
    // open_clip stores the preprocessing in its configuration.
    if config == CONFIG_FILE {
        selection.files.extend(has(PROCESSOR_FILE).then_some(PROCESSOR_FILE));
        selection.take(&[&[PREPROCESSOR_FILE]], has);
    }
    selection.take(&TOKENIZERS, has);
    selection.files.extend(TOKENIZER_EXTRAS.into_iter().filter(|name| has(name)));
    selection.files.push(weights);
    Ok(selection)
}

impl Selection {
    /// Takes the first alternative that exists completely, or notes that none does.
    fn take(&mut self, alternatives: &[&[&'static str]], has: &dyn Fn(&str) -> bool) {
        match alternatives.iter().find(|files| files.iter().all(|file| has(file))) {
            Some(files) => self.files.extend(*files),
            None => {
                self.missing.extend(alternatives.iter().flat_map(|files| *files).filter(|file| !has(file)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(names: &[&str]) -> Result<Vec<&'static str>, Found> {
        select(&|name| names.contains(&name), names).map(|selection| selection.files)
    }

    #[test]
    fn a_model_of_transformers_needs_neither_its_other_weights_nor_its_other_tokenizer() {
        // These are the files of openai/clip-vit-base-patch32, with a safetensors file added.
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
        // LAION's older repositories have transformers' weights only as a pickle.
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
        let told = |names: &[&str]| chosen(names).unwrap_err().to_string();
        assert_eq!(
            told(&names),
            "its weights are pickled (pytorch_model.bin); only safetensors files are read"
        );
        assert_eq!(
            told(&["open_clip_config.json", "open_clip_pytorch_model.bin"]),
            "its weights are pickled (open_clip_pytorch_model.bin); only safetensors files are read"
        );
    }

    #[test]
    fn the_processor_of_transformers_5_comes_along_with_or_without_an_older_file() {
        let new = ["config.json", "model.safetensors", "processor_config.json", "tokenizer.json"];
        let selection = select(&|name| new.contains(&name), &new).unwrap();
        assert_eq!(
            selection.files,
            ["config.json", "processor_config.json", "tokenizer.json", "model.safetensors"]
        );
        assert_eq!(selection.missing, ["preprocessor_config.json"]);
        let both = [&new[..], &["preprocessor_config.json"]].concat();
        assert!(chosen(&both).unwrap().starts_with(&[
            "config.json",
            "processor_config.json",
            "preprocessor_config.json"
        ]));
    }

    #[test]
    fn what_a_repository_is_instead_of_a_model_is_told() {
        for (names, says) in [
            (&["adapter_config.json", "adapter_model.safetensors"][..], "a PEFT adapter"),
            (&["modules.json", "0_CLIPModel/config.json", "0_CLIPModel/pytorch_model.bin"], "in 0_CLIPModel"),
            (&["config.json", "tf_model.h5"], "TensorFlow's (tf_model.h5)"),
            (&["config.json", "flax_model.msgpack"], "Flax's (flax_model.msgpack)"),
            (&["clip-q4.gguf"], "llama.cpp's format (clip-q4.gguf)"),
            (&["config.json", "onnx/model.onnx"], "ONNX graphs alone (onnx/model.onnx)"),
            (&["v1/config.json", "v1/model.safetensors"], "further down, in v1"),
            (&["config.json", "clip.safetensors"], "its weights are called clip.safetensors"),
            (&[], "it is empty"),
        ] {
            let told = chosen(names).unwrap_err().to_string();
            assert!(told.contains(says), "{told}");
        }
    }

    #[test]
    fn a_repository_without_a_model_is_told_from_one_without_a_configuration() {
        assert_eq!(chosen(&["README.md", "config.json"]), Err(Found::NoWeights));
        assert_eq!(chosen(&["model.safetensors"]), Err(Found::NoConfig { file: "config.json" }));
    }
}
