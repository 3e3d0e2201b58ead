//! `cliptune rename`.

use cliptune_store::OwnName;
use cliptune_terminal::{CommonArgs, Exit};

use crate::error::CliError;
use crate::labelling::label;

/// Give a run a name of its own
///
/// Every command that takes a run takes that name, too. The run's folder keeps its name, since other runs refer to it, and
/// so does its experiment: `run:NAME` in an experiment always means the experiment of that name. When an experiment is made
/// later that has the run's name, the name stands for both, and a command that wants one run lists them and does nothing.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("change").required(true).multiple(false).args(["name", "remove"])))]
pub(crate) struct Args {
    /// The run as `cliptune show` takes it
    run: String,

    /// The name: letters, digits, '-', '_' and '.'; no other run and no experiment of the store may have it
    name: Option<OwnName>,

    /// Take the name away
    #[arg(long)]
    remove: bool,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    label(std::slice::from_ref(&args.run), common, |store, run| store.rename(run, args.name.clone()))
}
