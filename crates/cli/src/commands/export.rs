//! `cliptune export`.

mod format;
mod layout;

use std::path::PathBuf;

use cliptune_exchange::export::Format;
use cliptune_terminal::{CommonArgs, Exit};

use crate::error::{CliError, OptionError};
use crate::selection::refuse_settings;
use layout::Layout;

/// Write runs for other tools, or a run's model for another library
///
/// With --as, into a folder that another tool opens, or as tables: settings, metrics with their intervals, curves by step, tags
/// and notes. An experiment stands for its runs, and so does an experiment file. docs/exchange.md says what each format has and how it is opened.
///
/// With --layout, into a folder with weights, configuration, tokenizer and preprocessing, from which transformers or open_clip
/// load the same model: every number is the same to the bit. docs/models.md says what each library then computes.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("how").required(true).multiple(false).args(["layout", "format"])))]
pub(crate) struct Args {
    /// Runs as `cliptune show` takes them, experiments, or experiment files; with --layout, one run or a model folder
    #[arg(required = true, value_name = "RUN|FOLDER")]
    runs: Vec<String>,

    /// The tool or the kind of tables
    #[arg(long = "as", value_enum)]
    format: Option<Format>,

    /// Whose layout
    #[arg(long, value_enum)]
    layout: Option<Layout>,

    /// With --as mlflow, copy the models and the ONNX files, too
    #[arg(long, requires = "format")]
    weights: bool,

    /// Where to put it: a folder that is not there yet, or empty
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    match (args.format, args.layout, args.runs.as_slice()) {
        (Some(format), _, names) => format::write(names, format, args.weights, &args.to, common),
        (None, Some(layout), [name]) => {
            refuse_settings(common)?;
            layout::write(name, layout, &args.to, common)
        }
        (None, _, names) => Err(OptionError::OneModel { count: names.len() }.into()),
    }
}
