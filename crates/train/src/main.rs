//! The `cliptune-train` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    cliptune_train::threads::wait_politely();
    cliptune_torch_bridge::keep_freed_memory();
    cliptune_terminal::main(cliptune_train::command)
}
