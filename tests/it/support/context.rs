//! A place to try things in.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cliptune_demo_data::{ContestOptions, draw_contest};
use fs_err as fs;

use super::experiments::{BASE, TUNED};
use super::output::Output;
use super::programs::program;

/// The contest of every test: as small as one can be.
const CARTOONS: usize = 60;
/// Nothing in these tests takes so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// A folder with a contest, two experiments and room for a store.
pub(crate) struct TestContext {
    root: PathBuf,
    /// Removed at the end.
    _folder: Option<tempfile::TempDir>,
}

impl TestContext {
    /// With `contest/`, `experiments/base.yaml` and `experiments/tuned.yaml`.
    pub(crate) fn new() -> Self {
        let context = Self::empty();
        context.furnish();
        context
    }

    /// With nothing.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let root = fs::canonicalize(folder.path()).expect("it is there");
        Self { root, _folder: Some(folder) }
    }

    /// At a place that outlives the process; what was there is removed.
    pub(crate) fn at(root: &Path) -> Self {
        let _ = fs::remove_dir_all(root);
        fs::create_dir_all(root).expect("there is room for a folder");
        let context = Self { root: root.to_path_buf(), _folder: None };
        context.furnish();
        context
    }

    fn furnish(&self) {
        let options = ContestOptions { cartoons: CARTOONS, seed: 0 };
        draw_contest(&self.path("contest"), &options, &|_, _| {}).expect("the contest can be drawn");
        self.write("experiments/base.yaml", BASE);
        self.write("experiments/tuned.yaml", TUNED);
    }

    /// A path in the folder.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// The folder of the only report of a name, whatever settings it has.
    pub(crate) fn report(&self, name: &str) -> PathBuf {
        let folders = fs::read_dir(self.path("runs/reports")).unwrap().map(|entry| entry.unwrap().path());
        let is_meant = |folder: &PathBuf| {
            let own = folder.file_name().unwrap().to_str().unwrap();
            own == name || own.strip_prefix(name).is_some_and(|rest| rest.starts_with('-') && rest.len() == 7)
        };
        let found: Vec<PathBuf> = folders.filter(is_meant).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    }

    /// Writes a file with all its folders.
    pub(crate) fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("it is below the folder")).expect("folders can be made");
        fs::write(path, text).expect("files can be written");
    }

    /// Replaces a piece of a file, which must be there.
    pub(crate) fn replace(&self, below: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(below)).expect("the file is there");
        assert!(text.contains(from), "{below} has no {from:?}");
        self.write(below, &text.replace(from, to));
    }

    /// A program with a fixed environment, started in the folder.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program(name));
        self.prepare(&mut command);
        command
    }

    fn prepare(&self, command: &mut Command) {
        command.current_dir(&self.root).env("COLUMNS", "100").env("NO_COLOR", "1").env("TZ", "UTC");
        command.env_remove("CLIPTUNE_STORE").env_remove("RUST_BACKTRACE").stdin(Stdio::null());
    }

    /// Runs `cliptune` to its end; the arguments are split at spaces.
    pub(crate) fn cliptune(&self, arguments: &str) -> Output {
        output(self.command("cliptune").args(arguments.split_whitespace()))
    }

    /// Starts a program as the leader of a process group, as a shell does. A hangup ends it, whatever runs the tests.
    pub(crate) fn start(&self, name: &str, arguments: &str) -> Child {
        self.start_under("--default-signal=HUP", name, arguments)
    }

    /// Starts a program as `nohup` does.
    pub(crate) fn start_ignoring_hangup(&self, name: &str, arguments: &str) -> Child {
        self.start_under("--ignore-signal=HUP", name, arguments)
    }

    fn start_under(&self, hangup: &str, name: &str, arguments: &str) -> Child {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new("env");
        self.prepare(&mut command);
        command.arg(hangup).arg(program(name)).args(arguments.split_whitespace()).process_group(0);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the program starts")
    }

    /// The folders of an experiment's runs, oldest first.
    pub(crate) fn runs(&self, experiment: &str) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.path("runs").join(experiment)) else { return Vec::new() };
        let folders = entries.map(|entry| entry.expect("it can be listed").path());
        let is_run =
            |path: &PathBuf| !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let mut runs: Vec<PathBuf> = folders.filter(is_run).collect();
        runs.sort();
        runs
    }

    /// The only run of an experiment.
    pub(crate) fn only_run(&self, experiment: &str) -> PathBuf {
        let runs = self.runs(experiment);
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs[0].clone()
    }

    /// What `cliptune ls` says the status of an experiment's runs is.
    pub(crate) fn statuses(&self, experiment: &str) -> Vec<String> {
        let listed = self.cliptune("ls --json").succeeded().json();
        let runs = listed.as_array().expect("a list").iter();
        let own = runs.filter(|run| run["experiment"] == experiment);
        own.map(|run| run["status"].as_str().expect("a word").to_owned()).collect()
    }

    /// All files below a path, with their times, sorted.
    pub(crate) fn files(&self, below: &str) -> Vec<(String, std::time::SystemTime)> {
        let mut files = Vec::new();
        let mut folders = vec![self.path(below)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("it is there") {
                let entry = entry.expect("it can be listed");
                let kind = entry.file_type().expect("it has a type");
                if kind.is_dir() {
                    folders.push(entry.path());
                } else {
                    let time = entry.metadata().and_then(|about| about.modified()).expect("it has a time");
                    files.push((self.below(&entry.path()), time));
                }
            }
        }
        files.sort();
        files
    }

    fn below(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).expect("it is below the folder").display().to_string()
    }

    /// What makes a snapshot the same on every machine and every day: the folder, the names of runs, hashes, times.
    pub(crate) fn settings(&self) -> insta::Settings {
        let mut settings = insta::Settings::clone_current();
        settings.add_filter(&format!("{}/?", self.root.display()), "[DIR]/");
        settings.add_filter(r"\d{8}T\d{6}Z-[0-9a-f]{6}-s(\d+)", "[RUN]-s$1");
        settings.add_filter(r"\b[0-9a-f]{12,64}\b", "[HASH]");
        settings.add_filter(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d\.\d+Z)?", "[WHEN]");
        settings.add_filter(r"\b\d+(\.\d)? (ms|s|min \d+ s)\b", "[TIME]");
        settings.add_filter(r"\b\d+(\.\d)? (KiB|MiB|GiB)\b", "[SIZE]");
        // Some libraries end their lines with spaces; most editors remove them.
        settings.add_filter(r"(?m)[ \t]+$", "");
        settings.set_omit_expression(true);
        settings.set_prepend_module_to_snapshot(false);
        settings
    }
}

/// Runs a command to its end.
pub(crate) fn output(command: &mut Command) -> Output {
    command.output().expect("the program starts").into()
}

/// Looks until it sees something; a test that hopes for a fixed time fails on a slow day.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begun.elapsed() < PATIENCE, "no {what} within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
