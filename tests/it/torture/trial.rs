//! A store to be tortured, and what holds of it whatever was done.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fs_err as fs;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::support::{Output, TestContext, program};

/// No command takes so long, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(300);
/// The command whose results are compared.
pub(super) const RUN: &str = "run experiments";

/// A contest whose experiments were run without any misfortune.
pub(super) struct Reference {
    pub(super) context: TestContext,
    results: BTreeMap<String, String>,
}

impl Reference {
    pub(super) fn new() -> Self {
        let context = TestContext::new();
        context.cliptune(RUN).succeeded();
        let results = results(&context.path("runs"));
        assert_eq!(results.len(), 3 * 3, "weights and the predictions of two splits for each of three runs");
        Self { context, results }
    }

    /// Returns a store with all that the experiments make.
    pub(super) fn complete(&self) -> Trial<'_> {
        let trial = Trial { begins_empty: false, ..self.empty() };
        copy(&self.context.path("runs"), &trial.store());
        trial
    }

    /// Returns a store with nothing.
    pub(super) fn empty(&self) -> Trial<'_> {
        let folder = tempfile::tempdir_in(self.context.path("")).unwrap();
        Trial { reference: self, folder, begins_empty: true }
    }
}

/// One store of its own beside the contest.
pub(super) struct Trial<'a> {
    reference: &'a Reference,
    folder: tempfile::TempDir,
    /// Whether there was no store at first, so that there may be none yet.
    begins_empty: bool,
}

impl Trial<'_> {
    pub(super) fn store(&self) -> PathBuf {
        self.folder.path().join("runs")
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the command line of `cliptune` over this store, behind other programs if there are any.
    pub(super) fn command(&self, before: &[String], arguments: &str) -> Command {
        let own = [program("cliptune").display().to_string()];
        let mut words = before.iter().chain(&own);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).args(arguments.split_whitespace()).arg("--store").arg(self.store());
        command.current_dir(self.reference.context.path("")).env("NO_COLOR", "1");
        command.env_remove("CLIPTUNE_STORE").env_remove("RUST_BACKTRACE").stdin(Stdio::null());
        command
    }

    /// Starts a command as the leader of a process group. What it says goes to a file, since nobody reads it meanwhile.
    pub(super) fn start(&self, mut command: Command, said: &str) -> Started {
        use std::os::unix::process::CommandExt as _;
        let (stdout, stderr) = (self.path(&format!("{said}.out")), self.path(&format!("{said}.err")));
        let file = |path: &Path| fs::File::create(path).unwrap().into_parts().0;
        command.stdout(file(&stdout)).stderr(file(&stderr)).process_group(0);
        Started { child: command.spawn().unwrap(), stdout, stderr }
    }

    /// Runs `cliptune` to its end.
    pub(super) fn cliptune(&self, arguments: &str) -> Output {
        self.start(self.command(&[], arguments), "said").ended()
    }

    /// Makes sure that nothing is damaged, that every command that only looks goes on, and that no run counts as running that
    /// nobody works on. Where there was no store at first, nothing was lost without one: the misfortune came before there was one.
    pub(super) fn assert_whole(&self, after: &str) {
        if !self.store().exists() {
            assert!(self.begins_empty, "{after}: the store is gone");
            return;
        }
        let checked = self.cliptune("fsck --json");
        assert_eq!(checked.code, Some(0), "{after}: something is damaged\n{checked}");
        for run in self.listed(after) {
            let status = run["status"].as_str().unwrap();
            assert!(["done", "failed", "interrupted", "crashed"].contains(&status), "{after}: {run:#}");
        }
        assert_harmless(&self.cliptune("status experiments"), after);
    }

    /// Returns what `ls` lists.
    pub(super) fn listed(&self, after: &str) -> Vec<serde_json::Value> {
        let listed = self.cliptune("ls --json");
        assert_eq!(listed.code, Some(0), "{after}\n{listed}");
        listed.json().as_array().unwrap().clone()
    }

    /// Makes sure that the same command ends with the same results as if nothing had happened, and that nothing is left to do.
    pub(super) fn assert_comes_to_the_same(&self, after: &str) {
        let run = self.cliptune(RUN);
        assert_eq!(run.code, Some(0), "{after}\n{run}");
        let found = results(&self.store());
        assert_eq!(found, self.reference.results, "{after}: other results\n{run}");
        let again = self.cliptune(RUN);
        assert!(again.code == Some(0) && again.stderr.contains("everything is fresh"), "{after}\n{again}");
    }

    /// Makes sure that what killed processes have left goes with the next command, once it is old enough to be nobody's.
    pub(super) fn assert_swept(&self, after: &str) {
        let long_ago = std::time::SystemTime::now() - Duration::from_secs(2 * 24 * 60 * 60);
        for path in unfinished(&self.store()) {
            if let Ok(file) = fs::File::open(&path) {
                file.into_parts().0.set_modified(long_ago).unwrap();
            }
        }
        self.cliptune("fsck --repair").succeeded();
        assert_eq!(unfinished(&self.store()), Vec::<PathBuf>::new(), "{after}");
    }
}

