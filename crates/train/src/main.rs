//! The `cliptune-train` command.

use std::process::ExitCode;

use cliptune_train::Arguments;

fn main() -> ExitCode {
    let completed = cliptune_train::environment::complete();
    cliptune_torch_bridge::keep_freed_memory();
    cliptune_terminal::main(|arguments: Arguments| cliptune_train::command(&arguments, completed))
}
