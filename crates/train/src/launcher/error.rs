//! Why processes do not come together.

use std::io;

use cliptune_terminal::{Diagnostic, Exit};

use super::distributed::JOIN_SECONDS;
use super::interface::INTERFACES;

/// Why the processes of a launcher do not come together.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The time to wait is none.
    #[error("{JOIN_SECONDS} is {value:?}, and has to be a whole number of seconds from 1 to 86400")]
    Patience {
        /// The value of the variable.
        value: String,
    },
    /// The host of the store has no address.
    #[error("there is no host {host}, where the processes are to meet")]
    NoHost {
        /// The name of the host.
        host: String,
        /// What the system said.
        source: io::Error,
    },
    /// This host has no such network interface.
    #[error("this host has no network interface {name:?}, which {INTERFACES} names")]
    NoInterface {
        /// The name.
        name: String,
        /// The network interfaces of this host in words.
        here: String,
    },
    /// Another program listens on the port.
    #[error("port {port} of this host is in use, where the processes are to meet")]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// Nobody answers where the store should be.
    #[error("rank {rank} of {world} has found no store at {host}:{port} within {seconds} s: {said}")]
    NoStore {
        /// The rank of this process.
        rank: usize,
        /// The number of processes.
        world: usize,
        /// The name of the host.
        host: String,
        /// The port.
        port: u16,
        /// How long it was tried.
        seconds: u64,
        /// What libtorch said.
        said: String,
    },
    /// Some processes have not come.
    #[error("{missing} of {world} processes have not joined within {seconds} s: {ranks}")]
    Missing {
        /// The number of processes that are missing.
        missing: usize,
        /// The number of processes.
        world: usize,
        /// How long they were waited for.
        seconds: u64,
        /// The missing ranks in words.
        ranks: String,
    },
    /// Two processes have the same rank.
    #[error("rank {rank} is there twice; this one is {own}")]
    Twice {
        /// The rank.
        rank: usize,
        /// This process in words.
        own: String,
    },
    /// Two processes have been told different numbers of processes.
    #[error("{own} and {other} were told different numbers of processes")]
    OtherWorld {
        /// This process in words.
        own: String,
        /// The other process in words.
        other: String,
    },
    /// Two processes are of different programs.
    #[error("{one} is {its}, and {other} is {others}")]
    OtherProgram {
        /// The first process in words.
        one: String,
        /// Its program.
        its: String,
        /// The other process in words.
        other: String,
        /// Its program.
        others: String,
    },
    /// This process has something else than the leader.
    #[error("rank 0 trains {label}{has}, and this one {instead}")]
    Disagreement {
        /// The run in words.
        label: String,
        /// What the leader has.
        has: String,
        /// What this process has.
        instead: String,
    },
    /// There are fewer GPUs than processes on this host.
    #[error("this host has {gpus} GPUs, and this is the process of local rank {local_rank} on it")]
    TooFewGpus {
        /// The number of GPUs that this process sees.
        gpus: usize,
        /// The number of the process among those of its host.
        local_rank: usize,
    },
    /// Nobody says which GPU is this process's.
    #[error("this host has {gpus} GPUs, and nothing says which of them is for this process")]
    WhichGpu {
        /// The number of GPUs that this process sees.
        gpus: usize,
    },
    /// The thread that looks after the others cannot be started.
    #[error("cannot start a thread that looks after the other processes")]
    Lookout(#[source] io::Error),
}

impl Diagnostic for JoinError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Patience { .. } => return None,
            Self::NoHost { .. } => "set MASTER_ADDR to a name or an address of the first process's host that all others know; with torchrun, \
                                    `--rdzv-endpoint=HOST:PORT` or `--master-addr`"
                .to_owned(),
            Self::NoInterface { here, .. } => {
                format!("it has {here}; without {INTERFACES}, the address of the host's own name is taken")
            }
            Self::PortInUse { .. } => {
                "set MASTER_PORT to a free port; with torchrun, `--rdzv-endpoint=HOST:PORT` or `--standalone`".to_owned()
            }
            Self::NoStore { .. } => format!(
                "see whether the process of rank 0 is there and its host can be reached at that port (MASTER_ADDR, MASTER_PORT); \
                 {JOIN_SECONDS} says how long it is tried"
            ),
            Self::Missing { .. } => format!(
                "see what became of them: all of them need the same MASTER_ADDR, MASTER_PORT and WORLD_SIZE; {JOIN_SECONDS} says how \
                 long they are waited for, and `--distributed off` trains without them"
            ),
            Self::Twice { .. } => {
                "give each process its own RANK, or let torchrun or srun do it; another training may be using the same MASTER_PORT"
                    .to_owned()
            }
            Self::OtherWorld { .. } => {
                "give all of them the same WORLD_SIZE, or let torchrun or srun do it; another training may be using the same MASTER_PORT"
                    .to_owned()
            }
            Self::OtherProgram { .. } => "start the same program on all hosts".to_owned(),
            Self::Disagreement { .. } => "all processes need the same experiment files, options, data and store: give them the same \
                                          `--store` on a file system that they share"
                .to_owned(),
            Self::TooFewGpus { .. } => "start no more processes on a host than it has GPUs, or let each see one alone \
                                        (CUDA_VISIBLE_DEVICES, `srun --gpus-per-task=1`)"
                .to_owned(),
            Self::WhichGpu { .. } => "set LOCAL_RANK to the number of the process on its host, from 0".to_owned(),
            Self::Lookout(_) => return None,
        };
        Some(hint)
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Patience { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}
