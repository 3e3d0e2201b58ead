//! How often the test split of a dataset was looked at.
//!
//! A number of a test split is worth as much as the split is unknown, and every look at it wears it out. A look is that scores of
//! it were written. Each has a file of its own below `.looks/`, named by its time and its run, which is written before the scores
//! are, and never again: no two processes can lose each other's, and nothing that happens to the scores, the run or the dataset
//! later hides it. Scores that have no such file, because an earlier cliptune wrote them, are a look, too.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use cliptune_experiment::{ExperimentName, Split};
use cliptune_terminal::format::counted;
use fs_err as fs;
use serde::{Deserialize, Serialize};

use crate::any_run::AnyRun;
use crate::dataset::Dataset;
use crate::error::StoreError;
use crate::foreign_run::ForeignRun;
use crate::record::{read_record, write_record};
use crate::regular::{check_folder, is_absent};
use crate::run::Run;
use crate::scores::SCORES;
use crate::store::{FOLDER_DIGITS, Store};
use crate::utc::utc_now;

/// The folder in the store. Readers of the store skip names with a leading dot.
pub(crate) const FOLDER: &str = ".looks";
/// The version of a record.
const FORMAT: u32 = 1;
/// The file name extension of records.
const EXTENSION: &str = "json";
/// The number of hexadecimal digits that stand for a run in the name of a record.
const RUN_DIGITS: usize = 16;

/// A look at the test split: that scores of it were written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestLook {
    format_version: u32,
    /// The hash of the dataset.
    dataset: String,
    /// The experiment of the run that was scored.
    pub experiment: ExperimentName,
    /// The run that was scored, as `<experiment>/<run>`.
    pub run: String,
    /// The time of the look in RFC 3339 and UTC. Scores of an earlier cliptune do not tell theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

impl TestLook {
    /// Returns the look at the test split of a dataset that was the scoring of a run.
    pub fn new(dataset: String, experiment: ExperimentName, run: String, at: Option<String>) -> Self {
        Self { format_version: FORMAT, dataset, experiment, run, at }
    }
}

/// All looks at the test split of a dataset, or of the datasets of several folds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestLooks {
    /// The looks, the earliest first, after those whose time is not known.
    pub looks: Vec<TestLook>,
    /// The number of records that cannot be read. Each was a look.
    pub unreadable: usize,
}

/// The looks in numbers, as `--json` has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestLookCounts {
    /// How often test scores were written.
    pub count: usize,
    /// The number of runs that they were of.
    pub runs: usize,
    /// The number of experiments that these runs belong to.
    pub experiments: usize,
    /// The time of the first look that is known.
    pub first: Option<String>,
    /// The time of the last look that is known.
    pub last: Option<String>,
}

impl TestLooks {
    /// Returns the looks in numbers.
    pub fn counts(&self) -> TestLookCounts {
        let mut times = self.looks.iter().filter_map(|look| look.at.clone());
        let first = times.next();
        TestLookCounts {
            count: self.looks.len() + self.unreadable,
            runs: self.looks.iter().map(|look| look.run.as_str()).collect::<BTreeSet<_>>().len(),
            experiments: self.looks.iter().map(|look| &look.experiment).collect::<BTreeSet<_>>().len(),
            last: times.next_back().or_else(|| first.clone()),
            first,
        }
    }

    /// Returns the looks up to the last one that was the scoring of one of these runs, given as `<experiment>/<run>`. What is known
    /// of the runs cannot have been chosen after a later look.
    pub fn until_last_of(self, runs: &BTreeSet<String>) -> Self {
        let own = self.looks.iter().filter(|look| runs.contains(&look.run));
        let last = own.filter_map(|look| look.at.clone()).max();
        let is_before = |look: &TestLook| look.at.is_none() || look.at <= last;
        Self { looks: self.looks.into_iter().filter(is_before).collect(), ..self }
    }

    /// Returns the looks in words that continue "the test split was scored", such as `12 times by 7 runs of 3 experiments, from
    /// 2026-11-02 to 2026-11-05`.
    pub fn described(&self) -> String {
        let TestLookCounts { count, runs, experiments, first, last } = self.counts();
        let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
        let [runs, experiments] =
            [(runs, "run"), (experiments, "experiment")].map(|(number, noun)| counted(number as u64, noun));
        let day = |time: &str| time.get(..10).unwrap_or(time).to_owned();
        let when = match (first.as_deref().map(day), last.as_deref().map(day)) {
            (Some(first), Some(last)) if first == last => format!(", on {first}"),
            (Some(first), Some(last)) => format!(", from {first} to {last}"),
            _ => String::new(),
        };
        format!("{times} by {runs} of {experiments}{when}")
    }

