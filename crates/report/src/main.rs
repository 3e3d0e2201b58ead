//! The `cliptune-report` command.

use std::process::ExitCode;

use clap::Parser;
use cliptune_report::cli::{Args, run};

fn main() -> ExitCode {
    let args = Args::parse();
    cliptune_terminal::main(|| run(&args))
}
