//! `cliptune fsck`.

use std::sync::OnceLock;

use cliptune_query::damaged_tables;
use cliptune_store::{Checked, Finding, Severity, Store, StoreLock, fsck};
use cliptune_terminal::{CommonArgs, Exit, Printer, format};
use serde::Serialize;
use serde_json::json;

use crate::error::CliError;

/// Check all records and hashes of the store
///
/// Everything is read: datasets, runs with their models and scores, labels, the trash, reports and the cache. What is not as
/// it was written is named once, with what follows from it. Nothing is changed without --repair. The command ends with 1
/// when something is damaged and stays so.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Mend what can be made from what is whole; nothing else is touched
    ///
    /// Damaged files of the cache and what killed processes have left are removed. Damaged scores go to the trash, so that
    /// `run` makes them again where the weights are there. Weights come back from their copy in the run, what a model has seen from the run's record, and
    /// the record of an entry of the trash from its content.
    #[arg(long)]
    repair: bool,
}

/// A finding, and what was done about it.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    mended: bool,
}

impl Line<'_> {
    /// Checks whether something stays damaged.
    fn is_damage(&self) -> bool {
        !self.mended && self.finding.severity != Severity::Harmless
    }

    fn text(&self) -> String {
        let Finding { severity, problem, follows, can_be_mended, .. } = self.finding;
        let state = if self.mended { "mended" } else { severity.as_str() };
        let mendable =
            (*can_be_mended && !self.mended).then(|| "`cliptune fsck --repair` mends it".to_owned());
        let hints = follows.iter().cloned().chain(mendable).map(|hint| format!("\n            {hint}"));
        format!("{state:<10}  {problem}{}", hints.collect::<String>())
    }
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let store = Store::existing(&common.store)?;
    // What is found must not be moved or made again before it is mended.
    let lock = args.repair.then(|| store.lock()).transpose()?;
    let checked = check(&store, &printer)?;
    let mended = match &lock {
        Some(lock) => repair(&store, &checked.findings, lock, &printer),
        None => vec![false; checked.findings.len()],
    };
    let findings = checked.findings.iter().zip(mended);
    let lines: Vec<Line<'_>> = findings.map(|(finding, mended)| Line { finding, mended }).collect();
    tell(&checked, &lines, &printer);
    Ok(if lines.iter().any(Line::is_damage) { Exit::Failed } else { Exit::Done })
}

fn check(store: &Store, printer: &Printer) -> Result<Checked, CliError> {
    let progress = OnceLock::new();
    let mut checked = fsck(store, &|done, total| {
        progress.get_or_init(|| printer.progress("checking", total, "bytes")).set(done);
    })?;
    if let Some(progress) = progress.into_inner() {
        progress.finish();
    }
    checked.findings.extend(damaged_tables(store)?.into_iter().map(Finding::cached));
    Ok(checked)
}

/// Mends what can be mended, and says of each finding whether it was.
fn repair(store: &Store, findings: &[Finding], lock: &StoreLock, printer: &Printer) -> Vec<bool> {
    let mend = |finding: &Finding| {
        finding.mend(store, lock).unwrap_or_else(|error| {
            printer.failure(&error);
            false
        })
    };
    findings.iter().map(mend).collect()
}

fn tell(checked: &Checked, lines: &[Line<'_>], printer: &Printer) {
    let damaged = lines.iter().filter(|line| line.is_damage()).count();
    let mended = lines.iter().filter(|line| line.mended).count();
    if printer.is_json() {
        let Checked { runs, datasets, trash, reports, bytes, .. } = checked;
        return printer.json(&json!({
            "checked": { "runs": runs, "datasets": datasets, "trash": trash, "reports": reports, "bytes": bytes },
            "damaged": damaged,
            "mended": mended,
            "findings": lines,
        }));
    }
    lines.iter().for_each(|line| printer.data(&line.text()));
    let counted = |count: usize, unit| format::counted(count as u64, unit);
    printer.status(&format!(
        "checked {}, {}, {} and {} of the trash, {}: {damaged} damaged, {mended} mended",
        counted(checked.runs, "run"),
        counted(checked.datasets, "dataset"),
        counted(checked.reports, "report"),
        match checked.trash {
            1 => "1 entry".to_owned(),
            count => format!("{count} entries"),
        },
        format::bytes(checked.bytes),
    ));
}
