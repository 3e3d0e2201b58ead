//! The cliptune command, which runs the tools in order and shows what they made.
//!
//! [`Cli`] describes the command line and [`run`] carries it out. Ingesting, training, scoring and reporting are
//! separate programs, which `sibling` finds and waits for; every other command is one file in `commands`.

mod arguments;
mod commands;
mod error;
mod joins;
mod labelling;
mod pipeline;
mod removal;
mod selection;
mod sibling;
mod signals;
mod spare;
mod tool;
mod usage;
mod view;
mod wanted;
mod wording;

pub use arguments::Cli;
pub use commands::run;
pub use error::CliError;
