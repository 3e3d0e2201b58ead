//! `cliptune cache`.

use std::time::{Duration, SystemTime};

use clap::Subcommand;
use cliptune_sources::{Copied, Settings, clear, copies};
use cliptune_terminal::{Column, CommonArgs, Exit, Printer, Table, format};
use serde_json::json;

use crate::error::{CliError, NameError};

/// Show or remove the copies of remote data
///
/// Data from gs://, s3://, https:// and http:// is kept in CLIPTUNE_CACHE, by default ~/.cache/cliptune, and is fetched again
/// when it has been removed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the buckets and hosts of which there are copies
    Ls,
    /// Remove copies
    Clear {
        /// Addresses of buckets or hosts, as `ls` lists them; all copies when there is none
        #[arg(value_name = "ADDRESS")]
        addresses: Vec<String>,
    },
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let copies = copies(&Settings::from_env()?.cache)?;
    match &args.command {
        Command::Ls => list(&copies, &printer),
        Command::Clear { addresses } => remove(&copies, addresses, &printer)?,
    }
    Ok(Exit::Done)
}

fn list(copies: &[Copied], printer: &Printer) {
    if printer.is_json() {
        printer.json(&copies.iter().map(document).collect::<Vec<_>>());
    } else if copies.is_empty() {
        printer.status("there are no copies of remote data");
    } else {
        printer.table(&table(copies));
    }
}

fn table(copies: &[Copied]) -> Table {
    let mut table = Table::new(vec![
        Column::left("address"),
        Column::right("files"),
        Column::right("size"),
        Column::left("last used"),
        Column::left("service"),
    ]);
    for copy in copies {
        let service = copy.endpoint.clone().unwrap_or_default();
        let (files, size) = (format::count(copy.files), format::bytes(copy.bytes));
        table.row(vec![copy.address.clone(), files, size, ago(copy.last_used), service]);
    }
    table
}

fn ago(time: SystemTime) -> String {
    // A clock that was set back makes it now.
    match time.elapsed().unwrap_or(Duration::ZERO).as_secs() {
        0 => "now".to_owned(),
        seconds => format!("{} ago", format::duration(Duration::from_secs(seconds))),
    }
}

fn document(copy: &Copied) -> serde_json::Value {
    let last_used = copy.last_used.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    json!({
        "address": copy.address,
        "endpoint": copy.endpoint,
        "folder": copy.folder,
        "files": copy.files,
        "bytes": copy.bytes,
        "last_used": last_used.as_secs(),
    })
}

fn remove(copies: &[Copied], addresses: &[String], printer: &Printer) -> Result<(), CliError> {
    let is_copied =
        |address: &&String| copies.iter().any(|copy| copy.address == address.trim_end_matches('/'));
    if let Some(address) = addresses.iter().find(|address| !is_copied(address)) {
        return Err(NameError::NoCopy { address: address.clone() }.into());
    }
    let is_meant = |copy: &&Copied| {
        addresses.is_empty() || addresses.iter().any(|address| copy.address == address.trim_end_matches('/'))
    };
    let meant: Vec<&Copied> = copies.iter().filter(is_meant).collect();
    meant.iter().try_for_each(|copy| clear(copy))?;
    if printer.is_json() {
        printer.json(&meant.iter().map(|copy| document(copy)).collect::<Vec<_>>());
    } else {
        let bytes = format::bytes(meant.iter().map(|copy| copy.bytes).sum());
        printer.status(&format!("{} removed, {bytes}", format::counted(meant.len() as u64, "copy")));
    }
    Ok(())
}
