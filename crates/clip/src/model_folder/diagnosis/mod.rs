//! Finds out what a folder, or a repository on the hub, holds instead of a model that cliptune can read.
//!
//! People keep models in many forms, and most of them are one step away from a folder that can be read. This is the one
//! place that tells the forms apart, by the names of the files alone; [`Found::advice`] describes the step.

mod advice;
mod listing;

use std::fmt;
use std::path::{Path, PathBuf};

pub use advice::Place;
use listing::Listing;

use cliptune_durable::read_regular;

use crate::checkpoint::{OPEN_CLIP_WEIGHTS_FILE, WEIGHTS_FILE};
use crate::config::{CONFIG_FILE, OPEN_CLIP_CONFIG_FILE};
use crate::files::LONGEST_CONFIGURATION;

/// The error for a folder that is not a model folder.
#[derive(Debug, thiserror::Error)]
#[error("{} is not a model folder: {found}", folder.display())]
pub struct NotAModel {
    /// The folder in question.
    pub folder: PathBuf,
    /// What the folder holds instead.
    pub found: Found,
}

impl NotAModel {
    /// Returns advice on how to get to a model folder.
    pub fn hint(&self) -> String {
        self.found.advice(&Place::Folder(&self.folder))
    }
}

/// What a folder or a repository holds instead of a model that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The folder is empty.
    Empty,
    /// A file of the model is a link to a file that is not there.
    BrokenLink {
        /// The name of the link.
        file: String,
    },
    /// There is a pipe, a socket or a device in place of a file.
    NoRegularFile {
        /// The name of what should be a file.
        file: String,
    },
    /// There is a PEFT adapter without the model that it changes.
    Adapter {
        /// The name of the model, if the adapter gives it.
        base: Option<String>,
    },
    /// There is a sentence-transformers model, which keeps each of its parts in a folder.
    SentenceTransformers {
        /// The folder with the CLIP, if there is one.
        clip: Option<String>,
    },
    /// There is a diffusers pipeline, which has at most one tower of a CLIP.
    Diffusers,
    /// There are only weights in Python's pickle format, which can run code when they are read.
    Pickles {
        /// The names of the weights files.
        files: Vec<String>,
        /// The library and the form in which the weights were saved.
        saved: Saved,
    },
    /// There are only weights of TensorFlow.
    TensorFlow {
        /// The name of the weights file.
        file: String,
    },
    /// There are only weights of Flax.
    Flax {
        /// The name of the weights file.
        file: String,
    },
    /// There are only weights for llama.cpp.
    Gguf {
        /// The name of the weights file.
        file: String,
    },
    /// There are only ONNX graphs.
    Onnx {
        /// The name of one of the graphs.
        file: String,
    },
    /// The folder is above the folder of a model.
    TooHigh {
        /// The folders of the models, relative to this one.
        models: Vec<String>,
    },
    /// The folder is inside a model folder or beside one.
    TooLow {
        /// The path of the model's folder.
        model: PathBuf,
    },
    /// There are weights under a name that no library looks for.
    OtherName {
        /// The current name of the file.
        file: String,
        /// The name that the file should have.
        expected: &'static str,
    },
    /// There are weights without a configuration.
    NoConfig {
        /// The name of the file that is missing.
        file: &'static str,
    },
    /// There are no weights at all.
    NoWeights,
}

