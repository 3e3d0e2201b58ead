//! A model's graphs, which are opened only if they belong to its model folder.

use std::path::{Path, PathBuf};

use cliptune_clip::ClipConfig;
use cliptune_clip::checkpoint::{Checkpoint, WEIGHTS_FILE};
use cliptune_onnx::Preparation;

use crate::error::EncodeError;
use crate::graph::Graph;
use crate::header::Header;
use crate::runtime::{Purpose, Runtime};
use crate::temperature::Temperature;
use crate::tower::Tower;

/// A folder of graphs, and the model folder by which texts and images are prepared.
#[derive(Debug)]
pub struct Export<'r> {
    runtime: &'r Runtime,
    graphs: PathBuf,
    model: PathBuf,
    /// What every graph has to say, unless it is known to.
    preparation: Option<Preparation>,
}

impl<'r> Export<'r> {
    /// Reads the files of the model folder, and checks that the weights beside the graphs are complete.
    ///
    /// # Errors
    /// Returns an error if a file of either folder is unusable.
    pub fn read(runtime: &'r Runtime, graphs: &Path, model: &Path) -> Result<Self, EncodeError> {
        let weights = graphs.join(WEIGHTS_FILE);
        // ONNX Runtime names the file when weights are missing, but not when they are damaged.
        if weights.is_file() {
            Checkpoint::open_file(&weights, &ClipConfig::from_folder(model)?)?;
        }
        let preparation = Some(Preparation::read(model, graphs)?);
        Ok(Self { preparation, ..Self::known(runtime, graphs, model) })
    }

    /// Takes both folders as they are, because files of the same contents were read and compared before.
    pub fn known(runtime: &'r Runtime, graphs: &Path, model: &Path) -> Self {
        Self { runtime, graphs: graphs.to_path_buf(), model: model.to_path_buf(), preparation: None }
    }

    /// Returns the model folder, by which texts and images are prepared.
    pub(crate) fn model(&self) -> &Path {
        &self.model
    }

    /// Returns the folder of the graphs.
    pub(crate) fn graphs(&self) -> &Path {
        &self.graphs
    }

    /// Returns whether the graph was exported.
    pub(crate) fn has(&self, file: &str) -> bool {
        self.graphs.join(file).is_file()
    }

    /// Returns how cosines become logits, as a graph says.
    pub(crate) fn temperature(&self, file: &str) -> Result<Temperature, EncodeError> {
        Ok(Header::read(self.graphs.join(file))?.temperature()?)
    }

    /// Returns a tower, which must have been exported for this model folder.
    pub(crate) fn tower(
        &self,
        file: &str,
        ports: [&'static str; 2],
        purpose: Purpose,
    ) -> Result<Tower<'r>, EncodeError> {
        self.check(file)?;
        Ok(Tower::new(self.runtime, self.graphs.join(file), ports, purpose))
    }

    /// Opens a graph for a few runs, as often as it runs side by side. It must have these inputs and outputs and must have
    /// been exported for this model folder.
    pub(crate) fn open(
        &self,
        file: &str,
        inputs: &[&'static str],
        outputs: &[&'static str],
    ) -> Result<Vec<Graph>, EncodeError> {
        self.check(file)?;
        let open = |_| Graph::open(self.runtime, &self.graphs.join(file), Purpose::Few, inputs, outputs);
        Ok((0..self.runtime.sessions()).map(open).collect::<Result<_, _>>()?)
    }

    fn check(&self, file: &str) -> Result<(), EncodeError> {
        let Some(preparation) = &self.preparation else { return Ok(()) };
        Ok(Header::read(self.graphs.join(file))?.expect(preparation, &self.model)?)
    }
}
