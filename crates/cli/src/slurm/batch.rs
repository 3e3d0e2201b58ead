//! One job for `sbatch`: its script and its options.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

use cliptune_experiment::{MemorySize, Resources};

use super::quote::{line, quoted};
use crate::pipeline::steps::{Call, PlannedStep};

/// How many seconds before the end of its time a run is told to save, which is what a checkpoint of a large model takes on a slow
/// disk.
const NOTICE_SECONDS: u32 = 60;

/// One job.
#[derive(Debug)]
pub(crate) struct BatchJob {
    /// Its name: letters, digits, `-`, `_` and `.`.
    pub(crate) name: String,
    pub(crate) form: Form,
    /// The steps that it takes.
    pub(crate) steps: Vec<PlannedStep>,
    pub(crate) resources: Resources,
    /// What it waits for.
    pub(crate) after: After,
}

/// How a job takes its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Each in a task of its own. With `one_by_one`, a task begins when no other one runs.
    Array { one_by_one: bool },
    /// All of them one after the other, whatever becomes of each.
    Sequence,
}

/// What a job waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// The success of these tasks. Where one of them fails, the job is cancelled.
    Success(Vec<Place>),
    /// The end of these jobs, however they end.
    End(Vec<JobRef>),
}

/// A job of this chain, or one that Slurm has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum JobRef {
    /// The job at this position of the chain.
    New(usize),
    /// The job with this number.
    Known(u64),
}

/// Where a step is taken: in a job, or in a task of its array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) job: JobRef,
    pub(crate) task: Option<usize>,
}

impl BatchJob {
    /// Returns the options that the job has whatever else is asked for. They come behind all others, because the last one of a
    /// kind counts. `id` says what stands for the number of a job.
    pub(crate) fn options(&self, id: &dyn Fn(JobRef) -> String) -> Vec<String> {
        let mut options = vec!["--parsable".to_owned()];
        if let Form::Array { one_by_one } = self.form {
            let last = self.steps.len().saturating_sub(1);
            let at_once = if one_by_one { "%1" } else { "" };
            options.push(format!("--array=0-{last}{at_once}"));
        }
        options.extend(self.after.option(id));
        if matches!(&self.after, After::Success(places) if !places.is_empty()) {
            // Otherwise a job whose base has failed would wait forever.
            options.push("--kill-on-invalid-dep=yes".to_owned());
        }
        options
    }

    /// Returns the option for the file that the job writes to, in which a path has no other meaning than itself.
    pub(crate) fn output(&self, logs: &Path) -> OsString {
        let name = if self.form == Form::Sequence { "%j" } else { "%A_%a" };
        // What is no UTF-8 was refused with the commands, which name the same store.
        let logs = logs.to_string_lossy().replace('\\', r"\\").replace('%', "%%");
        OsString::from(format!("--output={logs}/{}-{name}.log", self.name))
    }

    /// Returns the script. It changes into a folder first.
    pub(crate) fn script(&self, directory: &str) -> String {
        let mut script = "#!/bin/bash\n".to_owned();
        for option in self.directives() {
            // Writing to a String cannot fail.
            let _ = writeln!(script, "#SBATCH {option}");
        }
        let _ = writeln!(script, "cd {} || exit 1", quoted(directory));
        match self.form {
            Form::Array { .. } => self.tasks(&mut script),
            Form::Sequence => self.sequence(&mut script),
        }
        script
    }

    /// Returns what a person may ask otherwise for. No text of a stranger is in it, because `sbatch` reads quotes in its own way.
    fn directives(&self) -> Vec<String> {
        let mut directives = vec![
            format!("--job-name={}", self.name),
            "--nodes=1".to_owned(),
            "--ntasks=1".to_owned(),
            "--requeue".to_owned(),
            "--open-mode=append".to_owned(),
        ];
        if self.form != Form::Sequence {
            directives.push(format!("--signal=B:TERM@{NOTICE_SECONDS}"));
        }
        let Resources { cpus, memory, gpus, time, partition } = &self.resources;
        directives.extend(cpus.map(|cpus| format!("--cpus-per-task={cpus}")));
        directives.extend(memory.map(|memory| format!("--mem={}M", mebibytes(memory))));
        directives.extend(gpus.map(|gpus| format!("--gres=gpu:{gpus}")));
        directives.extend(time.map(|time| format!("--time={}", time.clock())));
        directives.extend(partition.as_ref().map(|partition| format!("--partition={partition}")));
        directives
    }

    /// Writes a case for each task. The program takes the place of the shell, so that what Slurm sends to the job reaches it.
    fn tasks(&self, script: &mut String) {
        script.push_str("case \"$SLURM_ARRAY_TASK_ID\" in\n");
        for (number, step) in self.steps.iter().enumerate() {
            let _ = writeln!(script, "{number}) # {}\n  exec {}\n  ;;", step.id, command(&step.call));
        }
        script.push_str("esac\necho \"there is no task $SLURM_ARRAY_TASK_ID\" >&2\nexit 2\n");
    }

    /// Writes all steps, of which each is taken even where one before it has failed.
    fn sequence(&self, script: &mut String) {
        script.push_str("failed=0\n");
        for step in &self.steps {
            let _ = writeln!(script, "# {}\n{} || failed=1", step.id, command(&step.call));
        }
        script.push_str("exit \"$failed\"\n");
    }
}

/// Returns the line that starts a program with its variables.
fn command(call: &Call) -> String {
    let variables: Vec<String> =
        call.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let words = call.command.iter().map(String::as_str);
    match variables.is_empty() {
        true => line(words),
        false => line(["env"].into_iter().chain(variables.iter().map(String::as_str)).chain(words)),
    }
}