/// The origin of some pickled weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// transformers saved a model under its usual file names.
    Transformers,
    /// The file holds only the weights of a transformers model.
    StateOfTransformers,
    /// The file holds only the weights of an open_clip model.
    StateOfOpenClip,
    /// No other file says what the weights belong to.
    Unknown,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::BrokenLink { file } => write!(f, "its {file} is a link to a file that is not there"),
            Self::NoRegularFile { file } => write!(f, "its {file} is not a regular file"),
            Self::Adapter { base: Some(base) } => {
                write!(f, "it holds a PEFT adapter without the model that the adapter changes, {base:?}")
            }
            Self::Adapter { base: None } => {
                f.write_str("it holds a PEFT adapter without the model that the adapter changes")
            }
            Self::SentenceTransformers { clip: Some(clip) } => {
                write!(f, "it is a sentence-transformers model, whose CLIP is in {clip}")
            }
            Self::SentenceTransformers { clip: None } => {
                f.write_str("it is a sentence-transformers model without a CLIP")
            }
            Self::Diffusers => f.write_str("it is a diffusers pipeline, which has no image tower of a CLIP"),
            Self::Pickles { files, .. } => {
                write!(f, "its weights are pickled ({}); only safetensors files are read", shown(files))
            }
            Self::TensorFlow { file } => write!(f, "its weights are TensorFlow's ({file})"),
            Self::Flax { file } => write!(f, "its weights are Flax's ({file})"),
            Self::Gguf { file } => write!(f, "its weights are in llama.cpp's format ({file})"),
            Self::Onnx { file } => write!(f, "it holds ONNX graphs alone ({file})"),
            Self::TooHigh { models } => write!(f, "the model is further down, in {}", shown(models)),
            Self::TooLow { model } => write!(f, "it belongs to the model in {}", model.display()),
            Self::OtherName { file, .. } => write!(f, "its weights are called {file}"),
            Self::NoConfig { file } => write!(f, "it has no {file}"),
            Self::NoWeights => f.write_str("it has no weights"),
        }
    }
}

/// The number of names that are shown.
const SHOWN: usize = 3;

/// Lists the first few names. They may come from anywhere, so characters that a terminal would act on are escaped.
fn shown(names: &[String]) -> String {
    let first: Vec<String> = names.iter().take(SHOWN).map(|name| name.escape_debug().to_string()).collect();
    match names.len() > SHOWN {
        true => format!("{}, …", first.join(", ")),
        false => first.join(", "),
    }
}

/// Finds out what a folder holds if it lacks a configuration or weights that can be read; returns nothing for one that
/// has both.
///
/// # Errors
/// Fails when the folder cannot be listed.
pub fn diagnose(folder: &Path) -> std::io::Result<Option<NotAModel>> {
    // The subfolders of a model do not matter, and there may be many files in them.
    if Listing::flat(folder)?.is_model("") {
        return Ok(None);
    }
    let found = in_folder(folder, &Listing::of(folder)?);
    Ok(Some(NotAModel { folder: folder.to_owned(), found }))
}

/// Finds out, from the names of its files, what a repository without a readable model holds.
pub fn diagnose_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Found {
    let listing = Listing::new(names);
    special(&listing, None).or_else(|| further_down(&listing)).unwrap_or_else(|| incomplete(&listing))
}

fn in_folder(folder: &Path, listing: &Listing) -> Found {
    let broken = || listing.broken().map(|file| Found::BrokenLink { file: file.to_owned() });
    let irregular = || listing.irregular().map(|file| Found::NoRegularFile { file: file.to_owned() });
    let inside = || match listing.has_configuration() {
        true => None,
        false => around(folder).map(|model| Found::TooLow { model }),
    };
    if let Some(found) = broken().or_else(irregular).or_else(inside) {
        return found;
    }
    if listing.is_empty() {
        return Found::Empty;
    }
    special(listing, Some(folder)).or_else(|| further_down(listing)).unwrap_or_else(|| incomplete(listing))
}

/// Recognises what other libraries write that is not a model folder, and folders that hold only weights of another
/// kind.
fn special(listing: &Listing, folder: Option<&Path>) -> Option<Found> {
    if listing.has("adapter_config.json") {
        return Some(Found::Adapter { base: folder.and_then(base_of_adapter) });
    }
    if listing.has("modules.json") {
        let mut folders = listing.models().into_iter().chain(listing.top_folders());
        let clip = folders.find(|name| name.ends_with("CLIPModel"));
        // The pickled weights may be those of the first part, which can be in the folder itself.
        if clip.is_some() || listing.pickles().is_empty() {
            return Some(Found::SentenceTransformers { clip });
        }
    }
    if listing.has("model_index.json") {
        return Some(Found::Diffusers);
    }
    weights_of_another_kind(listing)
}

