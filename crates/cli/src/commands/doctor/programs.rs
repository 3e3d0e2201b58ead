//! The programs of cliptune: whether they are there, are of this version and can be started.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use cliptune_native::{Installation, LIBDUCKDB, Loaded, Pinned};
use serde::Serialize;

use super::problem::Problem;
use crate::sibling::{self, STORE};
use crate::tool::Tool;

/// The programs, by their tools. The first is behind `cliptune` itself.
const PROGRAMS: [Option<Tool>; 5] =
    [None, Some(Tool::Ingest), Some(Tool::Train), Some(Tool::Score), Some(Tool::Report)];

/// What the names of libraries begin with that come with torch or with the packages that it depends on. CUDA's are needed without a GPU, too;
/// its `libcuda` is not among them, which comes with the driver.
const OF_TORCH: [&str; 17] = [
    "libc10",
    "libtorch",
    "libcublas",
    "libcudart",
    "libcudnn",
    "libcufft",
    "libcufile",
    "libcupti",
    "libcurand",
    "libcusolver",
    "libcusparse",
    "libnccl",
    "libnvJitLink",
    "libnvToolsExt",
    "libnvrtc",
    "libnvshmem",
    "libnvtx",
];

/// What is known of a program.
#[derive(Debug, Serialize)]
pub(super) struct Program {
    #[serde(skip)]
    pub(super) tool: Option<Tool>,
    pub(super) program: String,
    /// Its version, if it can be started.
    pub(super) version: Option<String>,
    pub(super) file: Option<PathBuf>,
    /// What the loader would give it.
    #[serde(skip)]
    pub(super) loaded: Loaded,
    #[serde(skip)]
    problems: Vec<Problem>,
}

/// Looks at all programs.
pub(super) fn all() -> Vec<Program> {
    PROGRAMS.into_iter().map(Program::examine).collect()
}

impl Program {
    fn examine(tool: Option<Tool>) -> Self {
        let program = tool.map_or_else(|| STORE.to_owned(), Tool::program);
        let file = tool.map_or_else(|| sibling::beside(STORE), sibling::find).ok();
        let nothing =
            Self { tool, program, version: None, file, loaded: Loaded::default(), problems: Vec::new() };
        match tool.map_or_else(sibling::store, sibling::unchecked) {
            Ok(command) => nothing.started_by(command),
            Err(error) => Self { problems: vec![Problem::of(tool, &error)], ..nothing },
        }
    }

    /// Adds what is known of a program that a command would start.
    fn started_by(mut self, command: Command) -> Self {
        self.loaded = Loaded::by(&command).unwrap_or_default();
        self.problems = match self.tool.map_or(Ok(()), |tool| sibling::check(tool, &command)) {
            Ok(()) => unloadable(self.tool, &self.loaded),
            Err(error) => vec![Problem::of(self.tool, &error)],
        };
        if self.problems.is_empty() {
            self.ask_version(command);
        }
        self
    }

    /// Asks the program for its version, which has to be that of `cliptune`.
    fn ask_version(&mut self, command: Command) {
        let on_programs = || Installation::of_this_program().advice_on_programs();
        let problem = match version(command) {
            Err(said) => Some((unloaded(&said).map_or_else(on_programs, bringing), said)),
            Ok(version) => {
                let is_another = version != env!("CARGO_PKG_VERSION");
                self.version = Some(version);
                let said = || format!("{} is of another version than cliptune", self.program);
                is_another.then(|| (on_programs(), said()))
            }
        };
        self.problems.extend(problem.map(|(mend, problem)| Problem::new(self.tool, problem, mend)));
    }

    /// Hands over the problems.
    pub(super) fn take_problems(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.problems)
    }
}

/// Returns the problems that the loader would have with a program.
fn unloadable(tool: Option<Tool>, loaded: &Loaded) -> Vec<Problem> {
    let missing =
        loaded.missing().map(|name| Problem::new(tool, format!("{name} is missing"), bringing(name)));
    let complaints = loaded.complaints.iter().map(|complaint| {
        let mend =
            "cliptune was built on a newer system: run it on one that is as new, or compile it on this one";
        Problem::new(tool, complaint.clone(), mend.to_owned())
    });
    missing.chain(complaints).collect()
}

