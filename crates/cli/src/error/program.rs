//! The tools' programs, which are missing, cannot be started or were killed.

use std::io;
use std::path::{Path, PathBuf};

use cliptune_native::{Installation, LIBTORCH, Libtorch, Origin, Pinned};
use cliptune_terminal::{Diagnostic, Exit};

use crate::tool::Tool;

/// The program of a tool is missing, cannot be started or was killed.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// A tool's program was not found.
    #[error("there is no {name} beside {}{}", beside.display(), if *in_path { " or in PATH" } else { "" })]
    NoTool {
        /// The name of the program.
        name: String,
        /// The program whose folder was searched first.
        beside: PathBuf,
        /// Whether PATH was searched, too.
        in_path: bool,
    },
    /// The variable for a libtorch names a folder that is none.
    #[error("there is no libtorch in {}, which {LIBTORCH} names", folder.display())]
    NoLibtorch {
        /// The folder.
        folder: PathBuf,
    },
    /// The loader finds no libtorch to train with.
    #[error("there is no libtorch to train with")]
    MissingLibtorch,
    /// The loader finds a libtorch of another version than cliptune was built against.
    #[error(
        "{} is of libtorch {}, and cliptune was built against {}",
        found.file.display(),
        found.version.as_deref().unwrap_or("?"),
        Pinned::Torch.version()
    )]
    OtherLibtorch {
        /// The libtorch.
        found: Libtorch,
    },
    /// A tool's program cannot be started.
    #[error("cannot start {}", program.display())]
    Start {
        /// The path of the program.
        program: PathBuf,
        /// The error that starting it gave.
        source: io::Error,
    },
    /// A tool's program was ended by a signal.
    #[error("{} was ended by {signal}", tool.program())]
    Killed {
        /// The tool that was running.
        tool: Tool,
        /// The name of the signal, or its number if it has no name.
        signal: String,
    },
}

/// Says what brings the right libtorch in place of one of another version.
fn instead_of(found: &Libtorch) -> String {
    let advice = Installation::of_this_program().advice(Pinned::Torch);
    // Only a variable has precedence, and for that the program does not matter.
    match Origin::of(&found.file, Path::new("")) {
        Origin::Variable(name) => format!("{name} leads to it; {advice}"),
        _ => advice,
    }
}

/// Says what a signal that nobody asked for most often means.
fn meaning(signal: &str) -> &'static str {
    match signal {
        "SIGKILL" => {
            "nobody but the system sends it: most often, memory ran out. A smaller train.batch_size needs less"
        }
        "SIGABRT" => {
            "most often, memory ran out: `ulimit -v` shows the limit, and a smaller train.batch_size needs less"
        }
        _ => "this is a bug in cliptune or in a library it uses; please report it",
    }
}

impl Diagnostic for ProgramError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoTool { .. } => Installation::of_this_program().advice_on_programs(),
            Self::NoLibtorch { .. } => format!(
                "{LIBTORCH} is the folder above lib/libtorch_cpu.so; without it, cliptune takes the libtorch that it was built with"
            ),
            Self::MissingLibtorch => Installation::of_this_program().advice(Pinned::Torch),
            Self::OtherLibtorch { found } => instead_of(found),
            Self::Start { .. } => return None,
            Self::Killed { signal, .. } => meaning(signal).to_owned(),
        };
        Some(hint)
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoLibtorch { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}
