//! All runs of a store, through an index that only saves time.
//!
//! The index holds the summary of each run with the stamps (size, times, inode) of the files that it was made from. A run whose
//! stamps are as they were is not read again. An index that is missing, damaged or of another version counts as empty.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use cliptune_experiment::Split;
use cliptune_store::{Stamp, Store, StoreError, is_absent, read_compact, settled, write_compact};
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::QueryError;
use crate::summary::{Identified, Numbers, PlanSettings, Records, Setting, Summary};

/// The version of the index. It has to change whenever a summary does.
const FORMAT: u32 = 8;

/// The file of the index in the cache.
const FILE: &str = "runs.bin";

/// The number of runs that are read at once where most have not been read before. They may have to come from a disk, and a disk
/// serves many as fast as one.
const READERS: usize = 16;

/// The files that a summary is made from, by their paths below the run's folder.
static FILES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let of_scores = ["scores.json", "predictions.parquet", "choices.json"];
    let of_split = |split: Split| of_scores.map(|file| format!("scores/{}/{file}", split.as_str()));
    let of_run = ["run.json", "foreign.json", "labels.json", "events.jsonl", "onnx/precisions.json"];
    let of_run = of_run.map(str::to_owned);
    // The folder changes when weights are taken out of it, or brought back.
    let of_run = of_run.into_iter().chain([".".to_owned()]);
    of_run.chain(Split::ALL.into_iter().flat_map(of_split)).collect()
});

/// The stamps of the files of a run; `None` where there is no file.
type Stamps = Vec<Option<Stamp>>;

/// Words and settings that many runs share.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Words {
    pub(crate) words: Vec<String>,
    pub(crate) settings: Vec<(String, Setting)>,
}

impl Words {
    /// Returns the words and settings that some runs have, and gives these runs their new numbers.
    fn needed<'s>(&self, runs: impl Iterator<Item = &'s mut Summary>) -> Self {
        let mut needed = Self::default();
        let (mut words, mut settings) = (HashMap::new(), HashMap::new());
        for run in runs {
            for setting in &mut run.settings {
                renumber(setting, &self.settings, &mut needed.settings, &mut settings);
            }
            for metric in run.scores.iter_mut().flat_map(|scores| &mut scores.metrics) {
                renumber(&mut metric.name, &self.words, &mut needed.words, &mut words);
                renumber(&mut metric.method, &self.words, &mut needed.words, &mut words);
            }
            for told in &mut run.told {
                renumber(&mut told.name, &self.words, &mut needed.words, &mut words);
            }
        }
        needed
    }
}

/// Changes the number of something among all to its number among what is needed, to which it is added if it is new there.
fn renumber<T: Clone>(number: &mut u32, all: &[T], needed: &mut Vec<T>, numbers: &mut HashMap<u32, u32>) {
    *number = *numbers.entry(*number).or_insert_with(|| {
        needed.extend(all.get(*number as usize).cloned());
        (needed.len() as u32).saturating_sub(1)
    });
}

/// The content of the index's file.
#[derive(Default, Serialize, Deserialize)]
struct Index {
    /// The store's folder, because the paths among the settings are seen from it.
    root: PathBuf,
    words: Words,
    entries: Vec<Entry>,
}

impl Index {
    /// Returns what is known of a store in this folder.
    fn recall(file: &Path, root: &Path) -> Self {
        read_compact(file, FORMAT).filter(|known: &Self| known.root == root).unwrap_or_default()
    }
}

#[derive(Serialize, Deserialize)]
struct Entry {
    stamps: Stamps,
    summary: Summary,
}

/// What is known about all runs of a store, by experiment and then by age, the oldest first.
#[derive(Debug, Default)]
pub struct Runs {
    pub(crate) summaries: Vec<Summary>,
    pub(crate) words: Words,
    /// The folders that should be runs but cannot be read.
    unreadable: Vec<(PathBuf, StoreError)>,
    /// The parts of runs that cannot be read.
    damage: Vec<StoreError>,
}