/// Returns a size in the unit of `--mem`, rounded up.
fn mebibytes(memory: MemorySize) -> u64 {
    memory.bytes().div_ceil(1 << 20)
}

impl After {
    /// Returns the option that says what is waited for, unless it is nothing.
    fn option(&self, id: &dyn Fn(JobRef) -> String) -> Option<String> {
        let (kind, jobs): (&str, Vec<String>) = match self {
            Self::Success(places) => ("afterok", places.iter().map(|place| place.shown(id)).collect()),
            Self::End(jobs) => ("afterany", jobs.iter().map(|job| id(*job)).collect()),
        };
        (!jobs.is_empty()).then(|| format!("--dependency={kind}:{}", jobs.join(":")))
    }
}

impl Place {
    fn shown(&self, id: &dyn Fn(JobRef) -> String) -> String {
        let job = id(self.job);
        match self.task {
            Some(task) => format!("{job}_{task}"),
            None => job,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::process::Command;

    use super::*;
    use crate::slurm::tests::step;

    fn id(job: JobRef) -> String {
        match job {
            JobRef::New(number) => format!("${{job{number}}}"),
            JobRef::Known(number) => number.to_string(),
        }
    }

    fn array(steps: Vec<PlannedStep>) -> BatchJob {
        let resources = Resources {
            cpus: std::num::NonZeroUsize::new(8),
            memory: "1500kB".parse().ok(),
            gpus: std::num::NonZeroUsize::new(1),
            time: "36h".parse().ok(),
            partition: "gpu".parse().ok(),
        };
        let place = |job, task| Place { job, task };
        let after = vec![place(JobRef::New(0), Some(1)), place(JobRef::Known(12), Some(3))];
        BatchJob {
            name: "cliptune-tuned".to_owned(),
            form: Form::Array { one_by_one: false },
            steps,
            resources,
            after: After::Success(after),
        }
    }

    #[test]
    fn an_array_asks_for_its_resources_and_waits_for_its_bases() {
        let job = array(vec![step("train:tuned/0", &[]), step("train:tuned/1", &[])]);
        assert_eq!(
            job.options(&id),
            ["--parsable", "--array=0-1", "--dependency=afterok:${job0}_1:12_3", "--kill-on-invalid-dep=yes"]
        );
        let script = job.script("/home/ada/it's mine");
        let expected = "#!/bin/bash\n\
            #SBATCH --job-name=cliptune-tuned\n\
            #SBATCH --nodes=1\n\
            #SBATCH --ntasks=1\n\
            #SBATCH --requeue\n\
            #SBATCH --open-mode=append\n\
            #SBATCH --signal=B:TERM@60\n\
            #SBATCH --cpus-per-task=8\n\
            #SBATCH --mem=2M\n\
            #SBATCH --gres=gpu:1\n\
            #SBATCH --time=1-12:00:00\n\
            #SBATCH --partition=gpu\n\
            cd '/home/ada/it'\\''s mine' || exit 1\n\
            case \"$SLURM_ARRAY_TASK_ID\" in\n\
            0) # train:tuned/0\n  exec /bin/cliptune-train --only=tuned/0\n  ;;\n\
            1) # train:tuned/1\n  exec /bin/cliptune-train --only=tuned/1\n  ;;\n\
            esac\n\
            echo \"there is no task $SLURM_ARRAY_TASK_ID\" >&2\n\
            exit 2\n";
        assert_eq!(script, expected);
    }

    #[test]
    fn the_path_of_the_output_is_itself() {
        let job = array(Vec::new());
        let output = job.output(Path::new(r"/a %j\b/it's"));
        assert_eq!(output, r"--output=/a %%j\\b/it's/cliptune-tuned-%A_%a.log");
    }

    #[test]
    fn a_task_is_the_program_itself_with_its_words_and_its_variables() {
        let mut hostile = step("train:tuned/0", &[]);
        let word = "a'b \"$(touch x)\"\n`c`;#\\".to_owned();
        hostile.call = Call {
            command: vec!["printenv".to_owned(), "WORD".to_owned()],
            environment: BTreeMap::from([("WORD".to_owned(), word.clone())]),
        };
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("a 'b' $c\n#");
        fs_err::create_dir(&odd).unwrap();
        let script = array(vec![step("train:tuned/9", &[]), hostile]).script(odd.to_str().unwrap());
        let run = |task: &str| {
            let mut bash = Command::new("bash");
            bash.arg("-c").arg(&script).env("SLURM_ARRAY_TASK_ID", task).output().unwrap()
        };
        assert_eq!(String::from_utf8(run("1").stdout).unwrap(), format!("{word}\n"));
        assert_eq!(run("2").status.code(), Some(2), "a task that is none is an error");
        assert_eq!(fs_err::read_dir(&odd).unwrap().count(), 0, "nothing else was run");
    }

    #[test]
    fn in_a_sequence_each_step_is_taken_whatever_became_of_the_others() {
        let with = |command: &[&str]| {
            let mut step = step("score:tuned/0", &[]);
            step.call.command = command.iter().map(|word| (*word).to_owned()).collect();
            step
        };
        let job = BatchJob {
            name: "cliptune-scores".to_owned(),
            form: Form::Sequence,
            steps: vec![with(&["false"]), with(&["echo", "it's done"])],
            resources: Resources::default(),
            after: After::End(vec![JobRef::New(1), JobRef::Known(7)]),
        };
        assert_eq!(job.options(&id), ["--parsable", "--dependency=afterany:${job1}:7"]);
        let output = Command::new("bash").arg("-c").arg(job.script("/")).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "it's done\n");
        assert_eq!(output.status.code(), Some(1), "the job says that something failed");
    }
}
