//! `labels.json`: what people say about a run. It lies beside the run's record, which never changes after the run's end.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use cliptune_experiment::{ExperimentName, Impossible};
use serde::{Deserialize, Serialize};

use crate::any_run::{AnyRun, Listed};
use crate::error::StoreError;
use crate::record::{read_record, write_record};
use crate::regular::is_absent;
use crate::run::Run;
use crate::store::Store;

/// The name of the file in the run's folder.
pub(crate) const FILE: &str = "labels.json";
/// The version of the record.
const FORMAT: u32 = 1;

/// The name, the tags, the note and the pin of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// The version of this record.
    format_version: u32,
    /// The run's own name, by which it can be called in place of the name of its folder.
    pub name: Option<OwnName>,
    /// The tags, in alphabetical order.
    pub tags: BTreeSet<Tag>,
    /// The note.
    pub note: Option<Note>,
    /// Whether the run is kept whatever else is removed.
    pub pinned: bool,
}

impl Default for Labels {
    fn default() -> Self {
        Self { format_version: FORMAT, name: None, tags: BTreeSet::new(), note: None, pinned: false }
    }
}

impl Labels {
    /// Checks whether nothing is said about the run.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A name that a run has of its own. It has the letters of an experiment's name, and no other run of the store has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OwnName(ExperimentName);

impl OwnName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for OwnName {
    type Err = Impossible;

    fn from_str(name: &str) -> Result<Self, Impossible> {
        name.parse().map(Self)
    }
}

/// Defines a text of bounded length, which may come from anyone: whoever shows it has to make it harmless.
macro_rules! texts {
    ($($(#[$meta:meta])* $name:ident, $expected:literal, $longest:literal, $refused:expr;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Returns the text as it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Impossible;

            fn try_from(text: String) -> Result<Self, Impossible> {
                let refused: fn(char) -> bool = $refused;
                match text.trim() {
                    "" => Err(Impossible($expected.to_owned())),
                    text if text.chars().count() > $longest || text.contains(refused) => {
                        Err(Impossible($expected.to_owned()))
                    }
                    text => Ok(Self(text.to_owned())),
                }
            }
        }

        impl FromStr for $name {
            type Err = Impossible;

            fn from_str(text: &str) -> Result<Self, Impossible> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }
    )*};
}

texts! {
    /// A tag: a word or a few by which runs are found.
    Tag, "expected up to 100 letters without commas or control characters", 100, |letter| letter == ',' || letter.is_control();
    /// A note: a text about a run, which may have several lines.
    Note, "expected a text of up to 10,000 letters", 10_000, |letter| letter == '\0';
}

impl fmt::Display for OwnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Returns what people say about the run in a folder, whether or not its own record can be read.
///
/// # Errors
///
/// Returns an error when there is a record of it that is damaged or cannot be read.
pub fn labels_in(folder: &Path) -> Result<Labels, StoreError> {
    let path = folder.join(FILE);
    if is_absent(&path) { Ok(Labels::default()) } else { read_record(&path, FORMAT) }
}

impl Run {
    /// Returns the file of the labels.
    pub fn labels_file(&self) -> PathBuf {
        self.folder().join(FILE)
    }

    /// Returns what people say about the run: nothing where there is no record of it.
    ///
    /// # Errors
    ///
    /// Returns an error when there is a record that is damaged or cannot be read.
    pub fn labels(&self) -> Result<Labels, StoreError> {
        labels_in(self.folder())
    }
}

impl Store {
    /// Changes what is said about a run, and returns what is said now. Of two processes that do so at once, neither loses
    /// what the other has changed.
    ///
    /// # Errors
    ///
    /// Returns an error when the labels are damaged, or cannot be read or written.
    pub fn label(&self, run: &impl Listed, change: impl FnOnce(&mut Labels)) -> Result<Labels, StoreError> {
        let _lock = self.lock()?;
        changed(run, change)
    }

    /// Gives a run a name of its own in place of the one that it had, or takes it away.
    ///
    /// # Errors
    ///
    /// Returns an error when the name already means an experiment or another run, or when the labels cannot be read or
    /// written.
    pub fn rename(&self, run: &impl Listed, name: Option<OwnName>) -> Result<Labels, StoreError> {
        let _lock = self.lock()?;
        if let Some(name) = &name
            && let Some(by) = self.taken_by(run, name)?
        {
            return Err(StoreError::NameTaken { name: name.to_string(), by });
        }
        changed(run, |labels| labels.name = name)
    }

    /// Returns what a name already means: an experiment, or a run other than the given one. An experiment has its name as long as
    /// its folder is there, whether or not any run in it can be read.
    pub(crate) fn taken_by(&self, run: &impl Listed, name: &OwnName) -> Result<Option<String>, StoreError> {
        let name = name.as_str();
        let of_folder = || self.root().join(name).is_dir().then(|| format!("the experiment {name}"));
        Ok(self.meaning_of(name, Some(&run.id()))?.or_else(of_folder))
    }

    /// Returns what a name already means: an experiment, an imported run, or a run other than the one that is excepted.
    pub(crate) fn meaning_of(&self, name: &str, except: Option<&str>) -> Result<Option<String>, StoreError> {
        for other in self.runs()?.all() {
            let id = other.id();
            match &other {
                AnyRun::Own(run) if run.record().experiment.as_str() == name => {
                    return Ok(Some(format!("the experiment {name}")));
                }
                AnyRun::Foreign(run) if run.record().name.as_str() == name => return Ok(Some(id)),
                _ if other.run() == name => return Ok(Some(id)),
                _ if except != Some(id.as_str()) && other.is_called(name) => return Ok(Some(id)),
                _ => {}
            }
        }
        Ok(None)
    }
}

/// Changes the labels of a run; the store is locked. Labels that stay as they are are not written again.
fn changed(run: &impl Listed, change: impl FnOnce(&mut Labels)) -> Result<Labels, StoreError> {
    let before = run.labels()?;
    let mut labels = before.clone();
    change(&mut labels);
    if labels != before {
        write_record(&run.folder().join(FILE), &labels)?;
    }
    Ok(labels)
}
