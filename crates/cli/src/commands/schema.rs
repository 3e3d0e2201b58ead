//! `cliptune schema`.

use cliptune_terminal::{CommonArgs, Exit};

use crate::error::CliError;

/// Print the JSON schema of experiment files, for editors
///
/// An editor with a YAML language server completes and checks an experiment whose first line is
/// `# yaml-language-server: $schema=experiment.schema.json`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    common.printer().json(&cliptune_experiment::schema());
    Ok(Exit::Done)
}
