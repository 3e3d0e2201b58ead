//! The `cliptune-score` command.

use std::process::ExitCode;

use clap::Parser;
use cliptune_score::{Arguments, ScoreError};

fn main() -> ExitCode {
    let silenced = cliptune_native::silence_onnx_runtime();
    let arguments = Arguments::parse();
    cliptune_terminal::main(|| {
        silenced.map_err(ScoreError::Restart)?;
        Ok(cliptune_score::run(&arguments)?)
    })
}