/// Returns what has an unfinished name, however deep.
fn unfinished(folder: &Path) -> Vec<PathBuf> {
    let is_unfinished = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".unfinished-"))
    };
    entries(folder).into_iter().filter(is_unfinished).collect()
}

/// Returns everything below a folder. Links are not followed.
pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(listed) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in listed.map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(entries(&entry.path()));
        }
        found.push(entry.path());
    }
    found.sort();
    found
}

/// Returns the hashes of the weights and the predictions of all complete runs, by experiment, seed and file. Runs that were
/// made twice have to agree.
fn results(store: &Path) -> BTreeMap<String, String> {
    let mut results = BTreeMap::new();
    let wanted = [
        "onnx/model.safetensors",
        "scores/validation/predictions.parquet",
        "scores/test/predictions.parquet",
    ];
    for experiment in ["base", "tuned"] {
        let Ok(runs) = fs::read_dir(store.join(experiment)) else { continue };
        for run in runs.map(|run| run.unwrap().path()) {
            let name = run.file_name().unwrap().to_str().unwrap().to_owned();
            let seed = name.split('-').nth(2).unwrap_or_default();
            for file in wanted.iter().filter(|_| !name.starts_with('.')) {
                let Ok(bytes) = fs::read(run.join(file)) else { continue };
                let hash = blake3::hash(&bytes).to_hex().to_string();
                let before = results.insert(format!("{experiment} {seed} {file}"), hash.clone());
                assert!(
                    before.is_none_or(|before| before == hash),
                    "two runs differ in {file}: {}",
                    run.display()
                );
            }
        }
    }
    results
}

/// Copies a folder with the times of its files.
pub(super) fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

/// Makes sure that a command has ended by itself: whether or not it could do what it was for, but never with an internal
/// error, and with a reason if it failed.
pub(super) fn assert_harmless(output: &Output, after: &str) {
    assert!([Some(0), Some(1), Some(2)].contains(&output.code), "{after}\n{output}");
    let has_reason = output.stderr.contains("error:") || output.stderr.contains("warning:");
    assert!(output.code == Some(0) || has_reason, "{after}: no reason is given\n{output}");
}

/// A command that was started.
pub(super) struct Started {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Started {
    /// Kills everything that was started, as a crash of the machine does.
    pub(super) fn kill(&self) {
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
    }

    pub(super) fn is_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for the end. A command that hangs is a broken promise.
    pub(super) fn ended(mut self) -> Output {
        let begun = Instant::now();
        while !self.is_ended() {
            if begun.elapsed() > PATIENCE {
                self.kill();
                let stderr = fs::read_to_string(&self.stderr).unwrap_or_default();
                panic!("a command hangs:\n{stderr}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let text = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned().into_bytes();
        let (stdout, stderr) = (text(&self.stdout), text(&self.stderr));
        std::process::Output { status: self.child.wait().unwrap(), stdout, stderr }.into()
    }
}
