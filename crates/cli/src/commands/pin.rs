//! `cliptune pin`.

use cliptune_terminal::{CommonArgs, Exit};

use crate::error::CliError;
use crate::labelling::label;

/// Pin runs, so that they are kept whatever else is removed
///
/// `gc` never removes a pinned run or what it was made from; `rm` only does so when forced.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Runs as `cliptune show` takes them
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<String>,

    /// Take the pin away
    #[arg(long)]
    remove: bool,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    label(&args.runs, common, |store, run| store.label(run, |labels| labels.pinned = !args.remove))
}
