//! The commands, each in its own file.

pub(crate) mod cache;
pub(crate) mod check;
pub(crate) mod classify;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod demo_data;
pub(crate) mod doctor;
pub(crate) mod embed;
pub(crate) mod export;
pub(crate) mod fetch;
pub(crate) mod fsck;
pub(crate) mod gc;
pub(crate) mod help;
pub(crate) mod import;
pub(crate) mod ls;
pub(crate) mod new;
pub(crate) mod note;
pub(crate) mod pin;
pub(crate) mod plan;
pub(crate) mod query;
pub(crate) mod rank;
pub(crate) mod relocate;
pub(crate) mod rename;
pub(crate) mod restore;
pub(crate) mod rm;
pub(crate) mod run;
pub(crate) mod sample;
pub(crate) mod schema;
pub(crate) mod search;
pub(crate) mod show;
pub(crate) mod soup;
pub(crate) mod status;
pub(crate) mod tag;

use cliptune_terminal::{CommonArgs, Exit};

use crate::arguments::{Cli, Command, StoreCommand};
use crate::error::CliError;
use crate::selection::refuse_settings;
use crate::sibling;
use crate::tool::{self, Tool};

/// Where the commands of `StoreCommand` are run.
#[derive(Clone, Copy, Debug)]
pub struct StoreCommands(fn(&StoreCommand, &CommonArgs) -> Result<Exit, CliError>);

impl StoreCommands {
    /// In this program, which links DuckDB for that.
    pub const HERE: Self = Self(here);
    /// In a program that takes the place of this one, which links no DuckDB.
    pub const ELSEWHERE: Self = Self(elsewhere);
}

/// Runs the command that the command line names.
///
/// # Errors
///
/// Returns whatever stops the command.
pub fn run(cli: &Cli, store: StoreCommands) -> Result<Exit, CliError> {
    let common = &cli.common;
    if !reads_experiments(&cli.command) {
        refuse_settings(common)?;
    }
    refuse_several(&cli.command)?;
    match &cli.command {
        Command::Store(command) => store.0(command, common),
        Command::Cache(args) => cache::run(args, common),
        Command::Ingest(args) => tool::run(Tool::Ingest, args, common),
        Command::Train(args) => tool::run(Tool::Train, args, common),
        Command::Score(args) => tool::run(Tool::Score, args, common),
        Command::Report(args) => tool::run(Tool::Report, args, common),
        Command::Fetch(args) => fetch::run(args, common),
        Command::Sample(args) => sample::run(args, common),
        Command::Tag(args) => tag::run(args, common),
        Command::Note(args) => note::run(args, common),
        Command::Rename(args) => rename::run(args, common),
        Command::Pin(args) => pin::run(args, common),
        Command::Restore(args) => restore::run(args, common),
        Command::Soup(args) => soup::run(args, common),
        Command::Doctor(args) => doctor::run(args, common),
        Command::Schema(args) => schema::run(args, common),
        Command::Completions(args) => completions::run(args, common),
        Command::Help(args) => help::run(args, common),
    }
}

/// Refuses to do the work of one process in each of several that a launcher has started.
fn refuse_several(command: &Command) -> Result<(), CliError> {
    let name = match command {
        Command::Store(StoreCommand::Run(_)) => "run",
        Command::Ingest(_) => "ingest",
        Command::Score(_) => "score",
        Command::Report(_) => "report",
        // Training is what they are for, and all else only looks, or is quick and safe to do again.
        _ => return Ok(()),
    };
    Ok(cliptune_launcher::refuse_several(name)?)
}

fn here(command: &StoreCommand, common: &CommonArgs) -> Result<Exit, CliError> {
    match command {
        StoreCommand::New(args) => new::run(args, common),
        StoreCommand::Run(args) => run::run(args, common),
        StoreCommand::Plan(args) => plan::run(args, common),
        StoreCommand::Check(args) => check::run(args, common),
        StoreCommand::Status(args) => status::run(args, common),
        StoreCommand::Show(args) => show::run(args, common),
        StoreCommand::Rm(args) => rm::run(args, common),
        StoreCommand::Gc(args) => gc::run(args, common),
        StoreCommand::Ls(args) => ls::run(args, common),
        StoreCommand::Query(args) => query::run(args, common),
        StoreCommand::Compare(args) => compare::run(args, common),
        StoreCommand::Import(args) => import::run(args, common),
        StoreCommand::Rank(args) => rank::run(args, common),
        StoreCommand::Classify(args) => classify::run(args, common),
        StoreCommand::Embed(args) => embed::run(args, common),
        StoreCommand::Search(args) => search::run(args, common),
        StoreCommand::Export(args) => export::run(args, common),
        StoreCommand::Relocate(args) => relocate::run(args, common),
        StoreCommand::Fsck(args) => fsck::run(args, common),
        StoreCommand::DemoData(args) => demo_data::run(args, common),
    }
}

fn elsewhere(_: &StoreCommand, _: &CommonArgs) -> Result<Exit, CliError> {
    Err(sibling::become_store()?)
}

/// Checks whether a command may read experiments, over which `--set` is laid. For all others it makes no sense.
fn reads_experiments(command: &Command) -> bool {
    match command {
        Command::Ingest(_) | Command::Train(_) | Command::Score(_) | Command::Report(_) => true,
        Command::Sample(_) => true,
        Command::Store(StoreCommand::Run(_) | StoreCommand::Plan(_) | StoreCommand::Check(_)) => true,
        Command::Store(StoreCommand::Status(_)) => true,
        Command::Store(StoreCommand::Ls(_) | StoreCommand::Compare(_) | StoreCommand::Import(_)) => true,
        Command::Store(StoreCommand::Export(_)) => true,
        Command::Store(StoreCommand::Gc(args)) => args.reads_experiments(),
        Command::Store(StoreCommand::Rm(args)) => args.reads_experiments(),
        _ => false,
    }
}
