//! Finding and starting ONNX Runtime.

use std::path::{Path, PathBuf};

use cliptune_native::{Installation, Pinned};
use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;

/// ONNX Runtime, loaded and started. There is one per process.
#[derive(Debug)]
pub struct Runtime {
    environment: Environment,
    library: PathBuf,
    /// The number of sessions of a graph that run side by side.
    sessions: usize,
    /// The number of threads of each.
    threads: usize,
}

/// The numbers of sessions that share the threads, the first that divides them. Each session holds the weights once more.
const SESSIONS: [usize; 2] = [2, 3];

/// How much a graph is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Many runs: the weights are rearranged for quick products when the graph is opened.
    Many,
    /// A few runs: the graph is opened many times as quickly, and the weights stay as they are in their file.
    Few,
}

/// Why ONNX Runtime cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// No library was found anywhere.
    #[error("ONNX Runtime was not found; looked at {}", list(looked_at))]
    NotFound {
        /// All places that were searched.
        looked_at: Vec<PathBuf>,
    },
    /// The library would look up a telemetry host and write into the user's cache.
    #[error("ONNX Runtime would send telemetry from this process")]
    Telemetry,
    /// The file is not a library, is not ONNX Runtime, or is too old.
    #[error("{} cannot be used as ONNX Runtime", library.display())]
    Load {
        /// The file.
        library: PathBuf,
        /// The error that the loader returned.
        source: ort::LoadDynamicError,
    },
    /// The library refuses to start.
    #[error("ONNX Runtime {} does not start", library.display())]
    Start {
        /// The library.
        library: PathBuf,
        /// The error that the library returned.
        source: ort::Error,
    },
}

impl RuntimeError {
    /// Returns advice on what the user can do about the error.
    pub fn advice(&self) -> String {
        if let Self::Telemetry = self {
            return format!("set {}=1 in the environment", cliptune_native::ORT_DISABLE_TELEMETRY);
        }
        match Installation::of_this_program() {
            Installation::Checkout => format!(
                "run scripts/setup, or point {} at a libonnxruntime.so of version 1.{} or newer",
                cliptune_native::ORT_DYLIB_PATH,
                ort::MINOR_VERSION
            ),
            installed => installed.advice(Pinned::OnnxRuntime),
        }
    }
}

impl Runtime {
    /// Loads the library that [`cliptune_native::onnx_runtime`] finds and starts it.
    ///
    /// This must be called before anything else of `ort`: whatever uses `ort` first loads a library, and would load a
    /// different one or panic. Starting twice in one process is an error.
    ///
    /// # Errors
    /// Returns an error if there is no usable library, or if the library would send telemetry: see
    /// [`cliptune_native::silence_onnx_runtime`].
    pub fn start() -> Result<Self, RuntimeError> {
        if !cliptune_native::onnx_runtime_is_silent() {
            return Err(RuntimeError::Telemetry);
        }
        let library =
            cliptune_native::onnx_runtime().map_err(|looked_at| RuntimeError::NotFound { looked_at })?;
        // As many as everything else in this process takes: `cliptune run --jobs` divides the processor's.
        let threads = rayon::current_num_threads();
        let sessions = SESSIONS.into_iter().find(|sessions| threads.is_multiple_of(*sessions)).unwrap_or(1);
        match ort::init_from(&library) {
            Err(source) => Err(RuntimeError::Load { library, source }),
            Ok(builder) => match builder.with_name("cliptune").build() {
                Err(source) => Err(RuntimeError::Start { library, source }),
                Ok(environment) => Ok(Self { environment, library, sessions, threads: threads / sessions }),
            },
        }
    }

    /// Returns the library in use.
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// Returns what tells this build of ONNX Runtime from others, whose numbers may differ.
    pub fn build(&self) -> &'static str {
        ort::info()
    }

    /// Returns the number of sessions of a graph that run side by side.
    pub(crate) fn sessions(&self) -> usize {
        self.sessions
    }

    /// Opens a graph. Every option that can change a number is set here.
    pub(crate) fn open(&self, graph: &Path, purpose: Purpose) -> ort::Result<Session> {
        Session::builder(&self.environment)?
            // Layout changes (level 3) choose kernels by processor, while fusions (level 2) bring most of the speed.
            .with_optimization_level(GraphOptimizationLevel::Level2)?
            .with_deterministic_compute(true)?
            .with_intra_threads(self.threads)?
            // Spinning threads would take cores from the decoding of images, which happens at the same time.
            .with_intra_op_spinning(false)?
            .with_prepacking(purpose == Purpose::Many)?
            .with_log_level(LogLevel::Error)?
            .commit_from_file(graph)
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
