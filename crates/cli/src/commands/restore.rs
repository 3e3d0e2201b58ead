//! `cliptune restore`.

use std::path::Path;

use cliptune_store::{Kind, Listed as _, Space, Store, StoreLock, Trash, Trashed};
use cliptune_terminal::{Column, CommonArgs, Exit, Printer, Table, format};
use serde::Serialize;

use crate::error::{CliError, NameError};
use crate::removal::{Removed, table};
use crate::selection::{any_run, short, warn_of};

/// Bring back what `rm` has removed, exactly where it was
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("wanted").required(true).multiple(false).args(["names", "list"])))]
pub(crate) struct Args {
    /// What was removed: runs by their names, which also brings back weights that were removed alone, and datasets by the
    /// beginning of their hash
    #[arg(value_name = "RUN")]
    names: Vec<String>,

    /// List what is in the trash
    #[arg(long)]
    list: bool,
}

/// One line of the list.
#[derive(Serialize)]
struct Line {
    kind: &'static str,
    name: String,
    /// The time at which it was removed, unless its record is damaged.
    removed: Option<String>,
    bytes: u64,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let store = Store::existing(&common.store)?;
    match args.list {
        true => list(&store.trash()?, &store, &printer)?,
        false => restore(args, &store, &printer)?,
    }
    Ok(Exit::Done)
}

fn warn_of_damage(trash: &Trash, printer: &Printer) {
    trash.damaged.iter().for_each(|(_, error)| warn_of(error, printer));
}

fn list(trash: &Trash, store: &Store, printer: &Printer) -> Result<(), CliError> {
    warn_of_damage(trash, printer);
    let line = |entry: &Trashed| -> Result<Line, CliError> {
        let bytes = Space::of([entry.folder()])?;
        let removed = Some(entry.removed().to_owned());
        Ok(Line { kind: entry.kind().as_str(), name: entry.id(), removed, bytes })
    };
    // It has no name that `restore` could bring it back by, but `gc --trash` frees its space.
    let lost = |folder: &Path| -> Result<Line, CliError> {
        let bytes = Space::of([folder])?;
        Ok(Line { kind: "damaged", name: short(folder).to_string(), removed: None, bytes })
    };
    let lines = trash.entries.iter().map(line).chain(trash.lost().map(lost));
    let lines = lines.collect::<Result<Vec<_>, _>>()?;
    if printer.is_json() {
        printer.json(&lines);
    } else if lines.is_empty() {
        if trash.damaged.is_empty() {
            printer.status(&format!("the trash of {} is empty", short(store.root())));
        }
    } else {
        let columns = [Column::left("what"), Column::left("name"), Column::left("removed (UTC)")];
        let mut table = Table::new(columns.into_iter().chain([Column::right("size")]));
        for line in lines {
            let removed = line.removed.unwrap_or_else(|| "–".to_owned());
            table.row([line.kind.to_owned(), line.name, removed, format::bytes(line.bytes)]);
        }
        printer.table(&table);
    }
    Ok(())
}

fn restore(args: &Args, store: &Store, printer: &Printer) -> Result<(), CliError> {
    let lock = store.lock()?;
    let trash = store.trash()?;
    warn_of_damage(&trash, printer);
    let mut chosen: Vec<&Trashed> = Vec::new();
    for name in &args.names {
        chosen.extend(meant(store, &trash, name)?);
    }
    chosen.sort_by_key(|entry| entry.folder());
    chosen.dedup_by_key(|entry| entry.folder());
    // Weights go back to a run that is there.
    chosen.sort_by_key(|entry| entry.kind() == Kind::Weights);
    let mut restored = Vec::new();
    for entry in chosen {
        restored.push(bring_back(store, &lock, entry, printer)?);
    }
    match printer.is_json() {
        true => printer.json(&restored),
        false => table(&restored, printer),
    }
    Ok(())
}

/// Returns the entries that a name stands for, which are all of one run or dataset. Of a dataset that was removed, made
/// again and removed again, the newest is as good as the others.
fn meant<'t>(store: &Store, trash: &'t Trash, name: &str) -> Result<Vec<&'t Trashed>, CliError> {
    let own = any_run(store, name).map(|run| run.id());
    let mut found = trash.named(name);
    if let (true, Ok(id)) = (found.is_empty(), own) {
        // The run is there, called by a name that the trash does not know; its weights may be in the trash.
        found = trash.named(&id);
    }
    let mut names: Vec<String> = found.iter().map(|entry| entry.id()).collect();
    names.dedup();
    match names.len() {
        0 => Err(NameError::NotInTrash { name: name.to_owned() }.into()),
        1 => Ok(newest_of_each_kind(found)),
        _ => Err(NameError::AmbiguousRun { name: name.to_owned(), runs: names }.into()),
    }
}

fn newest_of_each_kind(found: Vec<&Trashed>) -> Vec<&Trashed> {
    let is_newest = |entry: &&Trashed| {
        let newest = found.iter().rev().find(|other| other.kind() == entry.kind());
        entry.kind() == Kind::Weights || newest.is_some_and(|newest| newest.folder() == entry.folder())
    };
    found.iter().copied().filter(is_newest).collect()
}

fn bring_back(
    store: &Store,
    lock: &StoreLock,
    entry: &Trashed,
    printer: &Printer,
) -> Result<Removed, CliError> {
    let bytes = Space::of([entry.folder()])?;
    let folder = store.restore(lock, entry)?;
    if entry.kind() == Kind::Run {
        warn_of_lost_name(store, &entry.id(), printer)?;
    }
    printer.status(&format!("{}: back in {}", entry.id(), short(&folder)));
    Ok(Removed { kind: entry.kind().as_str(), name: entry.id(), bytes, dependents: None })
}

fn warn_of_lost_name(store: &Store, id: &str, printer: &Printer) -> Result<(), CliError> {
    let Some(run) = store.any_named(id)?.into_iter().find(|run| run.id() == id) else { return Ok(()) };
    if let Some(name) = store.lost_name(&run)? {
        printer.warn(&format!(
            "{id} and another run or experiment are named {name}; `cliptune rename {id} --remove` ends the doubt"
        ));
    }
    Ok(())
}
