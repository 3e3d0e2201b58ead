//! `cliptune doctor`.

mod libraries;
mod machine;
mod problem;
mod programs;
mod shown;

use cliptune_native::Installation;
use cliptune_terminal::{CommonArgs, Exit};
use serde::Serialize;

use crate::error::CliError;
use crate::tool::Tool;
use libraries::Library;
use machine::{Folder, Machine};
use problem::Problem;
use programs::Program;

/// Say which native libraries are found where, what the machine has, and what is missing
///
/// Each problem comes with what mends it. Ends with 1 if a tool cannot do its work: of those that are named, or else any. A
/// host without libtorch does everything but train: `cliptune doctor ingest score report` is what such a host asks.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The tools that have to work; all of them when none is named
    #[arg(value_name = "TOOL", value_enum)]
    tools: Vec<Tool>,
}

impl Args {
    /// Checks whether a problem is one of the tools that have to work. What belongs to no tool is needed by all.
    fn concerns(&self, problem: &Problem) -> bool {
        self.tools.is_empty() || problem.tool.is_none_or(|tool| self.tools.contains(&tool))
    }
}

/// All that was found.
#[derive(Debug, Serialize)]
struct Findings {
    version: &'static str,
    installation: &'static str,
    programs: Vec<Program>,
    libraries: Vec<Library>,
    machine: Machine,
    folders: Vec<Folder>,
    problems: Vec<Problem>,
    notes: Vec<String>,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let findings = examine(args, common)?;
    let printer = common.printer();
    match printer.is_json() {
        true => printer.json(&findings),
        false => shown::print(&findings, &printer),
    }
    Ok(if findings.problems.is_empty() { Exit::Done } else { Exit::Failed })
}

fn examine(args: &Args, common: &CommonArgs) -> Result<Findings, CliError> {
    let mut programs = programs::all();
    let libraries = libraries::all(&programs);
    let machine = Machine::look();
    let mut problems: Vec<Problem> = programs.iter_mut().flat_map(Program::take_problems).collect();
    problems.extend(libraries::problem_of_runtime(&libraries, &programs));
    problems.retain(|problem| args.concerns(problem));
    Ok(Findings {
        version: env!("CARGO_PKG_VERSION"),
        installation: word(Installation::of_this_program()),
        notes: notes(&libraries, &machine),
        folders: machine::folders(&common.store)?,
        programs,
        libraries,
        machine,
        problems,
    })
}

fn word(installation: Installation) -> &'static str {
    match installation {
        Installation::Environment => "environment",
        Installation::Folder => "folder",
        Installation::Checkout => "checkout",
    }
}

/// Returns what keeps no tool from its work, and is worth knowing.
fn notes(libraries: &[Library], machine: &Machine) -> Vec<String> {
    let trains_on_cpu = libraries.iter().any(|library| library.has_cuda == Some(false));
    let mut notes = Vec::new();
    if machine.has_driver() && trains_on_cpu {
        notes.push(
            "there is a driver for NVIDIA's GPUs, but this libtorch has no CUDA, so that training uses the processors; a torch of \
             the same version with CUDA trains on the GPU"
                .to_owned(),
        );
    }
    notes
}
