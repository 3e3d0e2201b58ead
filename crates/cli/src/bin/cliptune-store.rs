//! The commands of `cliptune` that may have to read tables. `cliptune` becomes this program when it is given one of them.

use std::process::ExitCode;

use cliptune_cli::{Cli, StoreCommands, run};
use mimalloc::MiMalloc;

/// Reading the records and events of thousands of runs takes a tenth less time with it than with that of glibc.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cliptune_terminal::main(|cli: Cli| Ok(run(&cli, StoreCommands::HERE)?))
}
