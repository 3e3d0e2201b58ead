//! The `cliptune-report` command.

use std::path::PathBuf;

use clap::Parser;
use cliptune_experiment::load;
use cliptune_store::{Standing, Standings, Store, Unknown, look};
use cliptune_terminal::{CommonArgs, Diagnostic, Exit, Printer};

use crate::data::ReportData;
use crate::error::ReportError;
use crate::render::{RESULTS, ReportFile, render};
use crate::request::{Options, Request};
use crate::select::Selected;
use crate::{headline, publish, summary, words};

/// Make charts, a page and tables that compare the runs of experiments
#[derive(Clone, Debug, Parser)]
#[command(name = "cliptune-report", version, styles = cliptune_terminal::STYLES)]
pub struct Args {
    /// Experiment files, or folders of them
    #[arg(required = true, value_name = "EXPERIMENT")]
    pub experiments: Vec<PathBuf>,

    /// Write the report to this folder [default: reports/NAME in the store]
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,

    /// The name of the report [default: that of the only EXPERIMENT, or "report"]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// What the others are compared with [default: the experiment without training that most others start from, or the first]
    #[arg(long, value_name = "EXPERIMENT")]
    pub baseline: Option<String>,

    /// Show only the runs that a query names, such as "SELECT run FROM runs WHERE seed = 0"
    #[arg(long, value_name = "SQL")]
    pub select: Option<String>,

    #[command(flatten)]
    #[allow(
        missing_docs,
        reason = "documented by its type; a doc comment would become a heading of the help"
    )]
    pub common: CommonArgs,
}

/// Makes the report and says where it is.
pub fn run(args: &Args) -> Result<Exit, Box<dyn Diagnostic>> {
    let printer = args.common.printer();
    let experiments = load(&args.experiments, &args.common.set).map_err(ReportError::from)?;
    let store = Store::open(&args.common.store).map_err(ReportError::from)?;
    let request = Request::of(&store, &args.experiments, &args.common.set, &args.options())?;
    let selected = Selected::of(&store, request.select.as_deref())?;
    let look = || look(&store, &experiments, &|_, _| {});
    let data = read(&look, &selected, &|standings| summary::read(standings, &request), &printer)?;
    let files = render(&data)?;
    let page = publish(&request, &files)?;
    for warning in words::warnings(&data) {
        printer.warn(&warning);
    }
    printer.status(&headline(&data));
    match printer.is_json() {
        true => results(&printer, &files),
        false => printer.data(&page.display().to_string()),
    }
    // A report of nothing is a report too: it says what is missing.
    Ok(Exit::Done)
}

/// How often a report is begun anew because what it reads is being replaced or removed.
const TRIES: usize = 5;

/// Reads what a report shows. Other processes may replace scores and remove runs meanwhile: what is then not there any more,
/// or does not fit together, is looked at again, and named if it stays so.
fn read(
    look: &dyn Fn() -> Standings,
    selected: &Selected,
    summarize: &dyn Fn(&[Standing]) -> Result<ReportData, ReportError>,
    printer: &Printer,
) -> Result<ReportData, ReportError> {
    let mut tries = 1..TRIES;
    loop {
        let mut found = look();
        selected.keep(&mut found.known)?;
        let data = summarize(&found.known);
        let again = data.as_ref().is_err_and(ReportError::may_pass) && tries.next().is_some();
        if !again {
            tell(found, printer)?;
            return data;
        }
    }
}

/// Names what is missing and what is damaged.
///
/// # Errors
/// Returns an error when it cannot be told of any plan where it stands.
fn tell(found: Standings, printer: &Printer) -> Result<(), ReportError> {
    let Standings { known, mut unknown, damage } = found;
    if known.is_empty() && !unknown.is_empty() {
        return Err(unknown.swap_remove(0).error.into());
    }
    for Unknown { plan, error } in &unknown {
        printer.warn(&format!(
            "{} (seed {}) is left out: {}",
            plan.experiment,
            plan.seed,
            error.in_one_line()
        ));
    }
    damage.iter().for_each(|error| printer.warn(&error.in_one_line()));
    Ok(())
}

impl Args {
    fn options(&self) -> Options {
        let Self { to, name, baseline, select, .. } = self.clone();
        Options { to, name, baseline, select }
    }
}

fn results(printer: &Printer, files: &[ReportFile]) {
    let file = files.iter().find(|file| file.name == RESULTS);
    if let Some(text) = file.and_then(|file| std::str::from_utf8(&file.bytes).ok()) {
        printer.document(text);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use cliptune_store::{Damage, StoreError};

    use super::*;

    fn tried(error: impl Fn() -> ReportError) -> (usize, bool) {
        let folder = tempfile::tempdir().unwrap();
        let (store, tries) = (Store::open(folder.path()).unwrap(), Cell::new(0));
        let request = Request::of(&store, &[], &[], &Options::default()).unwrap();
        let summarize = |standings: &[Standing]| {
            tries.set(tries.get() + 1);
            if tries.get() < 3 { Err(error()) } else { summary::read(standings, &request) }
        };
        let all = Selected::of(&store, None).unwrap();
        let data = read(&Standings::default, &all, &summarize, &Printer::new(true, false));
        (tries.get(), data.is_ok())
    }

    #[test]
    fn what_is_replaced_while_a_report_reads_it_is_read_again() {
        let gone = || ReportError::Io(std::io::ErrorKind::NotFound.into());
        assert_eq!(tried(gone), (3, true));
        let torn =
            || StoreError::Damaged { path: "predictions.parquet".into(), source: Damage::Content }.into();
        assert_eq!(tried(torn), (3, true));
        assert_eq!(tried(|| ReportError::Chart("no font".to_owned())), (1, false));
    }
}
