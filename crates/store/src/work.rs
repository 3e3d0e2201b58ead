//! Work that only one process does at a time: making a dataset, and everything that is done for a run.
//!
//! Whoever works holds a lock on a file that says who they are. The lock goes with the process, however that ends, so a
//! claim is never left behind by one that was killed. The file is removed with the claim.

use std::fs::TryLockError;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use cliptune_experiment::{DataPlan, Plan, spelled};
use cliptune_terminal::Printer;
use fs_err as fs;
use fs_err::File;
use serde_json::json;

use crate::error::StoreError;
use crate::lock::open_lock;
use crate::store::Store;
use crate::worker::Worker;

/// The folder of the files. Readers of the store skip names with a leading dot.
pub(crate) const FOLDER: &str = ".work";
/// The time between two attempts of a process that waits.
const PAUSE: Duration = Duration::from_millis(100);

/// Something that only one process does at a time.
#[derive(Debug)]
pub struct Work {
    /// The name of its file.
    file: String,
    /// A description for messages.
    what: String,
}

impl Work {
    /// Returns the work of making the dataset of a plan, for an experiment.
    pub fn dataset(plan: &DataPlan, experiment: &str) -> Self {
        Self { file: file_name("dataset", &json!(plan)), what: format!("the dataset of {experiment}") }
    }

    /// Returns the work of training, exporting and scoring the run of a plan that has this key.
    pub fn run(plan: &Plan, key: &str) -> Self {
        let identity = json!([plan.experiment, key]);
        Self { file: file_name("run", &identity), what: run_label(plan) }
    }
}

/// Returns what people call the run of a plan: its experiment, the settings that vary, and its seed.
pub fn run_label(plan: &Plan) -> String {
    let settings: String =
        plan.named_axes().map(|(name, value)| format!(" {name}={}", spelled(value))).collect();
    format!("{}{settings} s{}", plan.experiment, plan.seed)
}

fn file_name(kind: &str, identity: &serde_json::Value) -> String {
    format!("{kind}-{}", &blake3::hash(identity.to_string().as_bytes()).to_hex()[..32])
}

/// What a process does when another one is at the same work.
#[derive(Debug)]
pub struct Patience<'a> {
    /// Whether it waits for the other one. Otherwise, it says who that is.
    pub wait: bool,
    /// The flag that ends the wait.
    pub interrupted: &'a AtomicBool,
    /// Where it says what it waits for.
    pub printer: &'a Printer,
}

/// Keeps other processes from the same work for as long as it lives.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    _file: File,
    /// The store's folder, if it was made for the claim.
    made: Option<PathBuf>,
}

impl Drop for Claim {
    /// Leaves no trace where nothing was made. The file goes before its lock, so that whoever opened it meanwhile can
    /// see that it is not the file of that name any more.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        // A folder that holds anything cannot be removed like this, and is to stay.
        let _ = self.path.parent().map(fs::remove_dir);
        let _ = self.made.as_ref().map(fs::remove_dir);
    }
}

/// The result of an attempt.
enum Attempt {
    /// The work is this process's, with what a process left that did not end by itself.
    Mine(Claim, Option<Worker>),
    Taken(Worker),
}

impl Store {
    /// Claims some work. Returns `None` when the wait for another process was interrupted.
    ///
    /// # Errors
    ///
    /// Returns an error that names the other process when there is one and nobody waits for it, and when the store cannot
    /// be written.
    pub fn claim(&self, work: &Work, patience: &Patience<'_>) -> Result<Option<Claim>, StoreError> {
        let mut told = false;
        loop {
            match self.attempt(work)? {
                Attempt::Mine(claim, left) => {
                    left.iter().for_each(|worker| warn_of_another_host(work, worker, patience.printer));
                    return Ok(Some(claim));
                }
                Attempt::Taken(worker) if !patience.wait => {
                    return Err(StoreError::Busy { what: work.what.clone(), worker });
                }
                Attempt::Taken(worker) if !told => {
                    patience.printer.notice(&format!("{}: waiting for {worker}", work.what));
                    told = true;
                }
                Attempt::Taken(_) if patience.interrupted.load(Ordering::Relaxed) => return Ok(None),
                Attempt::Taken(_) => thread::sleep(PAUSE),
            }
        }
    }

