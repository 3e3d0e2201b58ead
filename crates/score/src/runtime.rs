//! Finding and starting ONNX Runtime.

use std::path::{Path, PathBuf};

use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;

/// ONNX Runtime, loaded and started. There is one per process.
#[derive(Debug)]
pub struct Runtime {
    environment: Environment,
    library: PathBuf,
    threads: usize,
}

/// Why ONNX Runtime cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// No library anywhere.
    #[error("ONNX Runtime was not found; looked at {}", list(looked_at))]
    NotFound {
        /// Every place that was looked at.
        looked_at: Vec<PathBuf>,
    },
    /// The library would look up a telemetry host and write into the user's cache.
    #[error("ONNX Runtime would send telemetry from this process")]
    Telemetry,
    /// The file is no library, not ONNX Runtime or too old.
    #[error("{} cannot be used as ONNX Runtime", library.display())]
    Load {
        /// The file.
        library: PathBuf,
        /// What the loader says.
        source: ort::LoadDynamicError,
    },
    /// The library refuses to start.
    #[error("ONNX Runtime {} does not start", library.display())]
    Start {
        /// The library.
        library: PathBuf,
        /// What it says.
        source: ort::Error,
    },
}

impl RuntimeError {
    /// Returns what the person can do about it.
    pub fn advice(&self) -> String {
        if let Self::Telemetry = self {
            return format!("set {}=1 in the environment", cliptune_native::ORT_DISABLE_TELEMETRY);
        }
        format!(
            "run scripts/setup, or point {} at a libonnxruntime.so of version 1.{} or newer",
            cliptune_native::ORT_DYLIB_PATH,
            ort::MINOR_VERSION
        )
    }
}

impl Runtime {
    /// Loads the library that [`cliptune_native::onnx_runtime`] finds and starts it.
    ///
    /// Must come before anything else of `ort`: whatever touches it first loads a library, and would take another
    /// one or panic. Starting twice in one process is an error.
    ///
    /// # Errors
    /// When there is no usable library, or when it would send telemetry: see
    /// [`cliptune_native::silence_onnx_runtime`].
    pub fn start() -> Result<Self, RuntimeError> {
        if !cliptune_native::onnx_runtime_is_silent() {
            return Err(RuntimeError::Telemetry);
        }
        let library =
            cliptune_native::onnx_runtime().map_err(|looked_at| RuntimeError::NotFound { looked_at })?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        match ort::init_from(&library) {
            Err(source) => Err(RuntimeError::Load { library, source }),
            Ok(builder) => match builder.with_name("cliptune").build() {
                Err(source) => Err(RuntimeError::Start { library, source }),
                Ok(environment) => Ok(Self { environment, library, threads }),
            },
        }
    }

    /// Returns the library in use.
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// Opens a graph for scoring: every choice that can change a number is made here.
    pub(crate) fn open(&self, graph: &Path) -> ort::Result<Session> {
        Session::builder(&self.environment)?
            // Layout changes (level 3) choose kernels by processor; fusions (level 2) are where the speed is.
            .with_optimization_level(GraphOptimizationLevel::Level2)?
            .with_deterministic_compute(true)?
            .with_intra_threads(self.threads)?
            // Images are decoded on the same cores meanwhile.
            .with_intra_op_spinning(false)?
            .with_log_level(LogLevel::Error)?
            .commit_from_file(graph)
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