fn weights_of_another_kind(listing: &Listing) -> Option<Found> {
    let pickles = listing.pickles();
    if !pickles.is_empty() {
        return Some(Found::Pickles { saved: saved(listing), files: pickles });
    }
    // A folder of several models may hold one of another kind beside those that can be read.
    if !listing.models().is_empty() {
        return None;
    }
    let ending = |ends: &[&str]| listing.ending(ends);
    ending(&[".h5", ".pb"])
        .map(|file| Found::TensorFlow { file })
        .or_else(|| ending(&[".msgpack"]).map(|file| Found::Flax { file }))
        .or_else(|| ending(&[".gguf"]).map(|file| Found::Gguf { file }))
        .or_else(|| ending(&[".onnx"]).map(|file| Found::Onnx { file }))
}

fn saved(listing: &Listing) -> Saved {
    if listing.has(OPEN_CLIP_CONFIG_FILE) && !listing.has("pytorch_model.bin") {
        Saved::StateOfOpenClip
    } else if !listing.has(CONFIG_FILE) {
        Saved::Unknown
    } else if listing.has("pytorch_model.bin") || listing.has("pytorch_model.bin.index.json") {
        Saved::Transformers
    } else {
        Saved::StateOfTransformers
    }
}

fn further_down(listing: &Listing) -> Option<Found> {
    let models = listing.models();
    (!models.is_empty()).then_some(Found::TooHigh { models })
}

/// Handles the remaining cases: something that looks like a model but lacks a part.
fn incomplete(listing: &Listing) -> Found {
    if listing.is_empty() {
        Found::Empty
    } else if listing.has_weights("") {
        let file = if listing.has(OPEN_CLIP_WEIGHTS_FILE) { OPEN_CLIP_CONFIG_FILE } else { CONFIG_FILE };
        Found::NoConfig { file }
    } else if let Some(file) = listing.ending(&[".safetensors"]) {
        let of_open_clip = listing.has(OPEN_CLIP_CONFIG_FILE) && !listing.has(CONFIG_FILE);
        let expected = if of_open_clip { OPEN_CLIP_WEIGHTS_FILE } else { WEIGHTS_FILE };
        Found::OtherName { file, expected }
    } else {
        Found::NoWeights
    }
}

/// Finds the model folder that a folder is part of, or lies beside.
fn around(folder: &Path) -> Option<PathBuf> {
    let whole = fs_err::canonicalize(folder).ok()?;
    let above = whole.ancestors().skip(1).take(2).find(|above| is_model(above)).map(Path::to_owned);
    above.or_else(|| {
        // These are the places in one of cliptune's runs and in the hub's cache.
        let above = whole.parent()?;
        let model = above.join("model");
        if is_model(&model) {
            return Some(model);
        }
        let snapshots = above.join("snapshots");
        let mut all = fs_err::read_dir(&snapshots).ok()?.take(MOST_SNAPSHOTS);
        all.find_map(|entry| entry.ok().map(|entry| entry.path()).filter(|path| is_model(path)))
    })
}

/// The largest number of snapshots that are looked at. A cache keeps one for each commit that was ever fetched.
const MOST_SNAPSHOTS: usize = 100;

fn is_model(folder: &Path) -> bool {
    Listing::flat(folder).is_ok_and(|listing| listing.is_model(""))
}

/// Returns the name of the model that an adapter was made for, as the adapter gives it.
fn base_of_adapter(folder: &Path) -> Option<String> {
    let bytes = read_regular(&folder.join("adapter_config.json"), LONGEST_CONFIGURATION).ok()?;
    let config: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    Some(config.get("base_model_name_or_path")?.as_str()?.to_owned())
}
