//! One ONNX file and what it computes.

use std::path::{Path, PathBuf};

use ort::session::{Session, SessionInputValue};
use ort::value::TensorRef;

use crate::matrix::Matrix;
use crate::runtime::{Purpose, Runtime};

/// An ONNX graph, ready to run.
#[derive(Debug)]
pub struct Graph {
    session: Session,
    path: PathBuf,
}

/// A tensor that goes into a graph.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Token ids or an attention mask, of shape rows × columns.
    Ids([usize; 2], &'a [i64]),
    /// Images, of shape images × 3 × height × width.
    Pixels([usize; 4], &'a [f32]),
}

/// Why a graph cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// ONNX Runtime rejects the file.
    #[error("ONNX Runtime cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The error that ONNX Runtime returned.
        source: ort::Error,
    },
    /// An input or output is missing from the graph.
    #[error("{} has no {kind} {name}; it has {}", path.display(), has.join(", "))]
    Port {
        /// The file.
        path: PathBuf,
        /// The kind of name that is missing: `input` or `output`.
        kind: &'static str,
        /// The name that is missing.
        name: &'static str,
        /// The names that the graph has.
        has: Vec<String>,
    },
    /// ONNX Runtime failed to run the graph.
    #[error("ONNX Runtime cannot run {}", path.display())]
    Run {
        /// The file.
        path: PathBuf,
        /// The error that ONNX Runtime returned.
        source: ort::Error,
    },
    /// The output is not a matrix with the expected number of rows.
    #[error("{}: output {output} is {found:?}, expected {rows} rows of numbers", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The output's name.
        output: &'static str,
        /// The shape of the output.
        found: Vec<i64>,
        /// The number of rows that were expected.
        rows: usize,
    },
    /// The graph was exported for a different preparation of texts and images than that of the model folder.
    #[error(transparent)]
    Contradiction(Box<Contradiction>),
    /// The graph does not say which preparation it was exported for.
    #[error("{} does not say with which {key} it was exported", path.display())]
    Unsaid {
        /// The file.
        path: PathBuf,
        /// The metadata key that is missing.
        key: String,
    },
    /// The multiplier or the bias that turns cosines into logits is missing.
    #[error("{} does not say its logit_scale or logit_bias", path.display())]
    NoScale {
        /// The file.
        path: PathBuf,
    },
}

/// A graph and a model folder that disagree.
#[derive(Debug, thiserror::Error)]
#[error("{} was exported with {key} {exported}, but {} has {found}", path.display(), folder.display())]
pub struct Contradiction {
    /// The graph file.
    pub path: PathBuf,
    /// The metadata key about which they disagree.
    pub key: String,
    /// The value in the graph file.
    pub exported: String,
    /// The model folder.
    pub folder: PathBuf,
    /// The value in the model folder.
    pub found: String,
}

impl Graph {
    /// Opens a file that must have these inputs and outputs.
    pub fn open(
        runtime: &Runtime,
        path: &Path,
        purpose: Purpose,
        inputs: &[&'static str],
        outputs: &[&'static str],
    ) -> Result<Self, GraphError> {
        let session = runtime
            .open(path, purpose)
            .map_err(|source| GraphError::Open { path: path.to_path_buf(), source })?;
        let graph = Self { session, path: path.to_path_buf() };
        graph.expect("input", graph.session.inputs(), inputs)?;
        graph.expect("output", graph.session.outputs(), outputs)?;
        Ok(graph)
    }

    fn expect(
        &self,
        kind: &'static str,
        present: &[ort::value::Outlet],
        expected: &[&'static str],
    ) -> Result<(), GraphError> {
        let missing = expected.iter().find(|name| present.iter().all(|outlet| outlet.name() != **name));
        match missing {
            None => Ok(()),
            Some(name) => Err(GraphError::Port {
                path: self.path.clone(),
                kind,
                name,
                has: present.iter().map(|outlet| outlet.name().to_owned()).collect(),
            }),
        }
    }

    /// Returns whether the file has an input of that name.
    pub fn has_input(&self, name: &str) -> bool {
        self.session.inputs().iter().any(|input| input.name() == name)
    }

    /// Runs the graph once and returns one of its outputs, which must have `rows` rows.
    pub fn run(
        &mut self,
        inputs: &[(&'static str, Input<'_>)],
        output: &'static str,
        rows: usize,
    ) -> Result<Matrix, GraphError> {
        let path = &self.path;
        let failed = |source| GraphError::Run { path: path.clone(), source };
        let values = inputs.iter().map(|(name, input)| Ok((*name, input.value()?)));
        let values = values.collect::<ort::Result<Vec<_>>>().map_err(failed)?;
        let outputs = self.session.run(values).map_err(failed)?;
        let (shape, values) = outputs[output].try_extract_tensor::<f32>().map_err(failed)?;
        match **shape {
            [found, _] if usize::try_from(found) == Ok(rows) => Ok(Matrix::new(rows, values.to_vec())),
            _ => Err(GraphError::Shape { path: path.clone(), output, found: shape.to_vec(), rows }),
        }
    }
}

impl<'a> Input<'a> {
    fn value(self) -> ort::Result<SessionInputValue<'a>> {
        Ok(match self {
            Self::Ids(shape, ids) => TensorRef::from_array_view((shape, ids))?.into(),
            Self::Pixels(shape, pixels) => TensorRef::from_array_view((shape, pixels))?.into(),
        })
    }
}
