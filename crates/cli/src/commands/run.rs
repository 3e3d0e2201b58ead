//! `cliptune run`.

use std::path::PathBuf;

use cliptune_report::{Options, Request};
use cliptune_store::Standing;
use cliptune_terminal::{CommonArgs, Exit, format, positive};

use crate::error::CliError;
use crate::pipeline::crew::Means;
use crate::pipeline::endings::Endings;
use crate::pipeline::{Pipeline, report, summary};
use crate::selection::short;
use crate::slurm;
use crate::survey::Survey;

/// Ingest, train, score and report whatever is stale
///
/// Datasets are made first, then runs, each behind those it starts from. When one fails, those that do not need it
/// are still made, and the exit code is that of what failed. What is fresh is not done again, so the same command continues after a failure or an interruption.
/// What another process is at is never done twice.
///
/// With --slurm, the steps are submitted as jobs, and this command ends at once. What is queued or running already is not submitted
/// again, so the same command submits what has failed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Experiment files, or folders of them
    #[arg(required = true, value_name = "EXPERIMENT")]
    experiments: Vec<PathBuf>,
    /// How many datasets, and then runs, are made side by side
    #[arg(long, value_name = "N", default_value = "1", value_parser = positive::<usize>)]
    jobs: usize,
    /// How many threads all of them have together [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = positive::<usize>)]
    threads: Option<usize>,
    /// How much memory all of them have together, such as 16GiB [default: the machine's]
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    memory: Option<u64>,
    /// Wait for other processes that are at the same runs, and then do what is left to do
    #[arg(long)]
    wait: bool,
    /// Submit the steps to Slurm instead, as a chain of jobs, with the `resources` of the experiments
    #[arg(long, conflicts_with_all = ["jobs", "threads", "memory", "wait"])]
    slurm: bool,
    /// Show what --slurm would submit, and submit nothing
    #[arg(long, requires = "slurm")]
    dry_run: bool,
    /// Options for sbatch, which are given to every job
    #[arg(last = true, requires = "slurm", value_name = "SBATCH-OPTION", value_parser = slurm::sbatch_option)]
    sbatch: Vec<String>,
}

impl Args {
    /// Returns what there is for the jobs together.
    fn means(&self) -> Means {
        let jobs = self.jobs;
        let processors = || std::thread::available_parallelism().map_or(1, usize::from);
        let declared = self.threads.or((jobs > 1).then(processors));
        Means { jobs, threads: declared, memory: self.memory }
    }
}

fn memory(written: &str) -> Result<u64, String> {
    format::parse_bytes(written).ok_or_else(|| "expected a size such as 16GiB or 500MB".to_owned())
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let survey = Survey::load(&args.experiments, common, &printer)?;
    let Survey { selection, store, .. } = &survey;
    let request = Request::of(store, &args.experiments, &common.set, &Options::default())?;
    let folder = &request.folder;
    let page = folder.join(cliptune_report::render::PAGE);
    let Some(standings) = survey.look()? else { return Ok(Exit::Interrupted) };
    if args.slurm {
        let order = slurm::Order { dry_run: args.dry_run, options: &args.sbatch };
        return slurm::submit(order, survey.ground(&standings));
    }
    let is_fresh = standings.unknown.is_empty() && standings.known.iter().all(Standing::is_fresh);
    if is_fresh && cliptune_report::is_fresh(&standings.known, &request)? {
        printer.status(&format!("everything is fresh; the report is {}", short(&page)));
        if printer.is_json() {
            summary::print(selection, &Endings::default(), folder, &printer);
        }
        return Ok(Exit::Done);
    }
    let means = (args.means(), args.wait);
    let endings = Pipeline::new(common, means, &printer, selection, store, standings).experiments()?;
    if endings.interrupted() {
        if printer.is_json() {
            summary::print(selection, &endings, folder, &printer);
        }
        return Ok(Exit::Interrupted);
    }
    let reported = report(&args.experiments, common, &printer)?;
    if reported == Exit::Interrupted {
        return Ok(reported);
    }
    summary::print(selection, &endings, folder, &printer);
    if reported == Exit::Done {
        printer.status(&format!("the report is {}", short(&page)));
    }
    Ok(match (endings.exit(), reported) {
        (Exit::Done, reported) => reported,
        // What failed for another reason outweighs a mistake.
        (Exit::Usage, Exit::Failed) => Exit::Failed,
        (exit, _) => exit,
    })
}
