//! Reads and writes checkpoints on disk: which file holds which weight, under which name and in which shape.
//!
//! [`Checkpoint::open`] reads the headers of the safetensors files, recognises the layout, and checks that every weight
//! of a configuration is present in the right shape. The code that loads a model maps the files into memory and reads
//! the [`StoredWeight`]s in place. [`Checkpoint::write`] copies the weights into another layout.

mod error;
mod files;
mod header;
mod layout;
mod mean;
mod open_clip;
mod source;
mod values;
mod wrapper;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use error::CheckpointError;
pub use header::{FloatKind, safetensors_header};
pub use layout::{Fills, Layout, Tensor};
pub use values::ValueFault;

use crate::config::ClipConfig;
use header::Entry;

/// The name of Hugging Face's weights file in a model folder.
pub const WEIGHTS_FILE: &str = "model.safetensors";
/// The name of the file in which Hugging Face lists which of several files holds each weight.
pub const WEIGHTS_INDEX_FILE: &str = "model.safetensors.index.json";
/// The name of open_clip's weights file in a model folder.
pub const OPEN_CLIP_WEIGHTS_FILE: &str = "open_clip_model.safetensors";

/// The weights of one model on disk, checked to be complete and to have the shapes of its configuration.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    files: Vec<PathBuf>,
    layout: Layout,
    weights: Vec<StoredWeight>,
    extra: Vec<String>,
}

/// One tensor in a file and the weights that it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredWeight {
    /// The name of the tensor in the file.
    pub name: String,
    /// The index in [`Checkpoint::files`] of the file that holds the tensor.
    pub file: usize,
    /// The position of the first byte, counted from the start of the file.
    pub offset: u64,
    /// The type of the tensor's numbers.
    pub kind: FloatKind,
    /// The shape of the tensor in the file.
    pub shape: Vec<usize>,
    /// The weights that the tensor holds, by their names in `crate::names`.
    pub fills: Fills,
}

impl StoredWeight {
    /// Returns the number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Returns the number of elements in one row of a tensor.
fn row_elements(shape: &[usize]) -> usize {
    shape.iter().skip(1).product()
}

/// Returns the number of rows and columns of a tensor.
fn matrix(shape: &[usize]) -> [usize; 2] {
    [shape.first().copied().unwrap_or(1), row_elements(shape)]
}

impl Checkpoint {
    /// Finds the weights of a model folder: `model.safetensors`, its shards, or `open_clip_model.safetensors`.
    ///
    /// # Errors
    /// Fails when there are no weights, a file is damaged, or a weight is missing, has the wrong shape or is not a
    /// float. The error names the file and the tensor.
    pub fn open(folder: &Path, config: &ClipConfig) -> Result<Self, CheckpointError> {
        Self::open_files(files::find(folder)?, config)
    }

    /// Finds the weights in a single file, with the same checks as [`Checkpoint::open`].
    pub fn open_file(path: &Path, config: &ClipConfig) -> Result<Self, CheckpointError> {
        Self::open_files(vec![path.to_owned()], config)
    }

    fn open_files(files: Vec<PathBuf>, config: &ClipConfig) -> Result<Self, CheckpointError> {
        let entries = entries(&files)?;
        let found = Found { files: &files, entries: &entries };
        let layout = found.layout(config)?;
        let tensors = layout.tensors(config);
        let known: BTreeSet<&str> = tensors.iter().map(|tensor| tensor.name.as_str()).collect();
        let unknown =
            entries.iter().filter(|(name, _)| !known.contains(name.as_str()) && !layout::is_buffer(name));
        let extra = unknown.map(|(_, found)| found.name.clone()).collect();
        let weights = tensors.iter().map(|tensor| found.stored(tensor)).collect::<Result<_, _>>()?;
        Ok(Self { layout, weights, extra, files })
    }

    /// Returns the paths of the files that hold the weights.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Returns the first file, which is the only one unless there are shards.
    fn main_file(&self) -> PathBuf {
        self.files.first().cloned().unwrap_or_default()
    }

