//! `cliptune tag`.

use cliptune_store::Tag;
use cliptune_terminal::{CommonArgs, Exit};

use crate::error::CliError;
use crate::labelling::label;

/// Tag runs
///
/// `cliptune tag tuned@0 --add baseline` adds a tag, `--remove` takes it away again.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("change").required(true).multiple(true).args(["add", "remove"])))]
pub(crate) struct Args {
    /// Runs as `cliptune show` takes them
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<String>,

    /// A tag to add (repeatable)
    #[arg(long, value_name = "TAG")]
    add: Vec<Tag>,

    /// A tag to take away (repeatable)
    #[arg(long, value_name = "TAG")]
    remove: Vec<Tag>,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    label(&args.runs, common, |store, run| {
        store.label(run, |labels| {
            labels.tags.extend(args.add.iter().cloned());
            labels.tags.retain(|tag| !args.remove.contains(tag));
        })
    })
}
