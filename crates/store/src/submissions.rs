//! What was given to Slurm: a record for each of its jobs, which says for which steps the job was submitted.
//!
//! A record is written once, right after its job was submitted, and never again. What became of the job, Slurm knows, and the
//! runs. So a record that is lost loses nothing but the place of a job in `cliptune status`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cliptune_experiment::ExperimentName;
use fs_err as fs;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::lock::{StoreLock, lock};
use crate::record::{read_record, write_record};
use crate::regular::is_absent;
use crate::store::Store;
use crate::utc::{age_since, utc_now};
use crate::worker::host_name;

/// The folder in the store. Readers of the store skip names with a leading dot.
pub(crate) const FOLDER: &str = ".slurm";
/// The folder in that folder for what jobs write.
const LOGS: &str = "logs";
/// The file in that folder that whoever submits locks meanwhile.
const LOCK: &str = "lock";
/// The version of a record.
const FORMAT: u32 = 1;

/// A job that was given to Slurm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    format_version: u32,
    /// The time of the submission in RFC 3339 and UTC.
    pub at: String,
    /// The host that it was submitted from.
    pub host: String,
    /// The number of the job.
    pub job: u64,
    /// The name of the job.
    pub name: String,
    /// Whether the job is an array, each of whose tasks takes one step. The tasks are numbered from 0 in the order of the steps.
    pub is_array: bool,
    /// The steps.
    pub steps: Vec<SubmittedStep>,
}

/// A step that a job takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmittedStep {
    /// The step's name in the plan.
    pub id: String,
    /// The tool that takes it.
    pub stage: String,
    /// The experiment, if it belongs to one.
    pub experiment: Option<ExperimentName>,
    /// The identity of what is made.
    pub keys: Vec<String>,
    /// The program and its arguments.
    pub command: Vec<String>,
}

impl Submission {
    /// Returns the record of a job that was submitted here and now.
    pub fn now(job: u64, name: String, is_array: bool, steps: Vec<SubmittedStep>) -> Self {
        Self { format_version: FORMAT, at: utc_now(), host: host_name(), job, name, is_array, steps }
    }

    /// Returns the time since the submission; `None` where a clock was set back.
    pub fn age(&self) -> Option<Duration> {
        age_since(&self.at)
    }

    /// Returns each step with the number of the task that takes it, if the job is an array.
    pub fn tasks(&self) -> impl Iterator<Item = (Option<usize>, &SubmittedStep)> {
        self.steps.iter().enumerate().map(|(number, step)| (self.is_array.then_some(number), step))
    }
}

/// The records of a store, and what is wrong with those that cannot be read.
#[derive(Debug, Default)]
pub struct Submissions {
    /// The records, the earliest first, each with its file.
    pub known: Vec<(PathBuf, Submission)>,
    /// The errors about the others.
    pub damage: Vec<StoreError>,
}

impl Store {
    /// Returns the folder for what jobs write.
    pub fn job_logs_folder(&self) -> PathBuf {
        self.root().join(FOLDER).join(LOGS)
    }

    /// Waits until nobody else submits jobs for the store, and keeps others from it: otherwise, two would submit the same.
    ///
    /// # Errors
    /// Returns an error when nothing can be written into the store.
    pub fn lock_submissions(&self) -> Result<StoreLock, StoreError> {
        let folder = self.root().join(FOLDER);
        fs::create_dir_all(&folder)?;
        lock(&folder.join(LOCK))
    }

    /// Removes the records of jobs that were submitted longer ago than this.
    ///
    /// # Errors
    /// Returns an error when the records cannot be listed, or one of them cannot be removed.
    pub fn forget_submissions(&self, age: Duration) -> Result<(), StoreError> {
        let old = |submission: &Submission| submission.age().is_some_and(|own| own > age);
        for (path, _) in self.submissions()?.known.iter().filter(|(_, submission)| old(submission)) {
            fs::remove_file(path)?;
        }
        Ok(())
    }