impl Runs {
    /// Reads what has changed since the last call, and takes the rest from the index.
    ///
    /// # Errors
    /// Returns an error when the store's folders cannot be listed. A damaged run is no error.
    pub fn open(store: &Store) -> Result<Self, QueryError> {
        let file = store.cache_folder().join(FILE);
        let before = settled();
        let root = store.root();
        // An index is decoded by one thread, while the others ask for the stamps.
        let (index, places) = match file.is_file() {
            true => rayon::join(|| Index::recall(&file, root), || places(store)),
            false => (Index::default(), by_readers(|| places(store))),
        };
        let places = places?;
        let names: HashMap<&str, usize> =
            index.entries.iter().enumerate().map(|(at, entry)| (entry.summary.folder.as_str(), at)).collect();
        let is_new = index.entries.len() < places.len() / 2;
        let read = || -> Vec<Found> {
            let known = Known { names: &names, entries: &index.entries, plans: &PlanSettings::default() };
            places.into_par_iter().map(|place| find(store, place, &known)).collect()
        };
        let found = if is_new { by_readers(read) } else { read() };
        Ok(collect(found, index, root, before, &file))
    }

    /// Returns the folders that should be runs but cannot be read, each with the error.
    pub fn unreadable(&self) -> &[(PathBuf, StoreError)] {
        &self.unreadable
    }

    /// Returns the errors about parts of runs that cannot be read.
    pub fn damage(&self) -> &[StoreError] {
        &self.damage
    }

    pub(crate) fn word(&self, number: u32) -> &str {
        self.words.words.get(number as usize).map_or("", String::as_str)
    }

    pub(crate) fn settings<'a>(&'a self, run: &'a Summary) -> impl Iterator<Item = (&'a str, &'a Setting)> {
        let known = run.settings.iter().filter_map(|number| self.words.settings.get(*number as usize));
        known.map(|(key, value)| (key.as_str(), value))
    }
}

/// The folder of a run, with the stamps of its files.
struct Place {
    folder: PathBuf,
    stamps: Stamps,
}

/// Lists the folders of all runs, and asks for the stamps of their files.
fn places(store: &Store) -> Result<Vec<Place>, StoreError> {
    let place = |folder: PathBuf| Place { stamps: stamps(&folder), folder };
    Ok(store.run_folders()?.into_par_iter().map(place).collect())
}

/// Does something with [`READERS`] threads.
fn by_readers<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    match ThreadPoolBuilder::new().num_threads(READERS).build() {
        Ok(readers) => readers.install(work),
        Err(_) => work(),
    }
}

/// What there is about one run.
enum Found {
    /// The entry of the index with this number.
    Known(usize),
    Changed(Box<Records>, Stamps),
    Unreadable(PathBuf, StoreError),
    /// The run has vanished since its folder was listed.
    Gone,
}

/// What is known when a run is looked for.
struct Known<'a> {
    /// The numbers of the entries by their runs' folders.
    names: &'a HashMap<&'a str, usize>,
    entries: &'a [Entry],
    plans: &'a PlanSettings,
}

fn find(store: &Store, place: Place, known: &Known<'_>) -> Found {
    let Place { folder, stamps } = place;
    let name = folder.strip_prefix(store.root()).unwrap_or(&folder).to_str();
    let number =
        name.and_then(|name| known.names.get(name)).filter(|at| known.entries[**at].stamps == stamps);
    if let Some(at) = number {
        return Found::Known(*at);
    }
    match store.any_run_in(&folder) {
        Ok(run) => Found::Changed(Box::new(Records::read(&run, store.root(), known.plans)), stamps),
        Err(_) if is_absent(&folder) => Found::Gone,
        Err(error) => Found::Unreadable(folder, error),
    }
}

fn stamps(folder: &Path) -> Stamps {
    Stamp::of_files(folder, FILES.iter().map(String::as_str))
}

