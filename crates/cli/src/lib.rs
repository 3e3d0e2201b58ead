//! The cliptune command: runs the tools in order and looks at what they made.
//!
//! [`Cli`] is the command line, [`run`] does what it says. Ingesting, training, scoring and reporting are programs of
//! their own, which `sibling` finds and waits for; every other command is one file in `commands`.

mod arguments;
mod commands;
mod error;
mod pipeline;
mod selection;
mod sibling;
mod signals;
mod tool;
mod view;
mod wording;

pub use arguments::Cli;
pub use commands::run;
pub use error::CliError;
