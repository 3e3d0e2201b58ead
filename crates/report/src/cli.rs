//! The `cliptune-report` command.

use std::path::PathBuf;

use clap::Parser;
use cliptune_experiment::load;
use cliptune_store::{Standing, Standings, Store, Unknown, look};
use cliptune_terminal::{CommonArgs, Diagnostic, Exit, Printer};

use crate::error::ReportError;
use crate::render::{RESULTS, ReportFile, render};
use crate::{headline, publish, report_name, summary, words};

/// Make charts, a page and tables that compare the runs of experiments
#[derive(Debug, Parser)]
#[command(name = "cliptune-report", version, styles = cliptune_terminal::STYLES)]
pub struct Args {
    /// Experiment files, or folders of them
    #[arg(required = true, value_name = "EXPERIMENT")]
    pub experiments: Vec<PathBuf>,

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
    let name = report_name(&args.experiments)?;
    let standings = standings(look(&store, &experiments, &|_, _| {}), &printer)?;
    let data = summary::read(&standings, &name, &arguments(args))?;
    let files = render(&data)?;
    let page = publish(&store, &name, &files)?;
    for note in words::notes(&data) {
        printer.warn(&note);
    }
    printer.status(&headline(&data));
    match printer.is_json() {
        true => results(&printer, &files),
        false => printer.data(&page.display().to_string()),
    }
    // A report of nothing is a report too: it says what is missing.
    Ok(Exit::Done)
}

/// Returns where the plans stand of which that can be told. What is missing and what is damaged is named.
fn standings(found: Standings, printer: &Printer) -> Result<Vec<Standing>, ReportError> {
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
    Ok(known)
}

/// Returns what the person typed, for the page to repeat.
fn arguments(args: &Args) -> Vec<String> {
    let experiments = args.experiments.iter().map(|path| path.display().to_string());
    let settings = args.common.set.iter().map(|setting| format!("--set={setting}"));
    experiments.chain(settings).collect()
}

fn results(printer: &Printer, files: &[ReportFile]) {
    let file = files.iter().find(|file| file.name == RESULTS);
    if let Some(text) = file.and_then(|file| std::str::from_utf8(&file.bytes).ok()) {
        printer.document(text);
    }
}
