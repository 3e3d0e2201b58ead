//! Runs that a condition is true of. Somebody confirms their list before they go.

use std::io::{BufRead, IsTerminal, stdin};

use cliptune_query::Listing;
use cliptune_store::{Run, Space, Store};
use cliptune_terminal::{CommonArgs, Printer, format};

use super::Args;
use crate::error::CliError;
use crate::removal::{Removed, table};
use crate::wanted::{Wanted, open};

/// Returns the runs that are to go.
pub(super) fn runs(
    store: &Store,
    args: &Args,
    common: &CommonArgs,
    printer: &Printer,
) -> Result<Vec<Run>, CliError> {
    let runs = matching(store, args, common, printer)?;
    if runs.is_empty() {
        printer.status("no run is like that");
    } else if !args.yes {
        confirm(&runs, args.weights, common, printer)?;
    }
    Ok(runs)
}

fn matching(
    store: &Store,
    args: &Args,
    common: &CommonArgs,
    printer: &Printer,
) -> Result<Vec<Run>, CliError> {
    let all = open(store, printer)?;
    let filter = args.filter.as_deref();
    let wanted = Wanted { experiments: &args.names, filter, stale: args.stale, goes: true };
    let named = wanted.named(common, &Listing::new(&all, None))?;
    let listing = Listing::new(&all, wanted.present(&named, store, printer)?);
    let folder = listing.key("folder")?;
    let chosen = wanted.of(&named, &listing)?.into_iter();
    let run_at = |run| store.run_in(&store.root().join(&*listing.value(run, &folder).spelled()));
    let mut runs = chosen.map(run_at).collect::<Result<Vec<_>, _>>()?;
    // Those that have lost their weights already have none to lose.
    runs.retain(|run| !args.weights || !run.weights_folders().is_empty());
    Ok(runs)
}

/// Lists what would go, and asks a person. Where there is none to answer, nothing goes.
fn confirm(runs: &[Run], weights: bool, common: &CommonArgs, printer: &Printer) -> Result<(), CliError> {
    let kind = if weights { "weights" } else { "run" };
    let listed = runs.iter().map(|run| {
        let folders = if weights { run.weights_folders() } else { vec![run.folder().to_path_buf()] };
        let bytes = Space::of(folders.iter().map(std::path::PathBuf::as_path))?;
        Ok(Removed { kind, name: run.id(), bytes, dependents: None })
    });
    let listed = listed.collect::<Result<Vec<_>, CliError>>()?;
    // Nobody is asked who sees no question.
    let is_answered = !printer.is_json() && !common.quiet && stdin().is_terminal();
    if !printer.is_json() {
        table(&listed, printer);
    }
    if is_answered {
        let what = if weights { "the weights of " } else { "" };
        let all = format::counted(runs.len() as u64, "run");
        printer.notice(&format!("Move {what}{all} to the trash? Write yes if that is meant."));
        let mut answer = String::new();
        stdin().lock().read_line(&mut answer)?;
        if answer.trim().eq_ignore_ascii_case("yes") {
            return Ok(());
        }
    }
    Err(CliError::Unconfirmed { runs: runs.len() })
}
