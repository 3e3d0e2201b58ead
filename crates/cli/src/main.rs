//! The `cliptune` command. It does not link DuckDB, which takes longer to load than all else that starting a tool takes.

use std::process::ExitCode;

use cliptune_cli::{Cli, StoreCommands, run};

fn main() -> ExitCode {
    cliptune_terminal::main(|cli: Cli| Ok(run(&cli, StoreCommands::ELSEWHERE)?))
}
