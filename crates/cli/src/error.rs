//! Why a command failed.
//!
//! What several commands may fail with has a type of its own, with its messages, advice and exit codes together: [`NameError`],
//! [`OptionError`], [`ProgramError`], [`ComparisonError`] and [`RemovalError`].

mod comparison;
mod name;
mod option;
mod program;
mod removal;

use std::io;
use std::path::PathBuf;

use cliptune_apply::ApplyError;
use cliptune_clip::model_folder::FolderError;
use cliptune_demo_data::Error as ContestError;
use cliptune_durable::DurableError;
use cliptune_exchange::ExchangeError;
use cliptune_exchange::import::ImportError;
use cliptune_experiment::{LoadError, WriteError};
use cliptune_hub::HubError;
use cliptune_launcher::SeveralProcesses;
use cliptune_query::QueryError;
use cliptune_sources::SourceError;
use cliptune_store::{RunStatus, StoreError};
use cliptune_terminal::{Diagnostic, Exit, format};

pub(crate) use comparison::ComparisonError;
pub(crate) use name::NameError;
pub(crate) use option::OptionError;
pub(crate) use program::ProgramError;
pub(crate) use removal::RemovalError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A name stands for nothing, or not for one thing alone.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An option does not go with the rest of the command line.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// A tool's program cannot do its work.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// Sides cannot be compared.
    #[error(transparent)]
    Comparison(#[from] ComparisonError),
    /// Something is not removed.
    #[error(transparent)]
    Removal(#[from] RemovalError),
    /// The experiments have errors.
    #[error(transparent)]
    Experiments(#[from] LoadError),
    /// No experiments were named, and there are none in the usual folder.
    #[error("there are no experiments in {}", folder.display())]
    NoExperiments {
        /// The folder that was searched.
        folder: PathBuf,
    },
    /// A plan cannot be shown as YAML.
    #[error(transparent)]
    Yaml(#[from] WriteError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The cache of remote data cannot be read.
    #[error(transparent)]
    Sources(#[from] SourceError),
    /// A model cannot be fetched.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// A model folder cannot be read or written.
    #[error(transparent)]
    Model(#[from] FolderError),
    /// A model cannot be applied.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// Runs cannot be written for another tool.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// A run cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The report cannot be read.
    #[error(transparent)]
    Report(#[from] cliptune_report::ReportError),
    /// The runs cannot be listed or queried.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A command was started as several processes, and is work for one.
    #[error(transparent)]
    Several(#[from] SeveralProcesses),
    /// The demo contest cannot be drawn.
    #[error(transparent)]
    DemoData(#[from] ContestError),
    /// A file or a folder could not be written.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// A file operation failed; fs-err has put the operation and the path into the message.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A run has no model.
    #[error("{run} has no model: it is {status}")]
    NoModel {
        /// The run's name.
        run: String,
        /// The run's status.
        status: RunStatus,
    },
    /// A soup needs at least two runs.
    #[error("a soup is made of two runs or more{}", run.as_ref().map(|run| format!(", not of {run} alone")).unwrap_or_default())]
    OneRun {
        /// The name of the only run, if there is one.
        run: Option<String>,
    },
    /// The models differ in a way that rules out averaging them.
    #[error("{first} and {second} have different {what}")]
    Unlike {
        /// The property in which they differ.
        what: &'static str,
        /// The name of the first run.
        first: String,
        /// The name of the run that differs from it.
        second: String,
    },
    /// Nothing in a table can be what a template is about.
    #[error("nothing in the table can be the items of --template {template}")]
    NoItems {
        /// The word that names the template.
        template: &'static str,
    },
    /// A new experiment file would not say what is meant.
    #[error("{} cannot say what is meant", file.display())]
    Unsayable {
        /// The file, which was not written.
        file: PathBuf,
    },
    /// The experiment file of a run would not say what the run's record says.
    #[error("no experiment file can say what the record of {run} says")]
    Unfaithful {
        /// The run's name.
        run: String,
    },
    /// The old and the new place are one.
    #[error("{} has not moved: both paths are the same", path.display())]
    NotMoved {
        /// The path.
        path: PathBuf,
    },
    /// A command of Slurm is missing.
    #[error("there is no {program} in PATH")]
    NoSlurm {
        /// The name of the command.
        program: &'static str,
    },
    /// A command of Slurm failed.
    #[error("{program} failed: {}", format::visible(said))]
    Slurm {
        /// The name of the command.
        program: &'static str,
        /// What it said.
        said: String,
    },
    /// A command of Slurm did not answer in time.
    #[error("{program} has not answered within {seconds} s")]
    SlurmSilent {
        /// The name of the command.
        program: &'static str,
        /// How long it was waited for.
        seconds: u64,
    },
    /// Part of a command cannot be written as text.
    #[error("{} is not UTF-8, and commands are written as text", path.display())]
    NoText {
        /// A path or another argument.
        path: PathBuf,
    },
}

impl Diagnostic for CliError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Name(error) => return error.hint(),
            Self::Option(error) => return error.hint(),
            Self::Program(error) => return error.hint(),
            Self::Comparison(error) => return error.hint(),
            Self::Removal(error) => return error.hint(),
            Self::Store(error) => return error.hint(),
            Self::Sources(error) => return error.hint(),
            Self::Hub(error) => return error.hint(),
            Self::Model(error) => return error.hint(),
            Self::Apply(error) => return error.hint(),
            Self::Exchange(error) => return error.hint(),
            Self::Import(error) => return error.hint(),
            Self::Report(error) => return error.hint(),
            Self::Query(error) => return error.hint(),
            Self::Several(error) => return error.hint(),
            Self::Durable(error) => return error.hint().map(str::to_owned),
            Self::NoExperiments { .. } => "name an experiment file or a folder of them",
            Self::NoModel { .. } => "`cliptune run` or `cliptune train` finishes it",
            Self::OneRun { .. } => "name several runs, or an experiment with several `seeds`",
            Self::Unlike { .. } => "only models that started as one can be averaged",
            Self::NoItems { .. } => {
                "without --template, the likeliest kind is taken; `cliptune help new` lists the kinds"
            }
            Self::Unsayable { .. } => "a path that is not UTF-8 can be the reason",
            Self::Unfaithful { run } => {
                return Some(format!(
                    "a path that is not UTF-8 can be the reason; `cliptune show {run} --json` has the record's plan"
                ));
            }
            Self::NoSlurm { .. } => {
                "jobs are submitted from a host of the cluster; `cliptune plan --json` has the same steps for any other scheduler"
            }
            Self::Slurm { program: "sbatch", .. } => {
                "options behind `--` reach sbatch as they are; --dry-run shows all jobs; what was submitted already is not submitted again"
            }
            Self::SlurmSilent { .. } => {
                "`scontrol ping` says whether Slurm's controller can be reached; the same command goes on from here"
            }
            Self::NoText { .. } => "a name of UTF-8 text can be planned; `cliptune run` takes any",
            _ => return None,
        };
        Some(hint.to_owned())
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Experiments(_)
            | Self::NoExperiments { .. }
            | Self::NoModel { .. }
            | Self::OneRun { .. }
            | Self::Unlike { .. }
            | Self::NoItems { .. }
            | Self::NotMoved { .. }
            | Self::NoText { .. }
            | Self::Durable(DurableError::Occupied { .. })
            | Self::DemoData(
                ContestError::Cartoons { .. } | ContestError::Occupied(_) | ContestError::OtherContest { .. },
            ) => Exit::Usage,
            Self::Name(error) => error.exit(),
            Self::Option(error) => error.exit(),
            Self::Program(error) => error.exit(),
            Self::Comparison(error) => error.exit(),
            Self::Removal(error) => error.exit(),
            Self::Store(error) => error.exit(),
            Self::Sources(error) => error.exit(),
            Self::Hub(error) => error.exit(),
            Self::Apply(error) => error.exit(),
            Self::Exchange(error) => error.exit(),
            Self::Import(error) => error.exit(),
            Self::Report(error) => error.exit(),
            Self::Query(error) => error.exit(),
            Self::Several(error) => error.exit(),
            _ => Exit::Failed,
        }
    }

    fn rendered(&self) -> Option<String> {
        match self {
            Self::Experiments(error) => Some(error.rendered()),
            _ => None,
        }
    }
}
