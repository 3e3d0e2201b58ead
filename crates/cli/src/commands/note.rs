//! `cliptune note`.

use cliptune_store::Note;
use cliptune_terminal::{CommonArgs, Exit};

use crate::error::CliError;
use crate::labelling::label;

/// Write a note to runs
///
/// `cliptune note tuned@0 --text "the one in the talk"` takes the place of an earlier note.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("change").required(true).multiple(false).args(["text", "remove"])))]
pub(crate) struct Args {
    /// Runs as `cliptune show` takes them
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<String>,

    /// The note
    #[arg(long)]
    text: Option<Note>,

    /// Take the note away
    #[arg(long)]
    remove: bool,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    label(&args.runs, common, |store, run| store.label(run, |labels| labels.note.clone_from(&args.text)))
}
