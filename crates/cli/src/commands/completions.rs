//! `cliptune completions`.

use clap::CommandFactory;
use clap_complete::Shell;
use cliptune_terminal::{CommonArgs, Exit};
use serde_json::json;

use crate::arguments::Cli;
use crate::error::CliError;

/// Print a completion script for a shell
///
/// For bash: `cliptune completions bash > ~/.local/share/bash-completion/completions/cliptune`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "cliptune", &mut script);
    let (printer, script) = (common.printer(), String::from_utf8_lossy(&script));
    match printer.is_json() {
        true => printer.json(&json!({ "shell": args.shell.to_string(), "script": script })),
        false => printer.document(&script),
    }
    Ok(Exit::Done)
}
