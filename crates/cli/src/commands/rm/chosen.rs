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
        confirm(&runs, args.weights, printer)?;
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
    let wanted = Wanted { experiments: &args.names, filter: args.filter.as_deref(), stale: args.stale };
    let named = wanted.named(common, &Listing::new(&all, None))?;
    let listing = Listing::new(&all, wanted.present(&named, store, printer)?);
    let folder = listing.key("folder")?;
    let chosen = wanted.of(&named, &listing)?.into_iter();
    chosen.map(|run| Ok(store.run_in(&store.root().join(&*listing.value(run, &folder).spelled()))?)).collect()
}

/// Lists what would go, and asks a person. Where there is none to answer, nothing goes.
fn confirm(runs: &[Run], weights: bool, printer: &Printer) -> Result<(), CliError> {
    let kind = if weights { "weights" } else { "run" };
    let listed = runs.iter().map(|run| {
        let folders = if weights { run.weights_folders() } else { vec![run.folder().to_path_buf()] };
        let bytes = Space::of(folders.iter().map(std::path::PathBuf::as_path))?;
        Ok(Removed { kind, name: run.id(), bytes, dependents: None })
    });
    let listed = listed.collect::<Result<Vec<_>, CliError>>()?;
    let is_answered = !printer.is_json() && stdin().is_terminal();
    if !printer.is_json() {
        table(&listed, printer);
    }
    if is_answered {
        let all = format::counted(runs.len() as u64, kind);
        printer.notice(&format!("Move {all} to the trash? Write yes if that is meant."));
        let mut answer = String::new();
        stdin().lock().read_line(&mut answer)?;
        if answer.trim().eq_ignore_ascii_case("yes") {
            return Ok(());
        }
    }
    Err(CliError::Unconfirmed { runs: runs.len() })
}
