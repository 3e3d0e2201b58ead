//! The `cliptune-score` command.

use std::process::ExitCode;

use cliptune_score::{Arguments, ScoreError};

fn main() -> ExitCode {
    let silenced = cliptune_native::silence_onnx_runtime();
    cliptune_terminal::main(|arguments: Arguments| {
        silenced.map_err(ScoreError::Restart)?;
        Ok(cliptune_score::run(&arguments)?)
    })
}
