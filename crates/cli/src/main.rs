//! The `cliptune` command.

use std::process::ExitCode;

use cliptune_cli::Cli;

fn main() -> ExitCode {
    cliptune_terminal::main(|cli: Cli| Ok(cliptune_cli::run(&cli)?))
}
