//! The commands, each in its own file.

pub(crate) mod cache;
pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod demo_data;
pub(crate) mod export;
pub(crate) mod fetch;
pub(crate) mod fsck;
pub(crate) mod gc;
pub(crate) mod help;
pub(crate) mod ls;
pub(crate) mod note;
pub(crate) mod pin;
pub(crate) mod query;
pub(crate) mod relocate;
pub(crate) mod rename;
pub(crate) mod restore;
pub(crate) mod rm;
pub(crate) mod run;
pub(crate) mod sample;
pub(crate) mod schema;
pub(crate) mod show;
pub(crate) mod soup;
pub(crate) mod status;
pub(crate) mod tag;

use cliptune_terminal::Exit;

use crate::arguments::{Cli, Command};
use crate::error::CliError;
use crate::selection::refuse_settings;
use crate::tool::{self, Tool};

/// Runs the command that the command line names.
pub fn run(cli: &Cli) -> Result<Exit, CliError> {
    let common = &cli.common;
    if !reads_experiments(&cli.command) {
        refuse_settings(common)?;
    }
    match &cli.command {
        Command::Run(args) => run::run(args, common),
        Command::Cache(args) => cache::run(args, common),
        Command::Check(args) => check::run(args, common),
        Command::Ingest(args) => tool::run(Tool::Ingest, args, common),
        Command::Train(args) => tool::run(Tool::Train, args, common),
        Command::Score(args) => tool::run(Tool::Score, args, common),
        Command::Report(args) => tool::run(Tool::Report, args, common),
        Command::Export(args) => export::run(args, common),
        Command::Fetch(args) => fetch::run(args, common),
        Command::DemoData(args) => demo_data::run(args, common),
        Command::Sample(args) => sample::run(args, common),
        Command::Status(args) => status::run(args, common),
        Command::Ls(args) => ls::run(args, common),
        Command::Query(args) => query::run(args, common),
        Command::Show(args) => show::run(args, common),
        Command::Compare(args) => compare::run(args, common),
        Command::Tag(args) => tag::run(args, common),
        Command::Note(args) => note::run(args, common),
        Command::Rename(args) => rename::run(args, common),
        Command::Pin(args) => pin::run(args, common),
        Command::Rm(args) => rm::run(args, common),
        Command::Restore(args) => restore::run(args, common),
        Command::Relocate(args) => relocate::run(args, common),
        Command::Gc(args) => gc::run(args, common),
        Command::Fsck(args) => fsck::run(args, common),
        Command::Soup(args) => soup::run(args, common),
        Command::Schema(args) => schema::run(args, common),
        Command::Completions(args) => completions::run(args, common),
        Command::Help(args) => help::run(args, common),
    }
}

/// Checks whether a command may read experiments, over which `--set` is laid. For all others it makes no sense.
fn reads_experiments(command: &Command) -> bool {
    match command {
        Command::Run(_) | Command::Check(_) | Command::Status(_) | Command::Sample(_) => true,
        Command::Ingest(_) | Command::Train(_) | Command::Score(_) | Command::Report(_) => true,
        Command::Ls(_) | Command::Compare(_) => true,
        Command::Gc(args) => args.reads_experiments(),
        Command::Rm(args) => args.reads_experiments(),
        _ => false,
    }
}
