//! The cliptune command, which runs the tools in order and shows what they made.
//!
//! [`Cli`] describes the command line and [`run`] carries it out. Ingesting, training, scoring and reporting are
//! separate programs, which `sibling` finds and waits for; every other command is one file in `commands`. Two programs
//! are made of this crate: `cliptune` becomes `cliptune-store` for the few commands that need DuckDB.

mod arguments;
mod commands;
mod error;
mod joins;
mod labelling;
mod model;
mod of_files;
mod pipeline;
mod removal;
mod selection;
mod sibling;
mod signals;
mod slurm;
mod spare;
mod survey;
mod tool;
mod usage;
mod view;
mod wanted;
mod wording;

pub use arguments::Cli;
pub use commands::{StoreCommands, run};
pub use error::CliError;
