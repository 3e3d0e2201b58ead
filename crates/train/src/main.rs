//! The `cliptune-train` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    cliptune_train::environment::complete();
    cliptune_torch_bridge::keep_freed_memory();
    cliptune_terminal::main(cliptune_train::command)
}
