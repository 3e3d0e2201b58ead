//! What became of the runs of one experiment.

use std::fmt::Write;
use std::time::Duration;

use cliptune_experiment::Experiment;
use cliptune_terminal::{Printer, format};

use super::endings::{Ending, Failure};
use super::jobs::{Finish, Job, Step};

/// Returns how an experiment ended whose runs ended like this.
pub(crate) fn ending(jobs: &[&Job]) -> Ending {
    let finishes = || jobs.iter().map(|job| job.finish());
    let failures: Vec<Failure> = jobs.iter().filter_map(|job| failure(job)).collect();
    if finishes().any(|finish| *finish == Finish::Interrupted) {
        Ending::Interrupted
    } else if !failures.is_empty() {
        Ending::Failed(failures)
    } else if finishes().any(|finish| *finish == Finish::Skipped) {
        Ending::Skipped
    } else if jobs.is_empty() {
        Ending::Fresh
    } else {
        Ending::Done { time: jobs.iter().map(|job| job.time).sum::<Duration>() }
    }
}

/// Returns why a run, or a dataset, could not be made.
fn failure(job: &Job) -> Option<Failure> {
    let Finish::Failed { step, exit, why } = job.finish() else { return None };
    let run = (*step != Step::Ingest).then(|| job.label.clone());
    Some(Failure { run, tool: Some(step.tool()), exit: *exit, why: why.clone() })
}

/// Sums up what went wrong. Each failure was shown when it happened.
pub(crate) fn tell(experiment: &Experiment, jobs: &[&Job], printer: &Printer) {
    let name = &experiment.name;
    let failed: Vec<(&Job, Step, &str)> = jobs
        .iter()
        .filter_map(|job| match job.finish() {
            Finish::Failed { step, why, .. } => Some((*job, *step, why.as_str())),
            _ => None,
        })
        .collect();
    let skipped = jobs.iter().filter(|job| *job.finish() == Finish::Skipped).count();
    match failed[..] {
        [] => {}
        [(_, step, _)] if experiment.plans.len() == 1 => {
            printer.warn(&format!("{name} is incomplete: {} failed", step.tool()));
        }
        _ => {
            let runs = format::counted(jobs.len() as u64, "run");
            let mut text = format!("{name} is incomplete: {} of {runs} failed", failed.len());
            for (job, step, why) in &failed {
                // Writing to a String cannot fail.
                let _ = write!(text, "\n  {}: {} failed: {why}", job.label, step.tool());
            }
            printer.warn(&text);
        }
    }
    if skipped > 0 {
        let runs = match skipped == experiment.plans.len() {
            true => format!("{name} is skipped"),
            false => format!("{name}: {} skipped", format::counted(skipped as u64, "run")),
        };
        printer.warn(&format!("{runs}: what it starts from is incomplete"));
    }
}
