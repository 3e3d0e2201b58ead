//! `cliptune relocate`.

use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use cliptune_store::{Relocated, Relocation, Store};
use cliptune_terminal::{Column, CommonArgs, Exit, Printer, Table, format};
use serde::Serialize;

use crate::error::CliError;
use crate::selection::{short, warn_of};

/// Tell the store that data or a model has moved
///
/// Rewrites the paths below OLD in the records of the store, once it is certain that NEW holds, by content, what these records
/// were made from. What lies in the folder that holds the store is recorded relative to it, and can move with it without this
/// command. Nothing becomes stale by moving: what a run is known by has no paths in it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder or file as the records name it; `cliptune show RUN` shows it
    #[arg(value_name = "OLD")]
    from: PathBuf,

    /// Where it is now
    #[arg(value_name = "NEW")]
    to: PathBuf,

    /// Verify NEW and list the records, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Document<'a> {
    dry_run: bool,
    records: Vec<&'a Relocated>,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let (from, to) = (absolute(&args.from)?, absolute(&args.to)?);
    if from == to {
        return Err(CliError::NotMoved { path: to });
    }
    let store = Store::existing(&common.store)?;
    let relocation = store.relocation(&from, &to)?;
    relocation.damage.iter().for_each(|error| warn_of(error, &printer));
    verify(&relocation, &store, &printer)?;
    tell(&relocation, args.dry_run, &printer);
    if relocation.records().is_empty() {
        printer.status(&format!("no record names a path below {}", from.display()));
    } else if !args.dry_run {
        let lock = store.lock()?;
        relocation.apply(&store, &lock)?;
    }
    Ok(Exit::Done)
}

/// Returns a path as records have it: absolute and without dots.
fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    let mut absolute = PathBuf::new();
    for component in std::path::absolute(path)?.components() {
        match component {
            Component::ParentDir => drop(absolute.pop()),
            component => absolute.push(component),
        }
    }
    Ok(absolute)
}

fn verify(relocation: &Relocation, store: &Store, printer: &Printer) -> Result<(), CliError> {
    let progress = OnceLock::new();
    let verified = relocation.verify(store, &|done, _| {
        if done > 0 {
            progress.get_or_init(|| printer.progress("relocate: comparing contents", 0, "bytes")).set(done);
        }
    });
    if let Some(progress) = progress.into_inner() {
        progress.finish();
    }
    Ok(verified?)
}

fn tell(relocation: &Relocation, dry_run: bool, printer: &Printer) {
    let records = relocation.records();
    if printer.is_json() {
        printer.json(&Document { dry_run, records });
        return;
    }
    let mut table = Table::new([Column::left("record"), Column::left("path"), Column::left("becomes")]);
    for Relocated { record, paths } in &records {
        for [old, new] in paths {
            table.row([record.clone(), short(old).to_string(), short(new).to_string()]);
        }
    }
    if !table.is_empty() {
        printer.table(&table);
        let counted = format::counted(records.len() as u64, "record");
        printer.status(&match (dry_run, records.len()) {
            (true, _) => format!("{counted} would change; nothing was changed"),
            (false, 1) => format!("{counted} changes"),
            (false, _) => format!("{counted} change"),
        });
    }
}