    /// Records a job that was submitted.
    ///
    /// # Errors
    /// Returns an error when the record cannot be written.
    pub fn record_submission(&self, submission: &Submission) -> Result<(), StoreError> {
        let folder = self.root().join(FOLDER);
        fs::create_dir_all(&folder)?;
        // Numbers of jobs are given again, by another cluster or by one that was set up anew.
        let moment: String = submission.at.chars().filter(char::is_ascii_alphanumeric).collect();
        write_record(&folder.join(format!("{moment}-{}.json", submission.job)), submission)
    }

    /// Reads all records.
    ///
    /// # Errors
    /// Returns an error when they cannot be listed, or one of them cannot be read and is not damaged.
    pub fn submissions(&self) -> Result<Submissions, StoreError> {
        let mut all = Submissions::default();
        for path in files(self)? {
            match read(&path) {
                Ok(submission) => all.known.push((path, submission)),
                Err(error) if error.is_damage() => all.damage.push(error),
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }
}

/// Returns the files of all records, the earliest first, as their names begin with their times.
pub(crate) fn files(store: &Store) -> Result<Vec<PathBuf>, StoreError> {
    let folder = store.root().join(FOLDER);
    if is_absent(&folder) {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        files.extend((!is_hidden && path.extension().is_some_and(|kind| kind == "json")).then_some(path));
    }
    files.sort_unstable();
    Ok(files)
}

/// Reads a record.
pub(crate) fn read(path: &Path) -> Result<Submission, StoreError> {
    read_record(path, FORMAT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(id: &str) -> SubmittedStep {
        SubmittedStep {
            id: id.to_owned(),
            stage: "train".to_owned(),
            experiment: Some("tuned".parse().unwrap()),
            keys: vec!["abc".to_owned()],
            command: vec!["/bin/cliptune-train".to_owned(), "it's \"so\"\n".to_owned()],
        }
    }

    fn submission(job: u64, is_array: bool) -> Submission {
        Submission::now(job, "cliptune-tuned".to_owned(), is_array, vec![step("a"), step("b")])
    }

    #[test]
    fn records_come_back_in_the_order_of_their_times() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert!(store.submissions().unwrap().known.is_empty());
        let at = |at: &str, job| Submission { at: at.to_owned(), ..submission(job, true) };
        let (late, early) = (at("2026-11-30T12:00:00.500Z", 3), at("2026-11-30T11:59:59.000Z", 12));
        for one in [&late, &early] {
            store.record_submission(one).unwrap();
        }
        let all = store.submissions().unwrap();
        let known: Vec<Submission> = all.known.into_iter().map(|(_, submission)| submission).collect();
        assert_eq!(known, [early, late]);
        assert!(all.damage.is_empty());
    }

    #[test]
    fn records_of_long_ago_are_forgotten_and_those_of_now_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let old = Submission { at: "2020-01-01T00:00:00.000Z".to_owned(), ..submission(1, true) };
        for one in [&old, &submission(2, true)] {
            store.record_submission(one).unwrap();
        }
        let _lock = store.lock_submissions().unwrap();
        store.forget_submissions(Duration::from_secs(3600)).unwrap();
        let kept: Vec<u64> = store.submissions().unwrap().known.iter().map(|(_, one)| one.job).collect();
        assert_eq!(kept, [2]);
    }

    #[test]
    fn the_tasks_of_an_array_are_numbered_and_other_jobs_have_none() {
        let numbers = |is_array| -> Vec<Option<usize>> {
            submission(7, is_array).tasks().map(|(task, _)| task).collect()
        };
        assert_eq!(numbers(true), [Some(0), Some(1)]);
        assert_eq!(numbers(false), [None, None]);
    }

    #[test]
    fn a_damaged_record_hides_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.record_submission(&submission(1, false)).unwrap();
        fs::write(folder.path().join(FOLDER).join("0.json"), "{}").unwrap();
        fs::create_dir_all(store.job_logs_folder()).unwrap();
        let all = store.submissions().unwrap();
        assert_eq!((all.known.len(), all.damage.len()), (1, 1));
    }
}
