//! Submits a chain of jobs, or shows what would be submitted.

use std::ffi::OsString;
use std::fmt::Write as _;

use cliptune_terminal::{Exit, Printer, format};
use fs_err as fs;
use serde::Serialize;

use super::batch::{BatchJob, Form, JobRef};
use super::chain::Chain;
use super::client;
use super::jobs::{Jobs, KEPT, name, record};
use super::quote::line;
use crate::error::CliError;
use crate::pipeline::steps::{Ground, PlannedStep, Steps};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order<'a> {
    /// Whether the jobs are only shown.
    pub(crate) dry_run: bool,
    /// The options for `sbatch`.
    pub(crate) options: &'a [String],
}

/// A job as `--json` has it.
#[derive(Serialize)]
struct SubmittedJob {
    /// The number; `None` in a dry run.
    job: Option<u64>,
    name: String,
    /// The steps: of an array, in the order of its tasks.
    steps: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script: Option<String>,
}

/// A step that Slurm has already.
#[derive(Serialize)]
struct LiveStep {
    step: String,
    job: String,
}

/// The output of `--json`.
#[derive(Serialize)]
struct Document {
    submitted: Vec<SubmittedJob>,
    live: Vec<LiveStep>,
}

/// Submits whatever is stale and neither queued nor running.
pub(crate) fn submit(order: Order<'_>, ground: Ground<'_>) -> Result<Exit, CliError> {
    let printer = ground.printer;
    let Steps { directory, steps, exit, .. } = Steps::of(ground, false)?;
    if steps.is_empty() {
        printer.status("everything is fresh: there is nothing to submit");
    }
    let is_sent = !order.dry_run && !steps.is_empty();
    let _lock = is_sent.then(|| ground.store.lock_submissions()).transpose()?;
    let jobs = match Jobs::of(ground.store, printer) {
        // The scripts can be shown anywhere.
        Err(error @ CliError::NoSlurm { .. }) if order.dry_run => {
            printer.warn(&format!("{error}, so that nobody can tell which jobs are queued already"));
            Jobs::default()
        }
        known => known?,
    };
    let chain = match steps.is_empty() {
        true => Chain::default(),
        false => Chain::of(steps, client::most_tasks(), |step| jobs.place(step)),
    };
    let submission = Submitting { order, ground, directory: &directory };
    let submitted = match order.dry_run {
        true => submission.shown(&chain),
        false => submission.sent(&chain)?,
    };
    if !chain.live.is_empty() {
        let steps = format::counted(chain.live.len() as u64, "step");
        printer.status(&format!("{steps} queued or running already"));
    }
    if printer.is_json() {
        let live = chain.live.iter().filter_map(|(step, place)| match place.job {
            JobRef::Known(job) => Some(LiveStep { step: step.id.clone(), job: name(job, place.task) }),
            JobRef::New(_) => None,
        });
        printer.json(&Document { submitted, live: live.collect() });
    }
    Ok(exit)
}

/// How a chain is submitted.
struct Submitting<'a> {
    order: Order<'a>,
    ground: Ground<'a>,
    /// The folder that the jobs work in.
    directory: &'a str,
}

impl Submitting<'_> {
    /// Returns all arguments of `sbatch`. Those of the person are behind what they may ask otherwise for, and before what the chain
    /// depends on.
    fn arguments(&self, job: &BatchJob, id: &dyn Fn(JobRef) -> String) -> Vec<OsString> {
        let output = job.output(&self.ground.store.job_logs_folder());
        let own = job.options(id).into_iter().map(OsString::from);
        [output].into_iter().chain(self.order.options.iter().map(OsString::from)).chain(own).collect()
    }

    /// Submits the jobs, each behind those that it waits for, and records each at once.
    fn sent(&self, chain: &Chain) -> Result<Vec<SubmittedJob>, CliError> {
        if !chain.jobs.is_empty() {
            // Slurm makes no folder for what a job writes.
            fs::create_dir_all(self.ground.store.job_logs_folder())?;
            self.ground.store.forget_submissions(KEPT)?;
        }
        let mut numbers: Vec<u64> = Vec::new();
        let mut submitted = Vec::new();
        for job in &chain.jobs {
            let arguments = self.arguments(job, &|job| match job {
                JobRef::Known(number) => number.to_string(),
                JobRef::New(number) => numbers.get(number).map(u64::to_string).unwrap_or_default(),
            });
            let number = client::submit(&arguments, &job.script(self.directory))?;
            let record = record(number, job.name.clone(), job.form != Form::Sequence, &job.steps);
            if let Err(error) = self.ground.store.record_submission(&record) {
                // The job is there all the same, and does what it is for.
                let why = error.in_one_line();
                self.ground
                    .printer
                    .warn(&format!("job {number} is not recorded, and `status` will not show it: {why}"));
            }
            self.ground.printer.status(&format!("submitted {number}: {}, {}", job.name, what(job)));
            numbers.push(number);
            submitted.push(shown(job, Some(number), None));
        }
        Ok(submitted)
    }

    /// Shows the jobs as a shell script that would submit them.
    fn shown(&self, chain: &Chain) -> Vec<SubmittedJob> {
        let printer: &Printer = self.ground.printer;
        let scripts = chain.jobs.iter().map(|job| (job, job.script(self.directory)));
        if printer.is_json() {
            return scripts.map(|(job, script)| shown(job, None, Some(script))).collect();
        }
        let mut text = String::new();
        for (number, (job, script)) in scripts.enumerate() {
            let end = end_of(&script);
            let command = self.command(job);
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}=$({command} <<'{end}'\n{script}{end}\n)\n", variable(number));
        }
        if !text.is_empty() {
            printer.data(text.trim_end());
        }
        Vec::new()
    }

    /// Returns the command line of `sbatch`, with variables for the numbers of the jobs.
    fn command(&self, job: &BatchJob) -> String {
        let output = job.output(&self.ground.store.job_logs_folder());
        let output = output.to_string_lossy();
        let own = job.options(&|job| match job {
            JobRef::Known(number) => number.to_string(),
            JobRef::New(number) => format!("${{{}}}", variable(number)),
        });
        // Nothing in them has a meaning for the shell but the variables.
        let own: Vec<String> = own.iter().map(|option| format!("\"{option}\"")).collect();
        let options = self.order.options.iter().map(String::as_str);
        let given = line(["sbatch", &*output].into_iter().chain(options));
        format!("{given} {}", own.join(" "))
    }
}

/// Returns the name of the variable for the number of a job.
fn variable(number: usize) -> String {
    format!("job{}", number + 1)
}

/// Returns a word that is no line of a text.
fn end_of(text: &str) -> String {
    let mut word = "END".to_owned();
    while text.lines().any(|line| line == word) {
        word.push('_');
    }
    word
}

/// Says what a job does.
fn what(job: &BatchJob) -> String {
    let count = job.steps.len() as u64;
    match (job.form, job.steps.first().and_then(|step| step.run.as_ref())) {
        (Form::Array { .. }, Some(_)) => format::counted(count, "run"),
        (Form::Array { .. }, None) => format::counted(count, "dataset"),
        (Form::Sequence, _) => "scores and the report".to_owned(),
    }
}

fn shown(job: &BatchJob, number: Option<u64>, script: Option<String>) -> SubmittedJob {
    let steps = job.steps.iter().map(|step: &PlannedStep| step.id.clone()).collect();
    SubmittedJob { job: number, name: job.name.clone(), steps, script }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_script_ends_it_early() {
        assert_eq!(end_of("a\nEND \n"), "END");
        assert_eq!(end_of("a\nEND\nEND_\n"), "END__");
    }
}
