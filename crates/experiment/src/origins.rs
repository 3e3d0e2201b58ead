//! Where the weights of experiments come from, however many experiments lie between.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::document::Reader;
use crate::load::yaml_files;
use crate::problem::Problems;
use crate::source::Sources;
use crate::yaml::Node;

/// What experiments start from. It decides the defaults of those that start from them.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    files: Vec<PathBuf>,
    /// What each experiment in these files and beside them starts from, by its name. It is read when somebody asks.
    known: OnceCell<HashMap<String, String>>,
}

/// What weights were in the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// They are random now.
    Random,
    /// They were random before other experiments trained them.
    TrainedHere,
    /// They come from elsewhere, or it is unknown where they come from.
    Model,
}

impl Origins {
    /// Returns the origins of the experiments in some files, and of those beside them.
    pub(crate) fn of(files: &[PathBuf]) -> Self {
        Self { files: files.to_vec(), known: OnceCell::new() }
    }

    /// Reads what experiments start from. Problems of the files are left to others.
    fn read(files: &[PathBuf]) -> HashMap<String, String> {
        let (mut sources, mut problems) = (Sources::default(), Problems::default());
        let mut reader = Reader::new(&mut sources, &mut problems);
        let mut folders: Vec<&Path> = files.iter().filter_map(|file| file.parent()).collect();
        folders.sort_unstable();
        folders.dedup();
        let beside = folders.into_iter().flat_map(|folder| yaml_files(folder).unwrap_or_default());
        let documents: Vec<Node> =
            beside.chain(files.iter().cloned()).filter_map(|file| reader.document(&file)).collect();
        let origin = |document: &Node| Some((document.read("name")?, document.get("model")?.read("from")?));
        documents.iter().filter_map(origin).collect()
    }

    /// Returns what the weights were in the beginning that `model.from` names.
    pub(crate) fn origin(&self, from: &str) -> Origin {
        if from == "scratch" {
            return Origin::Random;
        }
        let base = |from: &str| {
            let name = from.strip_prefix("run:")?.split('@').next()?;
            self.known.get_or_init(|| Self::read(&self.files)).get(name).map(String::as_str)
        };
        let mut generation = base(from);
        // Experiments that start from each other in a circle are refused elsewhere.
        for _ in 0..=self.known.get().map_or(0, HashMap::len) {
            match generation {
                Some("scratch") => return Origin::TrainedHere,
                Some(earlier) => generation = base(earlier),
                None => break,
            }
        }
        Origin::Model
    }
}
