//! Runs that a condition is true of. Somebody confirms their list before they go.

use std::collections::BTreeSet;
use std::io::{BufRead, IsTerminal, stdin};

use cliptune_query::Listing;
use cliptune_store::{AnyRun, Listed, Store};
use cliptune_terminal::{CommonArgs, Printer, format};

use super::{Args, Going, Removal};
use crate::error::{CliError, RemovalError};
use crate::removal::{Removed, table};
use crate::wanted::{Wanted, open};

/// Moves the runs to the trash that the options choose, all of them or none.
///
/// While a person reads the list nothing is locked, so that afterwards the same has to be found again: a run that has come
/// meanwhile was never confirmed.
pub(super) fn runs(
    store: &Store,
    args: &Args,
    common: &CommonArgs,
    printer: &Printer,
) -> Result<Vec<Removed>, CliError> {
    let chosen = matching(store, args, common, printer)?;
    if chosen.is_empty() {
        printer.status("no run is like that");
        return Ok(Vec::new());
    }
    if args.yes {
        return super::runs(store, chosen, Vec::new(), args, printer);
    }
    let ids = ids(&chosen);
    let listed = Removal::of(store, chosen, Vec::new(), args)?;
    listed.announce(printer);
    listed.refuse(args.force)?;
    confirm(&listed.runs, args.weights, common, printer)?;
    let lock = store.lock()?;
    let chosen = matching(store, args, common, printer)?;
    if self::ids(&chosen) != ids {
        return Err(RemovalError::ChosenAnew.into());
    }
    let removal = Removal::of(store, chosen, Vec::new(), args)?;
    removal.refuse(args.force)?;
    removal.carry_out(store, &lock, args.weights, printer)
}

fn ids(runs: &[AnyRun]) -> BTreeSet<String> {
    runs.iter().map(Listed::id).collect()
}

fn matching(
    store: &Store,
    args: &Args,
    common: &CommonArgs,
    printer: &Printer,
) -> Result<Vec<AnyRun>, CliError> {
    let all = open(store, printer)?;
    let filter = args.filter.as_deref();
    let wanted = Wanted { experiments: &args.names, filter, stale: args.stale, goes: true };
    let listing = Listing::new(&all);
    let named = wanted.named(common, &listing)?;
    let listing = listing.with_present(wanted.present(&named, store, printer)?);
    let folder = listing.key("folder")?;
    let chosen = wanted.of(&named, &listing)?.into_iter();
    let run_at = |run| store.any_run_in(&store.root().join(&*listing.value(run, &folder).spelled()));
    let mut runs = chosen.map(run_at).collect::<Result<Vec<_>, _>>()?;
    // Those that have lost their weights already have none to lose, and imported ones never had any.
    let has_weights = |run: &AnyRun| run.own().is_some_and(|run| !run.weights_folders().is_empty());
    runs.retain(|run| !args.weights || has_weights(run));
    Ok(runs)
}

/// Lists what would go, and asks a person. Where there is none to answer, nothing goes.
fn confirm(
    going: &[Going<AnyRun>],
    weights: bool,
    common: &CommonArgs,
    printer: &Printer,
) -> Result<(), CliError> {
    // Nobody is asked who sees no question.
    let is_answered = !printer.is_json() && !common.quiet && stdin().is_terminal();
    if !printer.is_json() {
        table(going.iter().map(|one| &one.removed), printer);
    }
    if is_answered {
        let what = if weights { "the weights of " } else { "" };
        let all = format::counted(going.len() as u64, "run");
        printer.notice(&format!("Move {what}{all} to the trash? Write yes if that is meant."));
        let mut answer = String::new();
        stdin().lock().read_line(&mut answer)?;
        if answer.trim().eq_ignore_ascii_case("yes") {
            return Ok(());
        }
    }
    Err(RemovalError::Unconfirmed { runs: going.len() }.into())
}