    fn extend(&mut self, other: Self) {
        self.looks.extend(other.looks);
        self.unreadable += other.unreadable;
        self.looks.sort_by(|a, b| (&a.at, &a.run).cmp(&(&b.at, &b.run)));
    }
}

impl Store {
    /// Returns how often the test splits of some datasets were looked at, whether or not the datasets still exist.
    ///
    /// # Errors
    /// Returns an error when the looks or the runs cannot be listed.
    pub fn test_looks<'h>(
        &self,
        datasets: impl IntoIterator<Item = &'h str>,
    ) -> Result<TestLooks, StoreError> {
        let datasets = self.with_those_before(datasets.into_iter().map(str::to_owned).collect())?;
        let datasets: BTreeSet<&str> = datasets.iter().map(String::as_str).collect();
        let mut all = TestLooks::default();
        let unrecorded = self.unrecorded()?;
        for dataset in datasets {
            all.extend(self.recorded(dataset)?);
            let looks = unrecorded.iter().filter(|look| look.dataset == dataset).cloned().collect();
            all.extend(TestLooks { looks, unreadable: 0 });
        }
        Ok(all)
    }

    /// Adds the datasets whose splits these have taken over: their test items are the same.
    fn with_those_before(&self, mut datasets: BTreeSet<String>) -> Result<BTreeSet<String>, StoreError> {
        let all = self.datasets()?;
        let mut open: Vec<String> = datasets.iter().cloned().collect();
        while let Some(hash) = open.pop() {
            let record = all.iter().map(Dataset::record).find(|record| record.hash == hash);
            let before = record.and_then(|record| record.history.continues.clone());
            open.extend(before.filter(|before| datasets.insert(before.clone())));
        }
        Ok(datasets)
    }

    fn recorded(&self, dataset: &str) -> Result<TestLooks, StoreError> {
        let mut found = TestLooks::default();
        for path in records(&folder_in(self.root(), dataset)?)? {
            match read(&path) {
                // The folder's name contains only the beginning of the hash.
                Ok(look) if look.dataset == dataset => found.looks.push(look),
                Ok(_) => {}
                Err(error) if error.is_damage() => found.unreadable += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Returns the scores that no look was recorded for. Only the records of their runs are read.
    fn unrecorded(&self) -> Result<Vec<TestLook>, StoreError> {
        let mut known = BTreeSet::new();
        known.extend(files(self)?.iter().filter_map(|path| run_in_name(path)));
        let mut looks = Vec::new();
        for folder in self.run_folders()? {
            let scores = folder.join("scores").join(Split::Test.as_str()).join(SCORES);
            if is_absent(&scores) || id_of(&folder).is_some_and(|id| known.contains(&digits(&id))) {
                continue;
            }
            let look = match self.any_run_in(&folder) {
                Ok(AnyRun::Own(run)) => Some(look_of(&run)),
                Ok(AnyRun::Foreign(run)) => look_of_foreign(&run),
                // A damaged run is named elsewhere.
                Err(_) => None,
            };
            let look = look.filter(|look| !known.contains(&digits(&look.run)));
            looks.extend(look.map(|look| TestLook { at: None, ..look }));
        }
        Ok(looks)
    }
}

/// Returns the files of all looks.
pub(crate) fn files(store: &Store) -> Result<Vec<PathBuf>, StoreError> {
    let datasets = subfolders_of_looks(store.root())?;
    let files = datasets.iter().map(|dataset| records(dataset)).collect::<Result<Vec<_>, _>>()?;
    Ok(files.concat())
}

/// Reads a look.
pub(crate) fn read(path: &Path) -> Result<TestLook, StoreError> {
    read_record(path, FORMAT)
}

/// Returns how often the test splits of some datasets of a store were looked at: those of the folds of a cross-validation, or of
/// one dataset.
///
/// # Errors
/// Returns an error when the looks or the runs of the store cannot be listed.
pub fn test_looks<'d>(datasets: impl IntoIterator<Item = &'d Dataset>) -> Result<TestLooks, StoreError> {
    let datasets: Vec<&Dataset> = datasets.into_iter().collect();
    match datasets.first().and_then(|dataset| grandparent(dataset.folder())) {
        Some(root) => {
            Store::open(root)?.test_looks(datasets.iter().map(|dataset| dataset.record().hash.as_str()))
        }
        None => Ok(TestLooks::default()),
    }
}

/// Records that the test split is looked at, before anybody can see what is found there.
pub(crate) fn record(run: &Run) -> Result<(), StoreError> {
    let Some(root) = grandparent(run.folder()) else { return Ok(()) };
    let was_scored = !is_absent(&run.scores_folder(Split::Test).join(SCORES));
    record_in(root, &look_of(run), was_scored)
}

/// Records that the predictions of an imported run are looked at, which are for the test split of a dataset.
pub(crate) fn record_foreign(root: &Path, run: &ForeignRun) -> Result<(), StoreError> {
    look_of_foreign(run).map_or(Ok(()), |look| record_in(root, &look, false))
}

fn record_in(root: &Path, look: &TestLook, was_scored: bool) -> Result<(), StoreError> {
    let folder = folder_in(root, &look.dataset)?;
    fs::create_dir_all(&folder)?;
    let is_counted =
        records(&folder)?.iter().any(|path| run_in_name(path).as_ref() == Some(&digits(&look.run)));
    if !is_counted && was_scored {
        // Scores of an earlier cliptune were looked at, too, and are about to be replaced.
        write(&folder, &TestLook { at: None, ..look.clone() })?;
    }
    write(&folder, look)
}

/// Writes a look to a file of its own.
fn write(folder: &Path, look: &TestLook) -> Result<(), StoreError> {
    let time = look.at.as_deref().unwrap_or_default().replace([':', '.'], "-");
    let name = |number: u32| folder.join(format!("{time}-{number}_{}.{EXTENSION}", digits(&look.run)));
    // Only one process works on a run, so that nobody else takes a name that is free.
    let free = (1..).map(name).find(|path| is_absent(path));
    free.map_or(Ok(()), |path| write_record(&path, look))
}

fn look_of(run: &Run) -> TestLook {
    let record = run.record();
    TestLook::new(record.dataset.clone(), record.experiment.clone(), run.id(), Some(utc_now()))
}

/// Returns the look that the predictions of an imported run are; none where it has no predictions.
fn look_of_foreign(run: &ForeignRun) -> Option<TestLook> {
    let record = run.record();
    Some(TestLook::new(record.dataset.clone()?, record.name.clone(), run.id(), Some(utc_now())))
}

/// Returns the folder of the looks at a dataset, which may not exist.
fn folder_in(root: &Path, dataset: &str) -> Result<PathBuf, StoreError> {
    let is_hash = dataset.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let name =
        if is_hash { dataset.get(..FOLDER_DIGITS).unwrap_or(dataset).to_owned() } else { digits(dataset) };
    let all = root.join(FOLDER);
    let folder = all.join(name);
    check_folder(&all)?;
    check_folder(&folder)?;
    Ok(folder)
}

/// Returns the store's folder from that of a run or a dataset in it.
fn grandparent(folder: &Path) -> Option<&Path> {
    folder.parent()?.parent()
}

fn subfolders_of_looks(root: &Path) -> Result<Vec<PathBuf>, StoreError> {
    crate::store::subfolders(&root.join(FOLDER))
}

/// Lists the records in a folder, in the order of their names, which is that of their times.
fn records(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.extension() == Some(OsStr::new(EXTENSION)) && !is_hidden {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

/// Returns the digits that stand for a run.
fn digits(run: &str) -> String {
    blake3::hash(run.as_bytes()).to_hex()[..RUN_DIGITS].to_owned()
}

fn run_in_name(path: &Path) -> Option<String> {
    let (_, run) = path.file_stem()?.to_str()?.rsplit_once('_')?;
    Some(run.to_owned())
}

/// Returns the name of a run from its folder, which is the same unless the folder was renamed.
fn id_of(folder: &Path) -> Option<String> {
    let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    Some(format!("{}/{}", name(folder.parent()?)?, name(folder)?))
}
