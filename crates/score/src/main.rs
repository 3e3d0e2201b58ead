//! The `cliptune-score` command.

use std::process::ExitCode;

use clap::Parser;
use cliptune_score::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    cliptune_terminal::main(|| Ok(cliptune_score::run(&arguments)?))
}
