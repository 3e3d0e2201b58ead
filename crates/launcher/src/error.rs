//! What is wrong with the variables of a launcher.

use cliptune_terminal::{Diagnostic, Exit};

/// The reason why it cannot be said where a process stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LauncherError {
    /// A variable is missing.
    #[error("{variable} is not set, and {with} is")]
    Missing {
        /// The variable.
        variable: &'static str,
        /// The variable for which it is needed.
        with: &'static str,
    },
    /// A variable has to be a whole number.
    #[error("{variable} is {value:?}, which is not a valid number for it")]
    NoNumber {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
    },
    /// A number is outside of its range.
    #[error("{variable} is {value}, which is not {range}")]
    OutOfRange {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: usize,
        /// The range in words.
        range: String,
    },
    /// Two variables say different things.
    #[error("{variable} is {value}, and {other} is {expected}")]
    Contradiction {
        /// The variable that was set beside the launcher's.
        variable: &'static str,
        /// Its value.
        value: usize,
        /// The variable of the launcher.
        other: &'static str,
        /// Its value.
        expected: usize,
    },
    /// A list of hosts cannot be read.
    #[error("{variable} is {value:?}, which is not a list of hosts")]
    NoHosts {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
    },
}

/// What can be done about a variable, whatever its value is.
const OFF: &str = "`--distributed off` trains in one process, whatever these variables say";

impl Diagnostic for LauncherError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing { variable: "RANK", with } => {
                format!("start it with torchrun, which sets all of them, or unset {with}; {OFF}")
            }
            Self::Missing { variable, .. } => format!("torchrun or srun sets {variable}; {OFF}"),
            Self::NoNumber { variable, .. } | Self::OutOfRange { variable, .. } => {
                format!("leave {variable} to torchrun or srun; {OFF}")
            }
            Self::Contradiction { variable, other, .. } => {
                format!("unset {variable}, or set it to the value of {other}; {OFF}")
            }
            Self::NoHosts { .. } => format!("set MASTER_ADDR to the host of the first process; {OFF}"),
        };
        Some(hint)
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

/// A command was started as several processes, and is no work for several.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`cliptune {command}` is work for one process, and this is one of {world}")]
pub struct SeveralProcesses {
    pub(crate) command: &'static str,
    pub(crate) world: usize,
}

impl Diagnostic for SeveralProcesses {
    fn hint(&self) -> Option<String> {
        Some(match self.command {
            "run" => "run `cliptune ingest` once, then train with `torchrun … --no-python cliptune train EXPERIMENT` or `srun … cliptune train \
                      EXPERIMENT`, then run `cliptune run` once for what is left"
                .to_owned(),
            command => format!(
                "start `cliptune {command}` once, without torchrun and srun; only `cliptune train` is for several processes"
            ),
        })
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
