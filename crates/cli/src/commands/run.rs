//! `cliptune run`.

use std::path::PathBuf;

use cliptune_store::{Standing, Store};
use cliptune_terminal::{CommonArgs, Exit};

use crate::error::CliError;
use crate::pipeline::outcome::Outcomes;
use crate::pipeline::{Pipeline, report, summary};
use crate::selection::{Selection, look, short};

/// Ingest, train, score and report whatever is stale
///
/// Experiments run one after the other, each behind those it starts from. When one fails, those that do not need it
/// still run. What is fresh is not done again, so the same command continues after a failure or an interruption.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Experiment files, or folders of them
    #[arg(required = true, value_name = "EXPERIMENT")]
    experiments: Vec<PathBuf>,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let selection = Selection::load(&args.experiments, common)?;
    let store = Store::open(&common.store)?;
    let name = cliptune_report::report_name(&args.experiments)?;
    let folder = store.report_folder(&name);
    let page = folder.join(cliptune_report::render::PAGE);
    let standings = look(&store, &selection.experiments, &printer)?;
    if standings.iter().all(Standing::is_fresh) && cliptune_report::is_fresh(&store, &standings, &name)? {
        printer.status(&format!("everything is fresh; the report is {}", short(&page)));
        if printer.is_json() {
            summary::print(&selection, &Outcomes::default(), &folder, &printer);
        }
        return Ok(Exit::Done);
    }
    let outcomes = Pipeline::new(common, &printer, &selection, &store, standings).experiments()?;
    if outcomes.interrupted() {
        return Ok(Exit::Interrupted);
    }
    let reported = report(&args.experiments, common, &printer)?;
    if reported == Exit::Interrupted {
        return Ok(reported);
    }
    summary::print(&selection, &outcomes, &folder, &printer);
    if reported == Exit::Done {
        printer.status(&format!("the report is {}", short(&page)));
    }
    let good = reported == Exit::Done && outcomes.all_good();
    Ok(if good { Exit::Done } else { Exit::Failed })
}
