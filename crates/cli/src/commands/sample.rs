//! `cliptune sample`.

use std::io::{IsTerminal as _, stdout};
use std::path::PathBuf;

use cliptune_sample::Request;
use cliptune_terminal::{CommonArgs, Exit};

use crate::error::{CliError, OptionError};
use crate::sibling;
use crate::tool::Tool;

/// Show joined rows with their images, or what was rejected; makes nothing
///
/// Images and rows are joined as the experiment's data says, and each row is shown with all its columns, its image, what
/// becomes of it and the split that it is in. In a terminal, images are shown through its graphics, or as blocks of
/// characters.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Experiment file
    #[arg(value_name = "EXPERIMENT")]
    experiment: PathBuf,

    #[command(flatten)]
    request: Request,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    if args.request.html && stdout().is_terminal() {
        return Err(OptionError::PageOnTerminal { command: "cliptune sample EXPERIMENT" }.into());
    }
    if args.request.html && args.request.rejects.as_deref() == Some("") {
        return Err(OptionError::PageWithoutReason.into());
    }
    let request = serde_json::json!(args.request);
    let mut command = sibling::command(Tool::Ingest)?;
    command.args(common.forward()).arg(format!("--sample={request}")).arg("--").arg(&args.experiment);
    sibling::wait(Tool::Ingest, command)
}
