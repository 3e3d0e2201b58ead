//! Work that only one process does at a time: making a dataset, and everything that is done for a run.
//!
//! Whoever works holds a [claim](crate::lease) that says who they are. One that was left behind by a process that was killed is
//! taken over: at once where the kernel says so, otherwise when it has not been renewed for a while.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cliptune_experiment::{DataPlan, Plan, spelled};
use cliptune_terminal::Printer;
use fs_err as fs;
use fs_err::File;
use serde_json::json;

use crate::error::StoreError;
use crate::lease::{self, Evidence, Lease, Left, Life, Observer, is_full};
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
    what: String,
    /// `None` where the disk is full: whoever has a claim then can write nothing else either.
    lease: Option<Lease>,
    /// The store's folder, if it was made for the claim.
    made: Option<PathBuf>,
}

impl Claim {
    /// Makes sure that nobody has taken the work over, as happens to a process that stood still for minutes while another host
    /// looked.
    ///
    /// # Errors
    ///
    /// Returns an error that names the process that has.
    pub fn require(&self) -> Result<(), StoreError> {
        let taken = |worker| StoreError::TakenOver { what: self.what.clone(), worker };
        self.lease.as_ref().map_or(Ok(()), Lease::is_mine).map_err(taken)
    }
}

impl Drop for Claim {
    /// Leaves no trace where nothing was made.
    fn drop(&mut self) {
        drop(self.lease.take());
        // A folder that holds anything cannot be removed like this, and is to stay.
        let _ = self.path.parent().map(fs::remove_dir);
        let _ = self.made.as_ref().map(fs::remove_dir);
    }
}

/// The result of an attempt.
enum Attempt {
    /// The work is this process's, with what a process left that did not end by itself.
    Mine(Claim, Option<Left>),
    Taken(Worker, Life),
}

impl Store {
    /// Claims some work. Returns `None` when the wait for another process was interrupted.
    ///
    /// A process of another host has a while to show that it lives, whether or not somebody waits for it.
    ///
    /// # Errors
    ///
    /// Returns an error that names the other process when there is one and nobody waits for it, and when the store cannot
    /// be written.
    pub fn claim(&self, work: &Work, patience: &Patience<'_>) -> Result<Option<Claim>, StoreError> {
        self.claim_as(work, patience, &Observer::this())
    }

    fn claim_as(
        &self,
        work: &Work,
        patience: &Patience<'_>,
        observer: &Arc<Observer>,
    ) -> Result<Option<Claim>, StoreError> {
        let mut told = false;
        loop {
            let (worker, life) = match self.attempt(work, observer)? {
                Attempt::Mine(claim, left) => {
                    left.iter().for_each(|left| warn_of_silence(work, left, patience.printer));
                    return Ok(Some(claim));
                }
                Attempt::Taken(worker, life) => (worker, life),
            };
            if !patience.wait && life == Life::Alive {
                return Err(StoreError::Busy { what: work.what.clone(), worker });
            }
            if !told {
                patience.printer.notice(&wait_text(&work.what, &worker, patience.wait));
                told = true;
            } else if patience.interrupted.load(Ordering::Relaxed) {
                return Ok(None);
            } else {
                observer.pause(PAUSE);
            }
        }
    }

    fn attempt(&self, work: &Work, observer: &Arc<Observer>) -> Result<Attempt, StoreError> {
        let path = self.root().join(FOLDER).join(&work.file);
        let made = (!self.root().exists()).then(|| self.root().to_path_buf());
        loop {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            let (lease, left) = match lease::attempt(&path, observer) {
                // Somebody has removed the empty folder in the meantime.
                Err(StoreError::Io(error)) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) if is_full(&error) => (None, None),
                Err(error) => return Err(error),
                Ok(lease::Attempt::Taken(worker, life)) => return Ok(Attempt::Taken(worker, life)),
                Ok(lease::Attempt::Mine(lease, left)) => (Some(lease), left),
            };
            return Ok(Attempt::Mine(Claim { path, what: work.what.clone(), lease, made }, left));
        }
    }
}

/// Says what the process waits for.
fn wait_text(what: &str, worker: &Worker, waits: bool) -> String {
    match waits {
        true => format!("{what}: waiting for {worker}"),
        false => format!("{what}: looking whether {worker} is still at work, which takes up to two minutes"),
    }
}

/// Checks whether an open file is the one that has its name now.
pub(crate) fn has_name(file: &File, path: &Path) -> bool {
    let is_same = |open: std::fs::Metadata, there: std::fs::Metadata| {
        (open.dev(), open.ino()) == (there.dev(), there.ino())
    };
    file.metadata().is_ok_and(|open| fs::metadata(path).is_ok_and(|there| is_same(open, there)))
}

/// Says what is known of a process whose work is taken over, unless it has ended for certain.
fn warn_of_silence(work: &Work, left: &Left, printer: &Printer) {
    let Left { worker, evidence } = left;
    let what = &work.what;
    printer.warn(&match evidence {
        Evidence::End => return,
        Evidence::Silence => format!(
            "{what}: {worker} has given no sign of life for two minutes and counts as dead; its work is taken over. If it lives after \
             all, it stops before it writes anything more"
        ),
        Evidence::Nothing => format!(
            "{what}: {worker} has not said that it ended. By the locks of this file system it has; where they do not reach \
             other hosts, it may still be at work: it is of an earlier version, which gives no sign of life"
        ),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::simulated::Hosts;

    fn work(name: &str) -> Work {
        Work { file: file_name("run", &json!(name)), what: name.to_owned() }
    }

    fn claim(store: &Store, name: &str, wait: bool, interrupted: bool) -> Result<Option<Claim>, StoreError> {
        claim_as(store, name, wait, interrupted, &Observer::this())
    }

    fn claim_as(
        store: &Store,
        name: &str,
        wait: bool,
        interrupted: bool,
        observer: &Arc<Observer>,
    ) -> Result<Option<Claim>, StoreError> {
        let (interrupted, printer) = (AtomicBool::new(interrupted), Printer::new(true, false));
        let patience = Patience { wait, interrupted: &interrupted, printer: &printer };
        store.claim_as(&work(name), &patience, observer)
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
        let here = String::from_utf8(Worker::this().note()).unwrap();
        let hosts = Hosts::default();
        for left in [
            "",
            "garbage",
            r#"{"program":"cliptune-train","host":"far","pid":7,"since":"2026"}"#,
            here.as_str(),
        ] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, left).unwrap();
            let observer = hosts.host("near");
            assert!(claim_as(&store, "tuned", false, false, &observer).unwrap().is_some(), "{left}");
            assert!(!path.exists());
        }
    }

    #[test]
    fn another_host_that_works_is_named_and_one_that_is_silent_is_taken_over_and_learns_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let hosts = Hosts::default();
        let [far, near] = ["far", "near"].map(|name| hosts.host(name));
        let held = claim_as(&store, "tuned", false, false, &far).unwrap().unwrap();
        hosts.keeps_beating(held.lease.as_ref().unwrap());
        let error = claim_as(&store, "tuned", false, false, &near).unwrap_err().to_string();
        assert!(error.contains(" on far (process ") && error.ends_with("is at work on tuned"), "{error}");
        hosts.stop_beating();
        let taken = claim_as(&store, "tuned", false, false, &near).unwrap().unwrap();
        taken.require().unwrap();
        let error = held.require().unwrap_err();
        assert!(
            matches!(&error, StoreError::TakenOver { .. }) && error.to_string().contains("on near"),
            "{error}"
        );
        drop(held);
        taken.require().unwrap();
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
