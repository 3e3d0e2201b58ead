//! Names that stand for nothing, or for several things.

use std::path::{Path, PathBuf};

use cliptune_terminal::{Diagnostic, Exit, format};

/// A name of a command line stands for nothing, or not for one thing alone.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    /// No run in the store has the given name.
    #[error("{}", no_run(name, store))]
    NoRun {
        /// The name that was asked for.
        name: String,
        /// The store's folder.
        store: PathBuf,
        /// The name of a run that may have been meant.
        similar: Option<String>,
    },
    /// Several runs in the store match the given name.
    #[error("{name} stands for {} runs: {}", runs.len(), format::first_few(runs))]
    AmbiguousRun {
        /// The name that was asked for.
        name: String,
        /// The names of the matching runs.
        runs: Vec<String>,
    },
    /// A name by which no run is removed, because it may stand for another one with the next scores.
    #[error("{} stands for {run} only until the next scores", format::visible(name))]
    MayChange {
        /// The name that was asked for.
        name: String,
        /// The name of the run that it stands for now.
        run: String,
    },
    /// An argument is neither an experiment with runs nor a file.
    #[error("{name} is neither an experiment in the store nor a file")]
    NoExperiment {
        /// The argument.
        name: String,
        /// The experiment that may have been meant.
        similar: Option<String>,
    },
    /// A name does not stand for exactly one dataset.
    #[error("{found} datasets of {store} have a hash that begins with {name}")]
    NoDataset {
        /// The name that was given.
        name: String,
        /// The store's folder.
        store: String,
        /// The number of datasets.
        found: usize,
    },
    /// Nothing in the trash has the given name.
    #[error("there is nothing named {name} in the trash")]
    NotInTrash {
        /// The name that was given.
        name: String,
    },
    /// There is no copy of an address.
    #[error("there is no copy of {address}")]
    NoCopy {
        /// The address.
        address: String,
    },
    /// There is no command of that name.
    #[error("there is no command {}", format::visible(name))]
    NoCommand {
        /// The name.
        name: String,
        /// The command that may have been meant.
        similar: Option<String>,
    },
}

fn no_run(name: &str, store: &Path) -> String {
    match name {
        "" => "the name of a run is empty".to_owned(),
        name => format!("there is no run {name} in {}", store.display()),
    }
}

impl Diagnostic for NameError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoRun { similar: Some(similar), .. }
            | Self::NoExperiment { similar: Some(similar), .. }
            | Self::NoCommand { similar: Some(similar), .. } => format!("did you mean {similar}?"),
            Self::NoRun { name, .. } if name.is_empty() => {
                "a variable of the shell may not be set".to_owned()
            }
            Self::NoRun { .. } => "`cliptune ls` lists the runs".to_owned(),
            Self::AmbiguousRun { name, .. } if name.contains('@') => {
                "they differ in their settings; write as much of a name as stands for one of them".to_owned()
            }
            Self::AmbiguousRun { .. } => {
                "write a little more of the name, or its seed behind the experiment, as in tuned@0".to_owned()
            }
            // No command line: without the options of this one, it would remove more.
            Self::MayChange { run, .. } => format!("name it: {run}"),
            Self::NoExperiment { .. } => "`cliptune ls` lists all experiments that have runs".to_owned(),
            Self::NoDataset { .. } => {
                "write as much of the hash as stands for one; `cliptune show RUN` has it".to_owned()
            }
            Self::NotInTrash { .. } => "`cliptune restore --list` lists what is in it".to_owned(),
            Self::NoCopy { .. } => "`cliptune cache ls` lists the copies".to_owned(),
            Self::NoCommand { .. } => "`cliptune help` lists the commands".to_owned(),
        };
        Some(hint)
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
