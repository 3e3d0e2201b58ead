//! `cliptune embed`.

use std::path::PathBuf;

use cliptune_apply::embed::{Inputs, Order, Request, Summary, embed, require_free};
use cliptune_encode::runtime::Purpose;
use cliptune_terminal::format::{count, counted};
use cliptune_terminal::{CommonArgs, Exit, interrupt_flag};
use serde_json::json;

use crate::error::CliError;
use crate::model;

/// Write the embeddings of images or texts into a parquet file, which `search` searches
///
/// Each distinct content is encoded once. A call that was interrupted goes on where it was when it is repeated, to the same file.
/// What cannot be embedded is told and has its reason in the file. docs/using.md describes the file.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    model: model::ModelArgs,

    /// Images, folders of them, globs, tar archives or parquet files that hold images; .txt files with a text in each line;
    /// tables (.parquet, .csv, .tsv, .jsonl) with --column; or addresses of these (gs://, s3://, https://)
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,

    /// The file to make
    #[arg(long, value_name = "FILE")]
    to: PathBuf,

    /// The column of the tables that has the texts or the images
    #[arg(long, value_name = "NAME")]
    column: Option<String>,

    /// Send no credentials to gs:// and s3://
    #[arg(long)]
    anonymous: bool,

    /// Forget what an interrupted call has embedded, and begin anew
    #[arg(long)]
    restart: bool,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    require_free(&args.to)?;
    let interrupted = interrupt_flag();
    let request = Request {
        paths: &args.paths,
        column: args.column.as_deref(),
        anonymous: args.anonymous,
        offline: common.offline,
    };
    let inputs = Inputs::find(&request, &printer, &interrupted)?;
    let applied = args.model.find(common, &printer)?;
    let (runtime, preparation) = model::start(&applied)?;
    let mut model = applied.open(&runtime, preparation, Purpose::Many)?;
    let order = Order { inputs: &inputs, to: &args.to, restart: args.restart };
    let summary = embed(&applied, (&runtime, &mut model), &order, &printer, &interrupted)?;
    printer.status(&said(&summary, inputs.kind().noun()));
    if summary.interrupted {
        return Ok(Exit::Interrupted);
    }
    match printer.is_json() {
        true => printer.json(&json!({ "file": args.to, "model": applied.name, "model_hash": applied.hash, "summary": summary })),
        false => printer.data(&args.to.display().to_string()),
    }
    Ok(Exit::Done)
}

/// Says what became of a call.
fn said(summary: &Summary, noun: &str) -> String {
    let Summary { embedded, distinct, problems, resumed, dimension, interrupted } = *summary;
    let parts = [
        Some(format!("{} in {dimension} dimensions", counted(embedded, noun))),
        (distinct < embedded).then(|| format!("{} of them different", count(distinct))),
        (problems > 0).then(|| format!("{} left out", count(problems))),
        (resumed > 0).then(|| format!("{} from an earlier call", count(resumed))),
        interrupted.then(|| "interrupted: the same command goes on".to_owned()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
