//! `cliptune completions`.

use clap::CommandFactory;
use clap_complete::Shell;
use cliptune_terminal::{CommonArgs, Exit};

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
    common.printer().data(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
