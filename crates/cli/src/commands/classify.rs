//! `cliptune classify`.

use std::path::PathBuf;

use cliptune_apply::show::Show;
use cliptune_apply::{ApplyError, find, read_lines};
use cliptune_experiment::{Template, Templates};
use cliptune_terminal::{CommonArgs, Exit, positive};

use super::rank::Work;
use crate::error::CliError;
use crate::model;

/// Say which class each image belongs to, without training on the classes
///
/// A class is the mean direction of its prompts, one for each template, as classes are scored (docs/scoring.md). Without
/// --template they are those that the run was made for, or else "a photo of a {}".
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    on: model::OnImages,

    /// The names of the classes, one in each line of a file
    #[arg(long, value_name = "FILE")]
    classes: PathBuf,

    /// A prompt with {} where the name of the class goes (repeatable: the prompts of a class are averaged)
    #[arg(long, value_name = "TEMPLATE")]
    template: Vec<Template>,

    /// Show so many classes of each image, the most likely ones; with more than one, each image is drawn above them
    #[arg(long, short = 'k', value_name = "N", default_value = "1", value_parser = positive::<usize>)]
    top: usize,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let (classes, repeated) = read_lines(&args.classes)?;
    if repeated > 0 {
        return Err(ApplyError::RepeatedClass { path: args.classes.clone(), lines: repeated }.into());
    }
    let images = find(&args.on.images)?;
    let applied = args.on.model.find(common, &printer)?;
    let asked = Templates::new(args.template.clone()).or_else(|| applied.templates.clone());
    let templates = &asked.unwrap_or_default();
    let work = Work { texts: &classes, templates, images: &images, top: args.top };
    let show = match args.top {
        1 => Show::best(&printer, &classes, "class"),
        _ => Show::each(&printer, &classes, "class", args.on.pictures),
    };
    work.run(&applied, &printer, show)
}
