//! The native libraries that the programs would take.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use cliptune_native::{
    Installation, LIBDUCKDB, Libtorch, Origin, Pinned, duckdb_version, onnx_runtime, onnx_runtime_version,
};
use cliptune_terminal::ErrorDocument;
use serde::Serialize;

use super::problem::Problem;
use super::programs::Program;
use crate::sibling;
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

/// Returns what is wrong with ONNX Runtime, which no program names: scoring loads it by itself.
pub(super) fn problem_of_runtime(libraries: &[Library], programs: &[Program]) -> Option<Problem> {
    let runtime = libraries.iter().find(|library| library.library == ONNX_RUNTIME)?;
    let Some(file) = &runtime.file else {
        let advice = Installation::of_this_program().advice(Pinned::OnnxRuntime);
        return Some(Problem::new(Some(Tool::Score), format!("{ONNX_RUNTIME} is missing"), advice));
    };
    // A program that does not start has said why.
    let starts =
        programs.iter().any(|program| program.tool == Some(Tool::Score) && program.version.is_some());
    if starts { unusable(file) } else { None }
}

/// Asks scoring whether it can use ONNX Runtime, and returns what it says if not.
fn unusable(file: &Path) -> Option<Problem> {
    let mut score = sibling::unchecked(Tool::Score).ok()?;
    // No file is read, but one has to be named.
    let asked = score.args(["--runtime", "--json", "--", "nothing"]).stdin(Stdio::null()).output().ok()?;
    if asked.status.success() {
        return None;
    }
    let said: Option<ErrorDocument> = serde_json::from_slice(&asked.stdout).ok();
    let mend = said.as_ref().and_then(ErrorDocument::hint).map(str::to_owned);
    let advice = || Installation::of_this_program().advice(Pinned::OnnxRuntime);
    let problem = said.map_or_else(
        || format!("{} ends a program that loads it as {ONNX_RUNTIME}", file.display()),
        |said| said.in_one_line(),
    );
    Some(Problem::new(Some(Tool::Score), problem, mend.unwrap_or_else(advice)))
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