    fn attempt(&self, work: &Work) -> Result<Attempt, StoreError> {
        let path = self.root().join(FOLDER).join(&work.file);
        let made = (!self.root().exists()).then(|| self.root().to_path_buf());
        loop {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            let mut file = match open_lock(&path) {
                // Somebody has removed the empty folder in the meantime.
                Err(StoreError::Io(error)) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other?,
            };
            match file.file().try_lock() {
                Ok(()) if !has_name(&file, &path) => {}
                Ok(()) => {
                    let left = Worker::read(&path);
                    // A note that cannot be written, as on a full disk, is missed only by a message.
                    let _ = file.set_len(0).and_then(|()| file.write_all(&Worker::this().note()));
                    return Ok(Attempt::Mine(Claim { path, _file: file, made }, left));
                }
                Err(TryLockError::WouldBlock) => {
                    return Ok(Attempt::Taken(Worker::read(&path).unwrap_or_else(Worker::unknown)));
                }
                Err(TryLockError::Error(error)) => return Err(named(&path, &error).into()),
            }
        }
    }
}

/// Checks whether an open file is the one that has its name now.
pub(crate) fn has_name(file: &File, path: &Path) -> bool {
    let is_same = |open: std::fs::Metadata, there: std::fs::Metadata| {
        (open.dev(), open.ino()) == (there.dev(), there.ino())
    };
    file.metadata().is_ok_and(|open| fs::metadata(path).is_ok_and(|there| is_same(open, there)))
}

/// Says what is known where the locks of a shared file system may not reach another host.
fn warn_of_another_host(work: &Work, left: &Worker, printer: &Printer) {
    if left.is_elsewhere() {
        printer.warn(&format!(
            "{}: {left} has not said that it ended. By the locks of this file system it has; where they do not reach \
             other hosts, it may still be at work",
            work.what
        ));
    }
}

/// Adds the path to an error, which fs-err's file does not do for locks.
fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot lock {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(name: &str) -> Work {
        Work { file: file_name("run", &json!(name)), what: name.to_owned() }
    }

    fn claim(store: &Store, name: &str, wait: bool, interrupted: bool) -> Result<Option<Claim>, StoreError> {
        let (interrupted, printer) = (AtomicBool::new(interrupted), Printer::new(true, false));
        store.claim(&work(name), &Patience { wait, interrupted: &interrupted, printer: &printer })
    }

    #[test]
    fn work_is_claimed_by_one_and_the_next_learns_by_whom() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("store");
        let store = Store::open(&root).unwrap();
        let held = claim(&store, "tuned s0", false, false).unwrap().unwrap();
        let other = claim(&store, "tuned s1", false, false).unwrap();
        assert!(other.is_some(), "other work is free");
        let error = claim(&store, "tuned s0", false, false).unwrap_err();
        assert!(matches!(error, StoreError::Busy { .. }));
        let told = error.to_string();
        assert!(
            told.contains(&format!("process {}", std::process::id())) && told.ends_with("tuned s0"),
            "{told}"
        );
        assert!(claim(&store, "tuned s0", true, true).unwrap().is_none(), "a wait can be interrupted");
        drop(other);
        drop(held);
        drop(claim(&store, "tuned s0", true, false).unwrap().unwrap());
        assert!(!root.exists(), "nothing is left where nothing was made");
    }

    #[test]
    fn what_a_killed_process_left_holds_up_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let path = folder.path().join(FOLDER).join(&work("tuned").file);
        for left in ["", "garbage", r#"{"program":"cliptune-train","host":"far","pid":7,"since":"2026"}"#] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, left).unwrap();
            assert!(claim(&store, "tuned", false, false).unwrap().is_some(), "{left}");
            assert!(!path.exists());
        }
    }

    #[test]
    fn many_that_wait_come_one_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let (inside, passed) = (AtomicBool::new(false), std::sync::atomic::AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let held = claim(&store, "tuned", true, false).unwrap().unwrap();
                    assert!(!inside.swap(true, Ordering::SeqCst), "two at once");
                    passed.fetch_add(1, Ordering::SeqCst);
                    inside.store(false, Ordering::SeqCst);
                    drop(held);
                });
            }
        });
        assert_eq!(passed.load(Ordering::SeqCst), 8);
    }
}
