//! The native libraries that the programs would take.

use std::env;
use std::path::{Path, PathBuf};

use cliptune_native::{
    Installation, LIBDUCKDB, Libtorch, Origin, Pinned, duckdb_version, onnx_runtime, onnx_runtime_version,
};
use serde::Serialize;

use super::problem::Problem;
use super::programs::Program;
use crate::tool::Tool;

/// What is known of a native library.
#[derive(Debug, Serialize)]
pub(super) struct Library {
    pub(super) library: &'static str,
    /// The version that cliptune was built against.
    pub(super) built_against: &'static str,
    /// Its version, where it can be told.
    pub(super) version: Option<String>,
    /// By which rule it is found.
    pub(super) found_by: Option<String>,
    pub(super) file: Option<PathBuf>,
    /// Whether it can use NVIDIA's GPUs, where that is a question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) has_cuda: Option<bool>,
}

impl Library {
    fn missing(library: &'static str, pinned: Pinned) -> Self {
        let built_against = pinned.version();
        Self { library, built_against, version: None, found_by: None, file: None, has_cuda: None }
    }

    /// Adds the file, as the loader or the search spells it, with the program that it is found for.
    fn found(mut self, file: &Path, program: &Path, version: Option<String>) -> Self {
        self.found_by = Some(Origin::of(file, program).to_string());
        self.file = Some(fs_err::canonicalize(file).unwrap_or_else(|_| file.to_path_buf()));
        self.version = version;
        self
    }
}

/// The name of ONNX Runtime, which no program has among the libraries that it names.
const ONNX_RUNTIME: &str = "ONNX Runtime";

/// Looks for all libraries.
pub(super) fn all(programs: &[Program]) -> Vec<Library> {
    let of = |tool: Option<Tool>| programs.iter().find(|program| program.tool == tool);
    vec![libtorch(of(Some(Tool::Train))), runtime(), duckdb(of(None))]
}

/// Returns the problems with the libraries that no program names.
pub(super) fn problems(libraries: &[Library]) -> Vec<Problem> {
    let missing =
        libraries.iter().filter(|library| library.library == ONNX_RUNTIME && library.file.is_none());
    missing
        .map(|library| {
            let advice = Installation::of_this_program().advice(Pinned::OnnxRuntime);
            Problem::new(Some(Tool::Score), format!("{} is missing", library.library), advice)
        })
        .collect()
}

fn libtorch(train: Option<&Program>) -> Library {
    let missing = Library::missing("libtorch", Pinned::Torch);
    let found = train.and_then(|train| Some((Libtorch::among(&train.loaded).ok()??, train.file.as_ref()?)));
    let Some((libtorch, program)) = found else { return missing };
    let has_cuda = Some(libtorch.has_cuda());
    Library { has_cuda, ..missing.found(&libtorch.file, program, libtorch.version) }
}

fn duckdb(store: Option<&Program>) -> Library {
    let missing = Library::missing("DuckDB", Pinned::DuckDb);
    let found =
        store.and_then(|store| Some((store.loaded.library(LIBDUCKDB)?.file.as_ref()?, store.file.as_ref()?)));
    match found {
        Some((file, program)) => missing.found(file, program, duckdb_version(file)),
        None => missing,
    }
}

fn runtime() -> Library {
    let missing = Library::missing(ONNX_RUNTIME, Pinned::OnnxRuntime);
    match (onnx_runtime(), env::current_exe()) {
        (Ok(file), Ok(program)) => missing.found(&file, &program, onnx_runtime_version(&file)),
        _ => missing,
    }
}
