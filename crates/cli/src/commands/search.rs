//! `cliptune search`.

use std::io::{IsTerminal, stdout};
use std::path::PathBuf;

use cliptune_apply::rank::encode_images;
use cliptune_apply::search::{Embeddings, Hit, page};
use cliptune_apply::{Applied, ApplyError};
use cliptune_encode::model::Model;
use cliptune_encode::runtime::Purpose;
use cliptune_experiment::Templates;
use cliptune_terminal::format::visible;
use cliptune_terminal::{Column, CommonArgs, Exit, Printer, Table, positive};

use crate::error::{CliError, NameError, OptionError};
use crate::model;

/// Find what is nearest to a text or an image among embeddings
///
/// Exactly, by the cosine, and without an index to build. The query is encoded by the model that made the embeddings, which the
/// file names with its hash; another model is an error.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A file that `cliptune embed` has made
    #[arg(value_name = "EMBEDDINGS")]
    embeddings: PathBuf,

    /// The text to search for
    #[arg(value_name = "TEXT", required_unless_present = "image", conflicts_with = "image", value_parser = text)]
    text: Option<String>,

    /// The image to search for
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,

    /// Show so many
    #[arg(short = 'k', long, value_name = "N", default_value = "10", value_parser = positive::<usize>)]
    top: usize,

    /// The model that made the embeddings, where it is not found by the name that it had
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,

    /// Write a page for a browser to standard output, one file with the pictures that were found
    #[arg(long, conflicts_with = "json")]
    html: bool,
}

fn text(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() { Err("there is nothing in it to search for") } else { Ok(text.to_owned()) }
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    if args.html && stdout().is_terminal() {
        return Err(OptionError::PageOnTerminal { command: "cliptune search EMBEDDINGS TEXT" }.into());
    }
    let embeddings = Embeddings::open(&args.embeddings)?;
    let applied = fitting(args, &embeddings, common, &printer)?;
    let (runtime, preparation) = model::start(&applied)?;
    let query = encode(args, &mut applied.open(&runtime, preparation, Purpose::Few)?)?;
    let hits = embeddings.nearest(&query, args.top)?;
    match () {
        () if args.html => printer.document(&page(&embeddings, &asked(args), &hits)),
        () if printer.is_json() => printer.json(&hits),
        () => printer.table(&table(&embeddings, &hits)),
    }
    Ok(Exit::Done)
}

/// Returns the model that made the embeddings.
fn fitting(
    args: &Args,
    embeddings: &Embeddings,
    common: &CommonArgs,
    printer: &Printer,
) -> Result<Applied, CliError> {
    let name = args.model.as_deref().unwrap_or(embeddings.model());
    let args = model::ModelArgs::new(name, embeddings.precision())
        .map_err(|precision| ApplyError::UnknownPrecision { precision })?;
    let found = args.find(common, printer);
    let applied = match found {
        Err(CliError::Name(NameError::NoRun { .. })) if name == embeddings.model() => {
            return Err(ApplyError::LostModel { model: name.to_owned() }.into());
        }
        found => found?,
    };
    match applied.hash == embeddings.model_hash() {
        true => Ok(applied),
        false => {
            Err(ApplyError::OtherModel { model: applied.name, made_by: embeddings.model().to_owned() }.into())
        }
    }
}

/// Returns the unit vector of what is asked for.
fn encode(args: &Args, model: &mut Model<'_>) -> Result<Vec<f32>, CliError> {
    match (&args.image, &args.text) {
        (Some(image), _) => match encode_images(model, std::slice::from_ref(image))?.pop() {
            Some(Ok(vector)) => Ok(vector.row(0).to_vec()),
            Some(Err(problem)) => Err(ApplyError::UnusableQuery { image: image.clone(), problem }.into()),
            None => Ok(Vec::new()),
        },
        (None, text) => {
            let text = text.as_deref().unwrap_or_default();
            let tokens = model.tokenise(&[text], &Templates::plain()).map_err(ApplyError::from)?;
            let vector = model.encode_texts(&tokens, |_| {}).map_err(ApplyError::from)?;
            Ok(vector.row(0).to_vec())
        }
    }
}

/// Returns what was asked for, in words.
fn asked(args: &Args) -> String {
    match (&args.image, &args.text) {
        (Some(image), _) => image.display().to_string(),
        (None, text) => text.clone().unwrap_or_default(),
    }
}

fn table(embeddings: &Embeddings, hits: &[Hit]) -> Table {
    let columns = [Column::right("rank"), Column::right("cosine"), Column::left(embeddings.kind().noun())];
    let mut table = Table::new(columns);
    for (rank, Hit { cosine, name, also, .. }) in (1..).zip(hits) {
        let more = if also.is_empty() { String::new() } else { format!(" (+{})", also.len()) };
        table.row([rank.to_string(), format!("{cosine:.4}"), format!("{}{more}", visible(name))]);
    }
    table
}
