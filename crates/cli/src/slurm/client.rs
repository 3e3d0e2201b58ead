//! Slurm's own commands: `sbatch`, `squeue` and `sacct`. None of them is waited for without end.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::jobs::name;
use super::state::JobState;
use crate::error::CliError;

/// How long an answer is waited for. A controller that is busy with thousands of jobs takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// The largest number of tasks of an array that is asked for: Slurm allows 1001 unless somebody has changed that.
pub(super) const MOST_TASKS: usize = 1000;
/// Variables that `sbatch` reads as options with which there would be no chain: it would wait for each job, make arrays of jobs that
/// are none, or submit to a cluster that nobody asks afterwards.
const UNSET: [&str; 3] = ["SBATCH_WAIT", "SBATCH_ARRAY_INX", "SBATCH_CLUSTERS"];
/// The time between two looks at a command that has not ended.
const PAUSE: Duration = Duration::from_millis(10);

/// Submits a script with these options, and returns the number of the job.
pub(super) fn submit(options: &[OsString], script: &str) -> Result<u64, CliError> {
    let program = "sbatch";
    let answer = ask(program, options, script)?.succeeded(program)?;
    let told = || CliError::Slurm { program, said: format!("it told no number of a job, but {answer:?}") };
    number(&answer).ok_or_else(told)
}

/// Reads what `sbatch --parsable` writes: the number of the job, with the name of the cluster behind it where there are several. Some
/// clusters greet people in the lines before.
fn number(answer: &str) -> Option<u64> {
    answer.lines().rev().find_map(|line| line.split(';').next()?.trim().parse().ok())
}

/// Returns how many tasks an array may have on this cluster.
pub(super) fn most_tasks() -> usize {
    let options = ["show", "config"].map(OsString::from);
    let answer = ask("scontrol", &options, "").and_then(|answer| answer.succeeded("scontrol"));
    answer.ok().and_then(|config| array_size(&config)).map_or(MOST_TASKS, |size| size.clamp(1, MOST_TASKS))
}

/// Reads `MaxArraySize`, which is one more than the largest number of a task, among the settings of a cluster.
fn array_size(config: &str) -> Option<usize> {
    let mut settings = config.lines().filter_map(|line| line.split_once('='));
    let (_, size) = settings.find(|(name, _)| name.trim() == "MaxArraySize")?;
    size.trim().parse().ok()
}

/// Returns what Slurm says about jobs and tasks of arrays: the state of each by its name (`12` or `12_3`). Those that it knows nothing
/// about any more are missing.
pub(super) fn states(wanted: &[(u64, Option<usize>)]) -> Result<HashMap<String, JobState>, CliError> {
    let jobs = distinct(wanted.iter());
    if jobs.is_empty() {
        return Ok(HashMap::new());
    }
    let mut states = queued(&jobs)?;
    // Of an array, tasks that ended are forgotten while others are still at work.
    let forgotten = distinct(wanted.iter().filter(|(job, task)| !states.contains_key(&name(*job, *task))));
    // Many clusters keep no accounts, and then nobody knows more.
    if let Some(more) = (!forgotten.is_empty()).then(|| accounted(&forgotten)).flatten() {
        // What waits or runs, the controller knows. Accounts may have missed the end of a job, and say forever that it runs.
        let ended = more.into_iter().filter(|(_, state)| !state.is_live());
        for (task, state) in ended {
            states.entry(task).or_insert(state);
        }
    }
    Ok(states)
}

/// Returns the numbers of jobs, each once.
fn distinct<'a>(tasks: impl Iterator<Item = &'a (u64, Option<usize>)>) -> Vec<u64> {
    let mut jobs: Vec<u64> = tasks.map(|(job, _)| *job).collect();
    jobs.sort_unstable();
    jobs.dedup();
    jobs
}

/// Asks for jobs that wait, run, or ended a few minutes ago.
fn queued(jobs: &[u64]) -> Result<HashMap<String, JobState>, CliError> {
    let program = "squeue";
    let options = ["--states=all", "--array", "--noheader", "--format=%i|%T"].map(OsString::from);
    let answer = ask(program, &with_jobs(&options, jobs), "")?;
    // It says so of a single job that it has forgotten, and leaves out such jobs among others.
    if !answer.status.success() && answer.said.contains("Invalid job id") {
        return Ok(HashMap::new());
    }
    Ok(read(&answer.succeeded(program)?))
}

/// Asks for jobs that ended long ago.
fn accounted(jobs: &[u64]) -> Option<HashMap<String, JobState>> {
    let program = "sacct";
    let options = ["--noheader", "--parsable2", "--allocations", "--format=JobID,State"].map(OsString::from);
    let answer = ask(program, &with_jobs(&options, jobs), "").and_then(|answer| answer.succeeded(program));
    Some(read(&answer.ok()?))
}

