//! `cliptune rank`.

use std::path::PathBuf;

use cliptune_apply::rank::Candidates;
use cliptune_apply::show::Show;
use cliptune_apply::{Applied, find, read_lines};
use cliptune_encode::runtime::Purpose;
use cliptune_experiment::Templates;
use cliptune_terminal::format::{agreed, counted};
use cliptune_terminal::{CommonArgs, Exit, Printer, positive};

use crate::error::CliError;
use crate::model;

/// Rank texts by how well they fit an image, with their probabilities
///
/// With ONNX Runtime alone. In a terminal, each image is drawn above its texts.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    on: model::OnImages,

    /// The texts, one in each line of a file
    #[arg(long, value_name = "FILE")]
    texts: PathBuf,

    /// Show so many texts of each image, the best ones
    #[arg(long, short = 'k', value_name = "N", default_value = "10", value_parser = positive::<usize>)]
    top: usize,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let (texts, repeated) = read_lines(&args.texts)?;
    if repeated > 0 {
        let (lines, repeat) =
            (counted(repeated as u64, "line"), agreed(repeated as u64, "repeats", "repeat"));
        printer.warn(&format!("{lines} of {} {repeat} another: each text counts once", args.texts.display()));
    }
    let images = find(&args.on.images)?;
    let applied = args.on.model.find(common, &printer)?;
    let work = Work { texts: &texts, templates: &Templates::plain(), images: &images, top: args.top };
    work.run(&applied, &printer, Show::each(&printer, &texts, "text", args.on.pictures))
}

/// Texts to be ranked for images.
pub(super) struct Work<'a> {
    pub(super) texts: &'a [String],
    pub(super) templates: &'a Templates,
    pub(super) images: &'a [PathBuf],
    pub(super) top: usize,
}

impl Work<'_> {
    /// Ranks the texts and shows them. An image that cannot be used does not keep the others from it.
    pub(super) fn run(
        &self,
        applied: &Applied,
        printer: &Printer,
        mut show: Show<'_>,
    ) -> Result<Exit, CliError> {
        let (runtime, preparation) = model::start(applied)?;
        let mut model = applied.open(&runtime, preparation, purpose(self.images.len() + self.texts.len()))?;
        let prompts = self.texts.len() * self.templates.count();
        let progress = printer.progress("texts", prompts as u64, "text");
        let candidates = Candidates::encode(&mut model, self.texts, self.templates, |texts| {
            progress.advance(texts as u64);
        })?;
        progress.finish();
        tell(&candidates, printer);
        candidates.rank(&mut model, self.images, self.top, |image, ranked| show.add(image, ranked))?;
        Ok(if show.finish() == 0 { Exit::Done } else { Exit::Failed })
    }
}

/// Says what the model does not see of the texts.
fn tell(candidates: &Candidates, printer: &Printer) {
    let told = |texts: usize, what: [&str; 2]| {
        let (texts, what) = (texts as u64, agreed(texts as u64, what[0], what[1]));
        if texts > 0 {
            printer.warn(&format!("{} {what}", counted(texts, "text")));
        }
    };
    told(
        candidates.cut,
        [
            "is longer than the model's context: only its beginning counts",
            "are longer than the model's context: only their beginning counts",
        ],
    );
    told(
        candidates.alike,
        [
            "has the same tokens as another: the model cannot tell them apart",
            "have the same tokens as others: the model cannot tell them apart",
        ],
    );
}

/// The number of images and texts from which it pays to rearrange the weights of the towers first.
const MANY: usize = 200;

fn purpose(inputs: usize) -> Purpose {
    if inputs < MANY { Purpose::Few } else { Purpose::Many }
}
