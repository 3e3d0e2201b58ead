//! The commands of `cliptune` that may have to read tables. `cliptune` becomes this program when it is given one of them.

use std::process::ExitCode;

use cliptune_cli::{Cli, StoreCommands, run};

fn main() -> ExitCode {
    cliptune_terminal::main(|cli: Cli| Ok(run(&cli, StoreCommands::HERE)?))
}
