//! The `cliptune-ingest` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    cliptune_terminal::main(cliptune_ingest::command)
}
