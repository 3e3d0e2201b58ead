//! `cliptune demo-data`.

use std::path::{Path, PathBuf};

use cliptune_demo_data::{ContestOptions, ContestSummary, draw_contest};
use cliptune_terminal::{CommonArgs, Exit, format};
use serde_json::json;

use crate::error::CliError;
use crate::selection::short;

/// Draw a caption contest to try cliptune on
///
/// Cartoons as line drawings, and a table with each cartoon's description, five captions and the winning one, laid out
/// as the New Yorker contest's. The same seed draws the same contest. Nothing is downloaded.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to put it
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// How many cartoons to draw
    #[arg(long, value_name = "N", default_value_t = 1000)]
    cartoons: usize,

    /// Seed of the drawings and the captions
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let progress = printer.progress("drawing", args.cartoons as u64, "cartoon");
    let options = ContestOptions { cartoons: args.cartoons, seed: args.seed };
    let summary = draw_contest(&args.folder, &options, &|done, _| progress.set(done as u64))?;
    progress.finish();
    match printer.is_json() {
        true => printer.json(&document(&summary)),
        false => printer.status(&sentence(&summary, &args.folder)),
    }
    Ok(Exit::Done)
}

fn document(summary: &ContestSummary) -> serde_json::Value {
    let ContestSummary { cartoons, questions, rows, folds, drawn, .. } = summary;
    json!({ "cartoons": cartoons, "questions": questions, "rows": rows, "folds": folds, "drawn": drawn })
}

fn sentence(summary: &ContestSummary, folder: &Path) -> String {
    let cartoons = format::counted(summary.cartoons as u64, "cartoon");
    let questions = format::counted(summary.questions as u64, "question");
    let drawn = if summary.drawn { "drew" } else { "already there:" };
    format!("{drawn} {cartoons} with {questions} in {}", short(folder))
}