/// Puts the runs together, and writes the index if it is not what it should be.
fn collect(found: Vec<Found>, index: Index, root: &Path, before: i64, file: &Path) -> Runs {
    let mut numbering = Numbering::new(index.words);
    let mut old: Vec<Option<Entry>> = index.entries.into_iter().map(Some).collect();
    let known = found.iter().filter(|found| matches!(found, Found::Known(_))).count();
    let mut changed = known != old.len();
    let (mut runs, mut entries) = (Runs::default(), Vec::with_capacity(found.len()));
    for found in found {
        match found {
            Found::Known(at) => entries.extend(old[at].take().map(|entry| (entry, true))),
            Found::Unreadable(folder, error) => runs.unreadable.push((folder, error)),
            Found::Gone => {}
            Found::Changed(records, stamps) => {
                let is_ended = records.is_ended();
                let read = records.summary(&mut numbering);
                let is_settled = stamps.iter().flatten().all(|stamp| stamp.is_settled(before));
                let is_kept = is_ended && is_settled && read.damage.is_empty();
                changed |= is_kept;
                runs.damage.extend(read.damage);
                entries.push((Entry { stamps, summary: read.summary }, is_kept));
            }
        }
    }
    entries.sort_by(|(one, _), (other, _)| one.summary.order().cmp(&other.summary.order()));
    runs.words = numbering.words;
    if known < old.len() {
        runs.words = runs.words.needed(entries.iter_mut().map(|(entry, _)| &mut entry.summary));
    }
    if changed {
        write(file, root, &runs.words, &entries);
    }
    runs.summaries = entries.into_iter().map(|(entry, _)| entry.summary).collect();
    runs
}

/// Writes the entries that are to be kept.
fn write(file: &Path, root: &Path, words: &Words, entries: &[(Entry, bool)]) {
    #[derive(Serialize)]
    struct Written<'a> {
        root: &'a Path,
        words: &'a Words,
        entries: Vec<&'a Entry>,
    }
    let entries = entries.iter().filter(|(_, is_kept)| *is_kept).map(|(entry, _)| entry).collect();
    write_compact(file, FORMAT, &Written { root, words, entries });
}

impl Summary {
    /// Returns what runs are ordered by.
    fn order(&self) -> (&str, &str, &str) {
        (&self.experiment, &self.started, &self.folder)
    }
}

/// Words with the numbers that they have.
struct Numbering {
    words: Words,
    numbers: HashMap<String, u32>,
    settings: HashMap<String, u32>,
}

impl Numbering {
    fn new(words: Words) -> Self {
        let numbered = words.words.iter().enumerate();
        let numbers = numbered.map(|(at, word)| (word.clone(), at as u32)).collect();
        // The numbers of earlier settings are found again only when runs are read; most often, none is.
        let settings = words.settings.iter().enumerate();
        let settings =
            settings.map(|(at, (key, value))| (format!("{key}={}", value.identity()), at as u32)).collect();
        Self { words, numbers, settings }
    }
}

impl Numbers for Numbering {
    fn word(&mut self, word: &str) -> u32 {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let number = self.words.words.len() as u32;
        self.words.words.push(word.to_owned());
        self.numbers.insert(word.to_owned(), number);
        number
    }

    fn setting(&mut self, setting: &Identified) -> u32 {
        if let Some(number) = self.settings.get(&setting.identity) {
            return *number;
        }
        let number = self.words.settings.len() as u32;
        self.words.settings.push((setting.key.clone(), setting.value.clone()));
        self.settings.insert(setting.identity.clone(), number);
        number
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_a_folder_that_is_not_there_has_vanished() {
        let root = tempfile::tempdir().unwrap();
        fs_err::create_dir(root.path().join("empty")).unwrap();
        fs_err::write(root.path().join("file"), "").unwrap();
        // A link to itself cannot be looked at, as what lies on a disk that does not answer.
        symlink("loop", root.path().join("loop")).unwrap();
        let store = Store::open(root.path()).unwrap();
        let found = |name: &str| {
            let place = Place { folder: root.path().join(name), stamps: Stamps::new() };
            let (names, plans) = (HashMap::new(), PlanSettings::default());
            find(&store, place, &Known { names: &names, entries: &[], plans: &plans })
        };
        for name in ["gone", "file/below"] {
            assert!(matches!(found(name), Found::Gone), "{name}");
        }
        for name in ["empty", "file", "loop"] {
            assert!(matches!(found(name), Found::Unreadable(..)), "{name}");
        }
    }
}
