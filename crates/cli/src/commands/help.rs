//! `cliptune help`.

use clap::{CommandFactory as _, Parser as _};
use cliptune_terminal::{CommonArgs, Exit, did_you_mean};

use crate::arguments::Cli;
use crate::commands::StoreCommands;
use crate::error::{CliError, NameError};

/// Print the help of a command, as its --help does
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The command
    command: Option<String>,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let name = args.command.as_deref();
    if let Some(name) = name {
        known(name)?;
    }
    match Cli::try_parse_from(["cliptune"].into_iter().chain(name).chain(["--help"])) {
        // A program of its own has its own help.
        Ok(cli) => super::run(&cli, StoreCommands::ELSEWHERE),
        Err(help) => {
            common.printer().document(&help.render().to_string());
            Ok(Exit::Done)
        }
    }
}

/// Makes sure that there is a command of this name.
fn known(name: &str) -> Result<(), CliError> {
    let command = Cli::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    match names.contains(&name) {
        true => Ok(()),
        false => {
            let similar = did_you_mean(name, &names).map(str::to_owned);
            Err(NameError::NoCommand { name: name.to_owned(), similar }.into())
        }
    }
}
