//! `cliptune run --slurm` on a Slurm of one machine, which the test starts and ends.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use fs_err as fs;
use serde_json::Value;

use crate::support::{Output, TestContext, checkout, output, program, wait_for};

/// The variable that leaves the test out.
const WITHOUT: &str = "CLIPTUNE_TEST_WITHOUT_SLURM";

/// A Slurm in a folder of the context.
struct Slurm {
    context: TestContext,
    folder: PathBuf,
}

impl Slurm {
    /// Starts it, unless the test is to be left out.
    fn start() -> Option<Self> {
        if std::env::var_os(WITHOUT).is_some() {
            let _ = writeln!(std::io::stderr(), "left out, because {WITHOUT} is set: a real Slurm");
            return None;
        }
        let context = TestContext::new();
        let resources = "resources: { cpus: 1, memory: 1GiB, time: 20min, partition: main }";
        context.replace("experiments/base.yaml", "seeds: [0]", &format!("seeds: [0]\n{resources}"));
        let folder = context.path("slurm-here");
        let slurm = Self { context, folder };
        let started = slurm.script("start");
        assert_eq!(started.code, Some(0), "{started}\n{WITHOUT}=1 leaves this test out");
        Some(slurm)
    }

    fn script(&self, what: &str) -> Output {
        output(Command::new(checkout().join("scripts/slurm-here")).arg(what).arg(&self.folder))
    }

    /// Runs a command of Slurm's, whether or not it does what it is asked for.
    fn command(&self, line: &str) -> Output {
        let mut words = line.split_whitespace();
        let mut command = Command::new(words.next().unwrap());
        output(command.args(words).env("SLURM_CONF", self.folder.join("slurm.conf")))
    }

    fn cliptune(&self, arguments: &str) -> Output {
        let mut command = self.context.command("cliptune");
        command.args(arguments.split_whitespace()).env("SLURM_CONF", self.folder.join("slurm.conf"));
        output(&mut command)
    }

    /// The jobs that are submitted now.
    fn submit(&self, arguments: &str) -> Vec<Value> {
        let document = self.cliptune(&format!("run {arguments} --slurm --json")).succeeded().json();
        document["submitted"].as_array().unwrap().clone()
    }

    /// The state of the job of the only run of an experiment, with its name.
    fn job(&self, arguments: &str) -> Option<(String, String)> {
        let status = self.cliptune(&format!("status {arguments} --json")).succeeded().json();
        let job = &status[0]["job"];
        Some((job["id"].as_str()?.to_owned(), job["state"].as_str()?.to_owned()))
    }

    /// How often the only run of the base went on from a checkpoint, once it has begun.
    fn resumed(&self) -> Option<usize> {
        let run = self.context.runs("base").pop()?;
        let events = fs::read_to_string(run.join("events.jsonl")).ok()?;
        Some(events.matches("\"resumed\"").count())
    }

    /// Waits until the run has gone on so often and is trained again, and returns the name of its job.
    fn wait_for_training(&self, arguments: &str, resumed: usize) -> String {
        wait_for("training", || {
            let (job, state) = self.job(arguments)?;
            let steps = |run: PathBuf| fs::read_to_string(run.join("events.jsonl")).ok();
            let events = self.context.runs("base").pop().and_then(steps)?;
            let is_at_work = events.lines().count() > 20 && self.resumed() == Some(resumed);
            (state == "running" && is_at_work).then_some(job)
        })
    }

    /// Says what Slurm and the jobs wrote, for whoever has to find out why it did not work.
    fn told(&self) -> String {
        let logs = fs::read_dir(self.context.path("runs/.slurm/logs")).into_iter().flatten().flatten();
        let texts = logs.map(|log| fs::read_to_string(log.path()).unwrap_or_default());
        let queue = self.command("squeue --states=all --array --format=%i|%j|%T|%r").stdout;
        texts.chain([queue]).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr(), "{}", self.told());
        }
        self.command("scancel --user=root");
        // What is cancelled saves before it ends.
        let is_empty = |_: &usize| self.command("squeue --noheader").stdout.trim().is_empty();
        let _ = (0..1000).find(is_empty);
        self.script("stop");
    }
}

/// Two tasks of `srun` train one run, in a store of their own.
fn assert_tasks_train_together(slurm: &Slurm) {
    let context = &slurm.context;
    context.cliptune("ingest experiments/base.yaml --store together").succeeded();
    let mut srun = Command::new("srun");
    srun.args(["--ntasks=2", "--time=10"]).arg(program("cliptune-train"));
    srun.args(["experiments/base.yaml", "--store", "together"]).current_dir(context.path(""));
    srun.env("SLURM_CONF", slurm.folder.join("slurm.conf")).env("OMP_NUM_THREADS", "1");
    let said = output(&mut srun).succeeded();
    let runs: Vec<PathBuf> =
        fs::read_dir(context.path("together/base")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(runs.len(), 1, "{said}");
    let record: Value = serde_json::from_slice(&fs::read(runs[0].join("run.json")).unwrap()).unwrap();
    assert_eq!(
        (&record["provenance"]["processes"], &record["end"]["outcome"]["kind"]),
        (&2.into(), &"done".into())
    );
}

#[test]
fn slurm_makes_what_run_makes_and_scancel_and_requeue_lose_nothing() {
    let Some(slurm) = Slurm::start() else { return };
    assert_tasks_train_together(&slurm);
    let submitted = slurm.submit("experiments");
    let names: Vec<&str> = submitted.iter().map(|job| job["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["cliptune-datasets", "cliptune-base", "cliptune-tuned", "cliptune-scores"]);
    wait_for("fresh runs", || {
        (slurm.cliptune("status experiments --exit-code").code == Some(0)).then_some(())
    });
    wait_for("report", || slurm.context.path("runs/reports").is_dir().then_some(()));
    assert_eq!(slurm.context.statuses("tuned"), ["done", "done"]);
    wait_for("empty queue", || {
        slurm.command("squeue --noheader").succeeded().stdout.trim().is_empty().then_some(())
    });
    assert!(slurm.submit("experiments").is_empty(), "nothing is left to do");

    // Long enough to be stopped, however fast the machine is.
    let long = "experiments/base.yaml --set train.epochs=20000";
    slurm.context.cliptune("rm base --force").succeeded();
    let jobs = slurm.submit(long);
    assert_eq!(jobs.len(), 2, "the dataset is there: {jobs:?}");
    let job = slurm.wait_for_training(long, 0);
    slurm.command(&format!("scancel {job}")).succeeded();
    wait_for("checkpoint", || (slurm.context.statuses("base") == ["interrupted"]).then_some(()));
    wait_for("end of the job", || slurm.job(long).filter(|(_, state)| state == "cancelled"));

    assert_eq!(slurm.submit(long).len(), 2);
    let job = slurm.wait_for_training(long, 1);
    slurm.command(&format!("scontrol requeue {job}")).succeeded();
    wait_for("second checkpoint", || (slurm.context.statuses("base") == ["interrupted"]).then_some(()));
    // Slurm lets a job that was requeued wait for two minutes from when it has ended, which is after its run has. Until then the
    // job counts as running, and whatever is asked for is forgotten.
    wait_for("second beginning", || {
        slurm.command(&format!("scontrol update JobId={job} StartTime=now"));
        (slurm.resumed() == Some(2)).then_some(())
    });
    assert_eq!(slurm.wait_for_training(long, 2), job);
    assert_eq!(slurm.context.runs("base").len(), 1, "all of it is one run");
    assert!(slurm.submit(long).is_empty(), "what is running is not submitted again");
}
