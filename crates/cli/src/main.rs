//! The `cliptune` command.

use std::process::ExitCode;

use clap::Parser;
use cliptune_cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    cliptune_terminal::main(|| Ok(cliptune_cli::run(&cli)?))
}
