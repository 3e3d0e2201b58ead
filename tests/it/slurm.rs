//! `cliptune run --slurm` with commands that stand in for Slurm's: they keep what they are given, and the test says what becomes of it.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use fs_err as fs;
use serde_json::Value;

use crate::support::{Output, TestContext, output};

/// Keeps a script with its options and answers with the next number, from 101 on. Its tasks wait from then on.
const SBATCH: &str = r#"#!/bin/sh
slurm=$(dirname "$0")/../slurm
id=$(($(cat "$slurm/last") + 1))
echo "$id" > "$slurm/last"
cat > "$slurm/$id.sh"
printf '%s\n' "$@" > "$slurm/$id.options"
last=
for option; do
  case "$option" in --array=0-*) last=${option#--array=0-}; last=${last%\%*} ;; esac
done
if [ -n "$last" ]; then
  for task in $(seq 0 "$last"); do echo "${id}_$task|PENDING"; done
else
  echo "$id|PENDING"
fi >> "$slurm/states"
[ ! -e "$slurm/refuse" ] || { echo "sbatch: error: Invalid account" >&2; exit 1; }
echo "$id"
"#;

/// Answers with the states of all jobs that are not forgotten.
const SQUEUE: &str = r#"#!/bin/sh
slurm=$(dirname "$0")/../slurm
[ -s "$slurm/states" ] || { echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1; }
cat "$slurm/states"
"#;

/// Answers as on a cluster that keeps no accounts, unless the test has some.
const SACCT: &str = r#"#!/bin/sh
slurm=$(dirname "$0")/../slurm
[ ! -e "$slurm/accounts" ] || exec cat "$slurm/accounts"
echo 'Slurm accounting storage is disabled' >&2
exit 1
"#;

/// Answers with the settings that the test has.
const SCONTROL: &str = "#!/bin/sh\ncat $(dirname $0)/../slurm/config\n";

struct Cluster {
    context: TestContext,
}

impl Cluster {
    fn new() -> Self {
        let context = TestContext::new();
        context.write("slurm/last", "100\n");
        context.write("slurm/states", "");
        context.write("slurm/config", "MaxArraySize            = 1001\n");
        let commands = [("sbatch", SBATCH), ("squeue", SQUEUE), ("sacct", SACCT), ("scontrol", SCONTROL)];
        for (name, script) in commands {
            context.write(&format!("bin/{name}"), script);
            fs::set_permissions(context.path("bin").join(name), PermissionsExt::from_mode(0o755)).unwrap();
        }
        Self { context }
    }

    /// Runs a command with the stand-ins in PATH.
    fn run(&self, mut command: Command) -> Output {
        let path = std::env::var("PATH").unwrap();
        output(command.env("PATH", format!("{}:{path}", self.context.path("bin").display())))
    }

    fn cliptune(&self, arguments: &str) -> Output {
        let mut command = self.context.command("cliptune");
        command.args(arguments.split_whitespace());
        self.run(command)
    }

    /// The steps of the jobs that are submitted now, by the number of the job.
    fn submit(&self, arguments: &str) -> Vec<(u64, Vec<String>)> {
        let document =
            self.cliptune(&format!("run experiments --slurm --json {arguments}")).succeeded().json();
        let jobs = document["submitted"].as_array().unwrap().iter();
        jobs.map(|job| (job["job"].as_u64().unwrap(), texts(&job["steps"]))).collect()
    }

    fn options(&self, job: u64) -> Vec<String> {
        let kept = fs::read_to_string(self.context.path(&format!("slurm/{job}.options"))).unwrap();
        kept.lines().map(str::to_owned).collect()
    }

    /// Does what a job is for, and says so; a task is `102_0`.
    fn work(&self, job: &str) {
        let (id, task) = job.split_once('_').unwrap_or((job, ""));
        let mut bash = Command::new("bash");
        bash.arg(self.context.path(&format!("slurm/{id}.sh"))).env("SLURM_ARRAY_TASK_ID", task);
        output(bash.current_dir("/").env_remove("CLIPTUNE_STORE")).succeeded();
        self.becomes(job, "COMPLETED");
    }

    fn becomes(&self, job: &str, state: &str) {
        let states = self.context.path("slurm/states");
        let line = |line: &str| match line.split_once('|') {
            Some((name, _)) if name == job => format!("{job}|{state}\n"),
            _ => format!("{line}\n"),
        };
        let changed: String = fs::read_to_string(&states).unwrap().lines().map(line).collect();
        assert!(changed.contains(&format!("{job}|{state}\n")), "there is no job {job}");
        fs::write(states, changed).unwrap();
    }

    /// Says nothing more about a job in the queue, as minutes after its end.
    fn forgets(&self, job: &str) {
        let states = self.context.path("slurm/states");
        let kept = fs::read_to_string(&states).unwrap();
        let others = kept.lines().filter(|line| line.split('|').next() != Some(job));
        fs::write(states, others.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    }

    /// What `status` says about the job of each run of `tuned`.
    fn jobs_of_tuned(&self) -> Vec<String> {
        let status = self.cliptune("status experiments --json").succeeded().json();
        let own = status.as_array().unwrap().iter().filter(|line| line["experiment"] == "tuned");
        let shown = |job: &Value| match job {
            Value::Null => "none".to_owned(),
            job => format!("{} {}", job["id"].as_str().unwrap(), job["state"].as_str().unwrap()),
        };
        own.map(|line| shown(&line["job"])).collect()
    }

    fn records(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.context.path("runs/.slurm")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect()
    }
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_chain_is_submitted_once_and_what_failed_is_submitted_again() {
    let cluster = Cluster::new();
    let chain = cluster.submit("-- --account=mine");
    let steps: Vec<(u64, String)> = chain.into_iter().map(|(job, steps)| (job, steps.join(" "))).collect();
    assert_eq!(
        steps,
        [
            (101, "ingest:base ingest:tuned".to_owned()),
            (102, "train:base/0".to_owned()),
            (103, "train:tuned/0 train:tuned/1".to_owned()),
            (104, "score:base/0 score:tuned/0 score:tuned/1 report".to_owned()),
        ]
    );
    let options = cluster.options(103);
    let logs = cluster.context.path("runs/.slurm/logs");
    assert_eq!(options[0], format!("--output={}/cliptune-tuned-%A_%a.log", logs.display()));
    let chained = ["--array=0-1", "--dependency=afterok:101_1:102_0", "--kill-on-invalid-dep=yes"];
    assert_eq!(options[1..3], ["--account=mine", "--parsable"], "what the chain depends on comes last");
    assert_eq!(options[3..], chained);
    assert!(logs.is_dir(), "Slurm makes no folder");
    assert_eq!(cluster.options(104).last().unwrap(), "--dependency=afterany:101:102:103");
    assert_eq!(cluster.records().len(), 4);

    assert_eq!(cluster.jobs_of_tuned(), ["103_0 queued", "103_1 queued"]);
    assert!(cluster.submit("").is_empty(), "everything is queued");

    for job in ["101_0", "101_1", "102_0", "103_0"] {
        cluster.work(job);
    }
    cluster.becomes("103_1", "OUT_OF_MEMORY");
    assert_eq!(cluster.jobs_of_tuned(), ["104 queued", "103_1 out of memory"]);
    let table = cluster.cliptune("status experiments").succeeded().stdout;
    assert!(table.contains("103_1 out of memory"), "{table}");

    // The scores wait for the one that is submitted again, and for those that are queued.
    let again = cluster.submit("");
    assert_eq!(again[0], (105, vec!["train:tuned/1".to_owned()]));
    assert_eq!(again[1].0, 106);
    assert_eq!(again.len(), 2);
    assert!(
        !cluster.options(105).iter().any(|option| option.starts_with("--dependency")),
        "all bases are there"
    );
    assert_eq!(cluster.options(106).last().unwrap(), "--dependency=afterany:105:104");
    cluster.becomes("105_0", "RUNNING");
    assert_eq!(cluster.jobs_of_tuned(), ["106 queued", "105_0 running"]);
    for job in ["105_0", "106"] {
        cluster.work(job);
    }
    cluster.cliptune("status experiments --exit-code").succeeded();
    assert!(cluster.submit("").is_empty(), "everything is fresh");
    assert_eq!(cluster.context.runs("tuned").len(), 2, "nothing was made twice");
}

#[test]
fn a_run_that_cannot_be_made_fails_alone() {
    let cluster = Cluster::new();
    cluster.submit("");
    for job in ["101_0", "101_1", "102_0", "103_1"] {
        cluster.work(job);
    }
    cluster.becomes("103_0", "NODE_FAIL");
    let mut bash = Command::new("bash");
    bash.arg(cluster.context.path("slurm/104.sh"));
    let scores = output(&mut bash);
    assert_eq!(scores.code, Some(1), "a run could not be scored: {scores}");
    let status = cluster.cliptune("status experiments --json").succeeded().json();
    let scored: Vec<&str> =
        status.as_array().unwrap().iter().map(|line| line["scores"].as_str().unwrap()).collect();
    assert_eq!(scored, ["fresh", "stale", "fresh"], "the others are scored");
    assert!(cluster.context.path("runs/reports").is_dir(), "and reported");
}

#[test]
fn a_dry_run_is_a_script_that_submits_the_same() {
    let (dry, real) = (Cluster::new(), Cluster::new());
    let arguments = "run experiments --slurm --set resources.cpus=1 --set resources.time=90min";
    let shown = dry.cliptune(&format!("{arguments} --dry-run -- --qos=a;b")).succeeded().stdout;
    assert!(!dry.context.path("runs/.slurm").exists() && !dry.context.path("slurm/101.sh").exists());
    let mut bash = Command::new("bash");
    bash.arg("-euc").arg(&shown);
    dry.run(bash).succeeded();
    real.cliptune(&format!("{arguments} -- --qos=a;b")).succeeded();
    let kept = |cluster: &Cluster, name: &str| {
        let text = fs::read_to_string(cluster.context.path("slurm").join(name)).unwrap();
        text.replace(cluster.context.path("").display().to_string().trim_end_matches('/'), "[DIR]")
    };
    for job in 101..=104 {
        for kind in ["sh", "options"] {
            let name = format!("{job}.{kind}");
            assert_eq!(kept(&dry, &name), kept(&real, &name), "{name}");
        }
    }
    let script = kept(&real, "103.sh");
    for directive in
        ["#SBATCH --cpus-per-task=1\n", "#SBATCH --time=0-01:30:00\n", "#SBATCH --signal=B:TERM@60\n"]
    {
        assert!(script.contains(directive), "{script}");
    }
    assert!(script.contains(" 'OMP_NUM_THREADS=1' "), "{script}");
}

#[test]
fn jobs_that_slurm_has_forgotten_hide_nothing() {
    let cluster = Cluster::new();
    cluster.submit("");
    fs::write(cluster.context.path("slurm/states"), "").unwrap();
    assert_eq!(cluster.jobs_of_tuned(), ["none", "none"]);
    assert_eq!(cluster.submit("").len(), 4, "what nobody is at is submitted");
}

#[test]
fn a_task_that_ended_long_ago_is_known_by_the_accounts_while_others_of_its_array_are_at_work() {
    let cluster = Cluster::new();
    cluster.submit("");
    for job in ["101_0", "101_1", "102_0"] {
        cluster.work(job);
    }
    cluster.becomes("103_0", "RUNNING");
    for job in ["103_1", "104"] {
        cluster.forgets(job);
    }
    // The accounts have missed the end of a job, which the controller does not know any more.
    cluster.context.write("slurm/accounts", "103_0|PENDING\n103_1|TIMEOUT\n104|RUNNING\n");
    assert_eq!(cluster.jobs_of_tuned(), ["103_0 running", "103_1 timeout"]);
    let again = cluster.submit("");
    let steps: Vec<&[String]> = again.iter().map(|(_, steps)| steps.as_slice()).collect();
    assert_eq!(steps[0], ["train:tuned/1"]);
    assert_eq!(steps.len(), 2, "the scores are submitted again, too");
    assert_eq!(cluster.options(106).last().unwrap(), "--dependency=afterany:105:103");
}

#[test]
fn arrays_are_as_long_as_the_cluster_allows() {
    let cluster = Cluster::new();
    cluster.context.write("slurm/config", "MaxArraySize = 1\n");
    let chain = cluster.submit("");
    assert_eq!(chain.len(), 6, "{chain:?}");
    assert_eq!(cluster.options(102).last().unwrap(), "--dependency=afterany:101");
    assert!(cluster.options(105).contains(&"--dependency=afterok:102_0:103_0".to_owned()));
    assert_eq!(cluster.options(106).last().unwrap(), "--dependency=afterany:101:102:103:104:105");
}

#[test]
fn what_sbatch_reads_from_the_environment_leaves_the_chain_as_it_is() {
    let cluster = Cluster::new();
    cluster.context.write(
        "bin/sbatch",
        &SBATCH.replace(
            "slurm=$(",
            "[ -z \"$SBATCH_WAIT$SBATCH_ARRAY_INX$SBATCH_CLUSTERS\" ] || exit 1\nslurm=$(",
        ),
    );
    let mut command = cluster.context.command("cliptune");
    command.args(["run", "experiments", "--slurm"]);
    command.envs([("SBATCH_WAIT", "1"), ("SBATCH_ARRAY_INX", "0-3"), ("SBATCH_CLUSTERS", "other")]);
    cluster.run(command).succeeded();
    assert_eq!(cluster.records().len(), 4);
}

#[test]
fn a_chain_that_slurm_stops_taking_is_continued_by_the_same_command() {
    let cluster = Cluster::new();
    // As a limit on the jobs of a person does, after two of them.
    let full = "[ \"$id\" -le 102 ] || [ -e \"$slurm/room\" ] || { echo 'QOSMaxSubmitJobPerUserLimit' >&2; exit 1; }\n";
    cluster.context.write("bin/sbatch", &SBATCH.replace("echo \"$id\" >", &format!("{full}echo \"$id\" >")));
    let stopped = cluster.cliptune("run experiments --slurm").ended(1);
    assert!(stopped.stderr.contains("sbatch failed: QOSMaxSubmitJobPerUserLimit"), "{stopped}");
    assert!(stopped.stderr.contains("what was submitted already is not submitted again"), "{stopped}");
    assert_eq!(cluster.records().len(), 2);
    cluster.context.write("slurm/room", "");
    let rest = cluster.submit("");
    assert_eq!(rest.iter().map(|(job, _)| *job).collect::<Vec<_>>(), [103, 104]);
    assert!(cluster.options(103).contains(&"--dependency=afterok:101_1:102_0".to_owned()));
}

#[test]
fn options_with_which_there_would_be_no_chain_are_refused_before_anything_is_submitted() {
    let cluster = Cluster::new();
    for option in ["--wait", "-W", "--array=0-3", "--clusters=other", "--wrap=true", "--test-only"] {
        let refused = cluster.cliptune(&format!("run experiments --slurm -- {option}")).ended(2);
        assert!(refused.stderr.contains(option), "{refused}");
    }
    assert!(!cluster.context.path("slurm/101.sh").exists());
}

#[test]
fn what_slurm_refuses_or_lacks_is_told() {
    let cluster = Cluster::new();
    cluster.context.write("slurm/refuse", "");
    let refused = cluster.cliptune("run experiments --slurm").ended(1);
    assert!(refused.stderr.contains("sbatch failed: sbatch: error: Invalid account"), "{refused}");
    assert!(cluster.records().is_empty(), "nothing was submitted");

    fs::remove_file(cluster.context.path("slurm/refuse")).unwrap();
    cluster.submit("");
    let mut command = cluster.context.command("cliptune");
    command.args(["status", "experiments"]).env("PATH", cluster.context.path("nowhere"));
    let status = output(&mut command).succeeded();
    assert!(status.stderr.contains("is not known: there is no squeue in PATH"), "{status}");
    let alone = TestContext::new();
    let mut command = alone.command("cliptune");
    command.args(["run", "experiments", "--slurm"]).env("PATH", alone.path("nowhere"));
    let missing = output(&mut command).ended(1);
    assert!(missing.stderr.contains("there is no sbatch in PATH"), "{missing}");
    for wrong in
        ["run experiments --dry-run", "run experiments --slurm --jobs 2", "run experiments -- --qos=x"]
    {
        cluster.cliptune(wrong).ended(2);
    }
}
