//! `cliptune plan`.

use std::path::PathBuf;

use cliptune_terminal::{Column, CommonArgs, Exit, Printer, Table};

use crate::error::CliError;
use crate::pipeline::steps::Steps;
use crate::survey::Survey;

/// Show the steps that `run` would take, for any scheduler
///
/// With --json, each step has its command, the variables that the command needs, and the steps that come before it. Steps that do
/// not need each other can be taken side by side and on several machines that see the same store. Remote data is fetched, as
/// `run` does it first; nothing else is begun.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Experiment files, or folders of them
    #[arg(required = true, value_name = "EXPERIMENT")]
    experiments: Vec<PathBuf>,

    /// Show the steps for which there is nothing to do, too
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let survey = Survey::load(&args.experiments, common, &printer)?;
    let Some(standings) = survey.look()? else { return Ok(Exit::Interrupted) };
    let steps = Steps::of(survey.ground(&standings), args.all)?;
    show(&steps, &printer);
    Ok(steps.exit)
}

fn show(steps: &Steps, printer: &Printer) {
    if printer.is_json() {
        printer.json(steps);
    } else if steps.steps.is_empty() {
        printer.status("everything is fresh");
    } else {
        printer.table(&table(steps));
    }
}

fn table(steps: &Steps) -> Table {
    let columns = ["step", "run", "state", "after"];
    let mut table = Table::new(columns.map(Column::left));
    for step in &steps.steps {
        let run = step.run.as_deref().unwrap_or("–");
        // The report comes after everything, which nobody wants to read.
        let after = if step.even_if_failed { "all others".to_owned() } else { step.needs.join(", ") };
        table.row([step.id.as_str(), run, step.state.as_str(), &after]);
    }
    table
}
