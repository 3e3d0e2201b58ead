//! `cliptune ls`.

mod shown;

use std::path::Path;

use cliptune_query::{Key, Listing, Order};
use cliptune_store::Store;
use cliptune_terminal::{CommonArgs, Exit, positive};

use crate::error::CliError;
use crate::selection::short;
use crate::wanted::{Named, Wanted, open};

/// List the runs in the store
///
/// The newest run of each experiment is last. Settings that vary among its runs are columns. A column is named as in
/// docs/query.md: one of `runs`, a setting such as train.tune, or a metric such as test.accuracy.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Experiments by name; or experiment files and folders of them, which also mark the runs that they stand for now
    #[arg(value_name = "EXPERIMENT")]
    experiments: Vec<String>,

    /// List the runs that a condition in SQL is true of, such as "test.accuracy > 0.8 and train.tune = 'lora'"
    #[arg(long, value_name = "SQL")]
    filter: Option<String>,

    /// Order the runs of each experiment by a column, the smallest value first; COLUMN:desc puts the largest first
    #[arg(long, value_name = "COLUMN")]
    sort: Option<String>,

    /// List the best run of each experiment by a metric, such as validation.accuracy
    #[arg(long, value_name = "METRIC", conflicts_with_all = ["sort", "limit"])]
    best: Option<String>,

    /// List at most this many runs of each experiment: the last ones, or the first ones where --sort puts the largest first
    #[arg(long, value_name = "N", value_parser = positive::<usize>)]
    limit: Option<usize>,

    /// Show these columns and no others
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    columns: Vec<String>,

    /// List the runs that the experiment files no longer stand for
    #[arg(long, requires = "experiments")]
    stale: bool,

    /// Write CSV to standard output
    #[arg(long, conflicts_with_all = ["md", "json"])]
    csv: bool,

    /// Write a Markdown table to standard output
    #[arg(long, conflicts_with = "json")]
    md: bool,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let store = Store::open(&common.store)?;
    let runs = open(&store, &printer)?;
    let wanted = Wanted {
        experiments: &args.experiments,
        filter: args.filter.as_deref(),
        stale: args.stale,
        goes: false,
    };
    let listing = Listing::new(&runs);
    let named = wanted.named(common, &listing)?;
    let present = wanted.present(&named, &store, &printer)?;
    let is_marked = present.is_some();
    let listing = listing.with_present(present);
    let chosen = choose(args, &listing, wanted.of(&named, &listing)?)?;
    let columns = args.columns.iter().map(|name| listing.key(name.trim())).collect::<Result<Vec<_>, _>>()?;
    let shown = shown::Shown { listing: &listing, runs: &chosen, columns: &columns, is_marked };
    match () {
        () if printer.is_json() => printer.json(&shown.json()),
        () if args.csv => printer.data(&shown.csv()),
        () if args.md => printer.data(&shown.markdown()),
        () if chosen.is_empty() => printer.status(&nothing(args, &listing, &named, &common.store)),
        () => shown.print(&printer),
    }
    Ok(Exit::Done)
}

/// Returns those of some runs that are listed, in their order.
fn choose(args: &Args, listing: &Listing<'_>, mut runs: Vec<usize>) -> Result<Vec<usize>, CliError> {
    if let Some(metric) = &args.best {
        return Ok(listing.best(&runs, &listing.key(metric)?)?);
    }
    let sort = args.sort.as_deref();
    let descending = sort.and_then(|sort| sort.strip_suffix(":desc"));
    if let Some(name) = descending.or(sort) {
        let order = Order { key: listing.key(name)?, is_descending: descending.is_some() };
        listing.sort(&mut runs, &order);
    }
    Ok(match args.limit {
        Some(limit) => some_of_each(listing, &runs, limit, descending.is_some()),
        None => runs,
    })
}

/// Returns the last runs of each experiment, or the first ones where the largest value is first.
fn some_of_each(listing: &Listing<'_>, runs: &[usize], limit: usize, first: bool) -> Vec<usize> {
    let blocks = runs.chunk_by(|one, other| listing.experiment(*one) == listing.experiment(*other));
    let some = |block: &[usize]| match first {
        true => block[..block.len().min(limit)].to_vec(),
        false => block[block.len().saturating_sub(limit)..].to_vec(),
    };
    blocks.flat_map(some).collect()
}

/// Says that nothing is listed, and whether there is something that could be.
fn nothing(args: &Args, all: &Listing<'_>, named: &Named, store: &Path) -> String {
    match all.of(&named.names).len() {
        0 if named.names.is_empty() => format!("there are no runs in {}", short(store)),
        0 => format!("there are no runs of {} in {}", named.names.join(", "), short(store)),
        _ if args.stale => "no such run is stale".to_owned(),
        _ if args.best.is_some() && args.filter.is_none() => {
            let metrics: Vec<String> =
                all.main_metrics(&all.of(&named.names)).iter().map(Key::to_string).collect();
            let metric = args.best.as_deref().unwrap_or_default();
            match metrics.is_empty() {
                true => format!("no run has {metric}, since none is scored"),
                false => format!("no run has {metric}; there is {}", metrics.join(", ")),
            }
        }
        _ => "no run is like that".to_owned(),
    }
}
