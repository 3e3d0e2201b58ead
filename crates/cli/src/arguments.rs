//! The command line. The doc comments are the help.

use clap::{Parser, Subcommand};
use cliptune_terminal::CommonArgs;

use crate::commands::{
    cache, check, classify, compare, completions, demo_data, doctor, embed, export, fetch, fsck, gc, help,
    import, ls, new, note, pin, plan, query, rank, relocate, rename, restore, rm, run, sample, schema,
    search, show, soup, status, tag,
};
use crate::tool;

const AFTER_HELP: &str = "\
Exit codes:
  0    done
  1    it failed
  2    the command line or the YAML is wrong; what is wrong did not run
  3    something is stale (status --exit-code)
  4    something is worse than the baseline (compare --fail-if-worse)
  130  interrupted

Environment:
  CLIPTUNE_STORE  where datasets and runs are kept
  CLIPTUNE_CACHE  where copies of remote data are kept
  CLIPTUNE_JOIN_SECONDS
                  how many seconds processes that torchrun or srun has started wait for each other;
                  300 where it is not set
  CLIPTUNE_SQL_SECONDS
                  how many seconds SQL of an experiment or a query may take; 120 where it is not
                  set. `ingest` adds time by the size of the table
  LIBTORCH        a libtorch to train with, in place of the one cliptune was built with: a host with a GPU
                  brings its own
  ORT_DYLIB_PATH  the ONNX Runtime library to score with, and to use models with";

/// Fine-tune CLIP, and find out whether it helped
///
/// You declare an experiment in YAML; `ingest`, `train`, `score` and `report` make a dataset, runs, scores and a report
/// of it, each only when something it depends on has changed. `cliptune run` does all four.
#[derive(Debug, Parser)]
#[command(
    name = "cliptune",
    version,
    styles = cliptune_terminal::STYLES,
    propagate_version = true,
    disable_help_subcommand = true,
    after_help = AFTER_HELP
)]
pub struct Cli {
    /// The flags of every tool.
    #[command(flatten)]
    pub(crate) common: CommonArgs,

    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do. A command that says nothing here has its help at its arguments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Store(StoreCommand),
    /// Make the datasets of experiments (runs cliptune-ingest)
    #[command(disable_help_flag = true)]
    Ingest(tool::Args),
    /// Train the models of experiments and export them (runs cliptune-train)
    ///
    /// With LIBTORCH set, that folder's libraries take the place of the ones cliptune was built with: this is how a
    /// host with a GPU brings its own libtorch.
    #[command(disable_help_flag = true)]
    Train(tool::Args),
    /// Score the exported models of experiments (runs cliptune-score)
    #[command(disable_help_flag = true)]
    Score(tool::Args),
    /// Compare experiments in charts, pages and tables (runs cliptune-report)
    #[command(disable_help_flag = true)]
    Report(tool::Args),
    Soup(soup::Args),
    Fetch(fetch::Args),
    Cache(cache::Args),
    Sample(sample::Args),
    Tag(tag::Args),
    Note(note::Args),
    Rename(rename::Args),
    Pin(pin::Args),
    Restore(restore::Args),
    Doctor(doctor::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Help(help::Args),
}

/// What is done with data and runs by whoever has DuckDB to read tables.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    New(new::Args),
    Run(run::Args),
    Plan(plan::Args),
    Check(check::Args),
    Status(status::Args),
    Ls(ls::Args),
    Query(query::Args),
    Show(show::Args),
    Compare(compare::Args),
    Import(import::Args),
    Rank(rank::Args),
    Classify(classify::Args),
    Embed(embed::Args),
    Search(search::Args),
    Export(export::Args),
    Rm(rm::Args),
    Gc(gc::Args),
    Relocate(relocate::Args),
    Fsck(fsck::Args),
    DemoData(demo_data::Args),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
