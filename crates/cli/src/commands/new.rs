//! `cliptune new`.

mod ask;
mod place;
mod said;

use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use cliptune_durable::{AtomicFile, CompleteFile};
use cliptune_experiment::{Plan, TableFormat, TableSource, reread};
use cliptune_propose::{Draft, Proposal, Template, demo, scalar};
use cliptune_terminal::{CommonArgs, Exit};
use fs_err as fs;

use crate::error::CliError;
use crate::joins::Joins;
use crate::selection::{Selection, short};
use crate::sibling;
use crate::tool::Tool;
use ask::Asker;
use place::Place;
use said::Written;

/// Where a contest is drawn for an experiment that is about one, below its folder.
const CONTEST: &str = "contest";

/// Write a first experiment about your images and your table
///
/// Both are looked at: which column names the images, what an item is, what the labels mean, what identifies a row, what must not
/// cross a split. The file says why each guess was made, and has what else is plausible as comments. No image is opened. Where
/// there is no table and folders are classes, a table of them is written, too. Without --images, --template writes a file about the
/// contest that `cliptune demo-data` draws.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder for the file, which is named after it; other files may be in it
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// Images: a folder, a glob, an archive, a parquet file or an address (repeatable)
    #[arg(long, value_name = "PATH", required_unless_present = "template")]
    images: Vec<String>,

    /// Table: a file, a glob or an address (repeatable) [default: the one that lies with the images]
    #[arg(long, value_name = "PATH", requires = "images")]
    metadata: Vec<String>,

    /// Name of the table, where a database has several
    #[arg(long, value_name = "NAME", requires = "metadata")]
    table: Option<String>,

    /// The kind of experiment [default: the likeliest one]
    #[arg(long, value_enum, value_name = "KIND")]
    template: Option<Template>,

    /// Ask wherever something else is plausible, too
    #[arg(long)]
    interactive: bool,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let asker = if args.interactive { Some(Asker::of(common)?) } else { None };
    let place = Place::of(&args.folder)?;
    let mut sources = sources(args, &place)?;
    let mut proposal = match drawn(args) {
        Some(template) => demo(template.kind()),
        None => match guessed(&sources, &place, common)? {
            Ok(proposal) => proposal,
            Err(exit) => return Ok(exit),
        },
    };
    if let Some(template) = args.template
        && !proposal.keep(template.kind())
    {
        return Err(CliError::NoItems { template: template.as_str() });
    }
    let is_settled = asker.is_some();
    if let Some(asker) = asker {
        asker.settle(&mut proposal)?;
    }
    if proposal.table.is_some() {
        Place::refuse(&place.table)?;
        sources.data.metadata = TableSource::at(place.table.clone(), TableFormat::Csv);
    }
    write(&place, &sources, &proposal, args.template)?;
    let exit = checked(&place, common)?;
    if exit != Exit::Done {
        common.printer().warn(&format!("{} was written, and has not passed the check", short(&place.file)));
        return Ok(exit);
    }
    let contest = drawn(args).map(|_| args.folder.join(CONTEST));
    let table = proposal.table.take().map(|_| place.table.as_path());
    Written { place: &place, proposal: &proposal, table, contest, is_settled }.tell(&common.printer());
    Ok(Exit::Done)
}

/// Returns the template of an experiment that is about a drawn contest.
fn drawn(args: &Args) -> Option<Template> {
    args.template.filter(|_| args.images.is_empty())
}

/// Returns a plan with the sources that the command line names, of which nothing else has a meaning. Its paths are absolute.
fn sources(args: &Args, place: &Place) -> Result<Plan, CliError> {
    let contest = |below: &str| vec![format!("{CONTEST}/{below}")];
    let (images, metadata, base) = match drawn(args) {
        Some(_) => (contest("images"), contest("contest.parquet"), place.folder.clone()),
        None => (args.images.clone(), args.metadata.clone(), env::current_dir()?),
    };
    let table = match (metadata.as_slice(), &args.table) {
        ([], _) => String::new(),
        (files, None) => format!("  metadata: {}\n", listed(files)),
        (files, Some(name)) => {
            format!("  metadata: {{ file: {}, table: {} }}\n", listed(files), scalar(name))
        }
    };
    let text = format!(
        "name: {}\ndata:\n  images: {}\n{table}  columns: {{ text: text }}\nmodel: {{ from: openai/clip-vit-base-patch32 }}\n",
        scalar(place.name.as_str()),
        listed(&images)
    );
    Ok(reread(&text, &base)?)
}

fn listed(paths: &[String]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| scalar(path)).collect();
    format!("[{}]", paths.join(", "))
}

/// Asks what an experiment about some sources could say. Where nothing can be said, the other program has said why, and its exit
/// code is returned.
fn guessed(sources: &Plan, place: &Place, common: &CommonArgs) -> Result<Result<Proposal, Exit>, CliError> {
    let request = serde_json::to_string(&sources.data).map_err(|_| unsayable(place))?;
    let mut command = sibling::command(Tool::Ingest)?;
    command.args(common.forward()).arg(format!("--guess={request}")).arg("--").arg(&place.file);
    sibling::answer(command, common)
}

/// Writes the file, once its text has been read again and says what is meant.
fn write(
    place: &Place,
    sources: &Plan,
    proposal: &Proposal,
    template: Option<Template>,
) -> Result<(), CliError> {
    let seen = sources.seen_from(&place.folder, &surroundings(&place.folder)?);
    let draft = Draft::of(&place.name, &seen.data, proposal, template).ok_or_else(|| unsayable(place))?;
    let text = draft.text();
    let again = reread(&text, &place.folder).map_err(|_| unsayable(place))?;
    let has_sources =
        again.data.images == sources.data.images && again.data.metadata == sources.data.metadata;
    if !has_sources || !draft.is_said_by(&again) {
        return Err(unsayable(place));
    }
    fs::create_dir_all(&place.folder)?;
    Place::refuse(&place.file)?;
    // The table gets its name first: without it, the experiment is about nothing.
    let table = proposal.table.as_ref().map(|table| complete(&place.table, table)).transpose()?;
    let file = complete(&place.file, &text)?;
    if let Some(table) = table {
        table.publish()?;
    }
    Ok(file.publish()?)
}

fn unsayable(place: &Place) -> CliError {
    CliError::Unsayable { file: place.file.clone() }
}

/// Looks at the written file as `cliptune check` does. Where it is not accepted, the other program has said why, and its exit code is
/// returned.
fn checked(place: &Place, common: &CommonArgs) -> Result<Exit, CliError> {
    let files = [place.file.clone()];
    let experiments = Selection::load(&files, common)?.experiments;
    Ok(Joins::of(&experiments, &files, common)?.err().unwrap_or(Exit::Done))
}

/// Puts a file on the disk which has no name yet.
fn complete(path: &Path, text: &str) -> Result<CompleteFile, CliError> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(text.as_bytes())?;
    Ok(file.complete()?)
}

/// Returns the folder below which a file names what it is about by relative paths: the working directory, or the folder that the
/// experiment's own folder is in.
fn surroundings(folder: &Path) -> Result<PathBuf, CliError> {
    let here = env::current_dir()?;
    let above = folder.parent().unwrap_or(folder);
    Ok(if folder.starts_with(&here) { here } else { above.to_path_buf() })
}