fn with_jobs(options: &[OsString], jobs: &[u64]) -> Vec<OsString> {
    let jobs: Vec<String> = jobs.iter().map(u64::to_string).collect();
    options.iter().cloned().chain([OsString::from(format!("--jobs={}", jobs.join(",")))]).collect()
}

/// Reads lines of a name and a state. What is no such line says nothing about any task.
fn read(answer: &str) -> HashMap<String, JobState> {
    let line = |line: &str| {
        let (name, state) = line.trim().split_once('|')?;
        Some((name.to_owned(), JobState::parse(state)?))
    };
    answer.lines().filter_map(line).collect()
}

/// What a command answered.
struct Answer {
    status: ExitStatus,
    output: String,
    said: String,
}

impl Answer {
    /// Returns the output, unless the command failed.
    fn succeeded(self, program: &'static str) -> Result<String, CliError> {
        match self.status.success() {
            true => Ok(self.output),
            false => {
                let said = self.said.trim();
                let said = if said.is_empty() { self.status.to_string() } else { said.to_owned() };
                Err(CliError::Slurm { program, said })
            }
        }
    }
}

/// Starts a command, gives it a text, and waits for its answer, but not without end.
fn ask(program: &'static str, options: &[OsString], input: &str) -> Result<Answer, CliError> {
    let mut command = Command::new(program);
    for name in UNSET {
        command.env_remove(name);
    }
    command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => CliError::NoSlurm { program },
        _ => error.into(),
    })?;
    let (stdin, input) = (child.stdin.take(), input.to_owned());
    // Nobody knows whether a command that hangs reads or writes first, so each is done in a thread of its own.
    let written = thread::Builder::new().name("input".to_owned()).spawn(move || {
        // What a command does not want to read, it does not need.
        let _ = stdin.map(|mut stdin| stdin.write_all(input.as_bytes()));
    })?;
    let output = read_all(child.stdout.take())?;
    let said = read_all(child.stderr.take())?;
    let status = wait(&mut child, program)?;
    let _ = written.join();
    let text = |thread: JoinHandle<String>| thread.join().unwrap_or_default();
    Ok(Answer { status, output: text(output), said: text(said) })
}

fn wait(child: &mut Child, program: &'static str) -> Result<ExitStatus, CliError> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if begun.elapsed() >= PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            return Err(CliError::SlurmSilent { program, seconds: PATIENCE.as_secs() });
        }
        thread::sleep(PAUSE);
    }
}

fn read_all(pipe: Option<impl Read + Send + 'static>) -> io::Result<JoinHandle<String>> {
    thread::Builder::new().name("output".to_owned()).spawn(move || {
        let mut bytes = Vec::new();
        // What cannot be read is missed by whoever reads the text.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_job_is_read_with_its_cluster_or_without() {
        assert_eq!(number("12\n"), Some(12));
        assert_eq!(number("12;here\n"), Some(12));
        assert_eq!(number("Welcome!\n--> Checking your quota... 3 OK\n\n12\n"), Some(12));
        for wrong in ["", "Submitted batch job 12", "-1", "x;12"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn states_are_read_by_job_and_task() {
        // As squeue 22.05 writes them, and sacct with --parsable2.
        let read = read(
            "1_0|RUNNING\n1_1|COMPLETED\n  4|PENDING  \n7_2|CANCELLED by 0\n\nslurm_load_jobs error: x\n",
        );
        assert_eq!(read.len(), 4);
        assert_eq!(read["1_0"], JobState::Running);
        assert_eq!(read["4"], JobState::Queued);
        assert_eq!(read["7_2"], JobState::Cancelled);
    }

    #[test]
    fn the_size_of_an_array_is_read_among_the_settings() {
        // As scontrol 22.05 writes them.
        let config = "Configuration data as of 2024-05-01T10:00:00\nMaxArraySize            = 501\nMaxJobCount             = 10000\n";
        assert_eq!(array_size(config), Some(501));
        assert_eq!(array_size("MaxArraySize = none\n"), None);
        assert_eq!(array_size(""), None);
    }

    #[test]
    fn a_command_that_is_not_there_is_named() {
        assert!(matches!(ask("no-such-command-of-slurm", &[], ""), Err(CliError::NoSlurm { .. })));
    }

    #[test]
    fn a_command_gets_its_input_and_says_why_it_fails() {
        let long = "x".repeat(1 << 20);
        let answer = ask("cat", &[], &long).and_then(|answer| answer.succeeded("cat"));
        assert_eq!(answer.unwrap().len(), long.len());
        let script = ["-c", "echo no account >&2; exit 3"].map(OsString::from);
        let error = ask("sh", &script, "").and_then(|answer| answer.succeeded("sh")).unwrap_err();
        assert_eq!(error.to_string(), "sh failed: no account");
    }
}