/// Returns the name of the library that is there and that the loader cannot use, if that is what it says.
fn unloaded(said: &str) -> Option<&str> {
    let (_, file) = said.split_once("error while loading shared libraries: ")?;
    let (file, _) = file.split_once(": ")?;
    file.rsplit('/').next()
}

/// Returns what brings a library.
fn bringing(name: &str) -> String {
    match name {
        LIBDUCKDB => Installation::of_this_program().advice(Pinned::DuckDb),
        "libstdc++.so.6" => {
            "`apt-get install libstdc++6`, or the package that your system has for it".to_owned()
        }
        name if comes_with_torch(name) => Installation::of_this_program().advice(Pinned::Torch),
        name => format!("install the package of your system that has {name}"),
    }
}

fn comes_with_torch(library: &str) -> bool {
    OF_TORCH.iter().any(|start| library.starts_with(start))
}

/// Asks a program for its version. What it says instead is the error.
fn version(mut command: Command) -> Result<String, String> {
    let output = command.arg("--version").stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(if output.status.success() { &output.stdout } else { &output.stderr });
    let said = said.trim();
    match output.status.success() {
        true => Ok(said.rsplit(' ').next().unwrap_or_default().to_owned()),
        false => Err(format!("it does not start: {}", said.lines().next().unwrap_or("it says nothing"))),
    }
}

#[cfg(test)]
mod tests {
    use cliptune_native::Library;

    use super::*;

    #[test]
    fn what_the_loader_misses_is_named_with_what_brings_it() {
        let library = |name: &str| Library { name: name.to_owned(), file: None };
        let loaded = Loaded {
            libraries: vec![library("libstdc++.so.6"), library("libodd.so.1"), library("libnccl.so.2")],
            complaints: vec!["/lib/libc.so.6: version `GLIBC_2.99' not found (required by x)".to_owned()],
        };
        let problems = unloadable(Some(Tool::Train), &loaded);
        let said: Vec<(&str, &str)> = problems
            .iter()
            .map(|problem| (problem.problem.as_str(), problem.mend.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(said[0].0, "libstdc++.so.6 is missing");
        assert!(said[0].1.contains("apt-get install libstdc++6"), "{said:?}");
        assert!(said[1].1.contains("libodd.so.1"), "{said:?}");
        assert_eq!(said[2].1, Installation::of_this_program().advice(Pinned::Torch), "it comes with torch");
        assert!(said[3].0.contains("GLIBC_2.99"), "{said:?}");
    }

    #[test]
    fn torch_brings_the_libraries_of_cuda_and_none_of_other_projects_whose_names_begin_alike() {
        let of_torch = [
            "libc10_cuda.so",
            "libtorch_cpu.so",
            "libcublasLt.so.13",
            "libcudart-0d3a0f4e.so.13",
            "libcudnn.so.9",
            "libcurand.so.10",
            "libcusparseLt.so.0",
            "libnccl.so.2",
            "libnvJitLink.so.13",
            "libnvrtc.so.13",
        ];
        let of_others = ["libcurl.so.4", "libcups.so.2", "libcurses.so.6", "libnvpair.so.3", "libcuda.so.1"];
        let wrong: Vec<&str> = of_torch
            .into_iter()
            .filter(|name| !comes_with_torch(name))
            .chain(of_others.into_iter().filter(|name| comes_with_torch(name)))
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        assert!(bringing("libcurl.so.4").contains("the package of your system that has libcurl.so.4"));
    }

    #[test]
    fn a_library_that_cannot_be_used_is_brought_and_not_the_programs() {
        let said =
            "it does not start: x: error while loading shared libraries: /a/libduckdb.so: file too short";
        assert_eq!(unloaded(said), Some(LIBDUCKDB));
        assert_eq!(unloaded("it does not start: symbol lookup error"), None);
    }

    #[test]
    fn a_program_that_does_not_start_says_why() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo 'symbol lookup error' >&2; exit 127"]);
        assert_eq!(version(shell), Err("it does not start: symbol lookup error".to_owned()));
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo cliptune-train 1.2.3"]);
        assert_eq!(version(shell), Ok("1.2.3".to_owned()));
    }
}
