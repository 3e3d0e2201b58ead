//! A run's graphs, which are opened only if they belong to the run's model folder.

use std::path::Path;

use cliptune_clip::ClipConfig;
use cliptune_clip::checkpoint::{Checkpoint, WEIGHTS_FILE};
use cliptune_onnx::Preparation;

use crate::error::ScoreError;
use crate::graph::Graph;
use crate::runtime::Runtime;

/// A folder of graphs, and the model folder by which texts and images are prepared.
#[derive(Debug)]
pub struct Export<'a> {
    runtime: &'a Runtime,
    graphs: &'a Path,
    model: &'a Path,
    preparation: Preparation,
}

impl<'a> Export<'a> {
    /// Reads the files of the model folder, and checks that the weights beside the graphs are complete.
    ///
    /// # Errors
    /// Returns an error if a file of either folder is unusable.
    pub fn read(runtime: &'a Runtime, graphs: &'a Path, model: &'a Path) -> Result<Self, ScoreError> {
        let weights = graphs.join(WEIGHTS_FILE);
        // ONNX Runtime names the file when weights are missing, but not when they are damaged.
        if weights.is_file() {
            Checkpoint::open_file(&weights, &ClipConfig::from_folder(model)?)?;
        }
        Ok(Self { runtime, graphs, model, preparation: Preparation::read(model, graphs)? })
    }

    /// Returns the model folder, by which texts and images are prepared.
    pub(crate) fn model(&self) -> &Path {
        self.model
    }

    /// Returns whether the graph was exported.
    pub(crate) fn has(&self, file: &str) -> bool {
        self.graphs.join(file).is_file()
    }

    /// Opens a graph, which must have these inputs and outputs and must have been exported for this model folder.
    pub(crate) fn open(
        &self,
        file: &str,
        inputs: &[&'static str],
        outputs: &[&'static str],
    ) -> Result<Graph, ScoreError> {
        let graph = Graph::open(self.runtime, &self.graphs.join(file), inputs, outputs)?;
        graph.expect_preparation(&self.preparation, self.model)?;
        Ok(graph)
    }
}