    /// Returns the layout that the weights are named and shaped by.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Returns every tensor that the model needs.
    pub fn weights(&self) -> &[StoredWeight] {
        &self.weights
    }

    /// Returns the names of the tensors that have no place in the model, such as another model's head.
    pub fn extra(&self) -> &[String] {
        &self.extra
    }
}

/// A tensor that was found in one of the files.
struct FoundTensor {
    /// The name of the tensor in the file.
    name: String,
    file: usize,
    entry: Entry,
}

/// Lists the tensors of some files by their names in the model, without the parts that wrappers add before or inside
/// the names.
fn entries(files: &[PathBuf]) -> Result<BTreeMap<String, FoundTensor>, CheckpointError> {
    let mut entries = BTreeMap::new();
    for (file, path) in files.iter().enumerate() {
        for (name, entry) in header::read(path)? {
            let found = FoundTensor { name: name.clone(), file, entry };
            if entries.insert(wrapper::unwrapped(&name), found).is_some() {
                return Err(CheckpointError::Twice { path: path.clone(), name });
            }
        }
    }
    match &wrapper::prefixes(entries.keys().map(String::as_str))[..] {
        [] => Ok(entries),
        [prefix] => Ok(below(entries, prefix)),
        several => Err(CheckpointError::Several {
            path: files.first().cloned().unwrap_or_default(),
            prefixes: several.to_vec(),
        }),
    }
}

/// Removes a prefix from the names that have it. A tensor outside the prefix is dropped if one of the model's tensors
/// has the same name, for example a logit_scale of the training script's own.
fn below(entries: BTreeMap<String, FoundTensor>, prefix: &str) -> BTreeMap<String, FoundTensor> {
    let is_inside = |(name, _): &(String, FoundTensor)| name.starts_with(prefix);
    let (inside, beside): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_inside);
    let inside = inside.into_iter().map(|(name, found)| (name[prefix.len()..].to_owned(), found));
    beside.into_iter().chain(inside).collect()
}

/// The tensors that were found in the files.
struct Found<'a> {
    files: &'a [PathBuf],
    entries: &'a BTreeMap<String, FoundTensor>,
}

impl Found<'_> {
    fn layout(&self, config: &ClipConfig) -> Result<Layout, CheckpointError> {
        match Layout::of(|name| self.entries.contains_key(name)) {
            Some(layout) if layout.fits(config.family) => Ok(layout),
            Some(_) => Err(CheckpointError::Family { path: self.main_file(), configured: config.family }),
            None => Err(CheckpointError::Unknown {
                path: self.main_file(),
                first: self.entries.keys().take(3).cloned().collect(),
            }),
        }
    }

    fn main_file(&self) -> PathBuf {
        self.files.first().cloned().unwrap_or_default()
    }

    fn stored(&self, tensor: &Tensor) -> Result<StoredWeight, CheckpointError> {
        let Some(FoundTensor { name, file, entry }) = self.entries.get(&tensor.name) else {
            return Err(CheckpointError::Missing { path: self.main_file(), name: tensor.name.clone() });
        };
        let name = || name.clone();
        let path = || self.files.get(*file).cloned().unwrap_or_default();
        if entry.shape != tensor.shape && !is_one_number(&entry.shape, &tensor.shape) {
            let (found, expected) = (entry.shape.clone(), tensor.shape.clone());
            return Err(CheckpointError::Shape { path: path(), name: name(), found, expected });
        }
        let kind = entry.kind.clone();
        let kind = kind.map_err(|found| CheckpointError::Kind { path: path(), name: name(), found })?;
        Ok(StoredWeight {
            name: name(),
            file: *file,
            offset: entry.offset,
            kind,
            shape: tensor.shape.clone(),
            fills: tensor.fills.clone(),
        })
    }
}

/// Checks whether both shapes, `[]` or `[1]`, hold one number: libraries disagree on the shape of a logit_scale.
fn is_one_number(a: &[usize], b: &[usize]) -> bool {
    [a, b].iter().all(|shape| shape.len() <= 1 && shape.iter().product::<usize>() == 1)
}
