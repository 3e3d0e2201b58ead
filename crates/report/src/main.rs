//! The `cliptune-report` command.

use std::process::ExitCode;

use cliptune_report::cli::{Args, run};

fn main() -> ExitCode {
    cliptune_terminal::main(|args: Args| run(&args))
}
