//! What the store lists as a run, whoever has made it.

use std::path::{Path, PathBuf};

use cliptune_experiment::{ExperimentName, Split};

use crate::error::StoreError;
use crate::foreign_run::ForeignRun;
use crate::labels::{Labels, OwnName, labels_in};
use crate::run::Run;
use crate::scores::FOLDER as SCORES;
use crate::store::Store;

/// What has a place among the runs of a store: labels can be given to it, and it may have scores.
pub trait Listed {
    /// Returns its folder.
    fn folder(&self) -> &Path;

    /// Returns its name in the store, `<experiment>/<run>`.
    fn id(&self) -> String;

    /// Returns the folder of a split's scores.
    fn scores_folder(&self, split: Split) -> PathBuf {
        self.folder().join(SCORES).join(split.as_str())
    }

    /// Returns what people say about it: nothing where there is no record of that.
    ///
    /// # Errors
    ///
    /// Returns an error when there is a record that is damaged or cannot be read.
    fn labels(&self) -> Result<Labels, StoreError> {
        labels_in(self.folder())
    }

    /// Returns its own name, if it has one that can be read.
    fn own_name(&self) -> Option<OwnName> {
        self.labels().ok().and_then(|labels| labels.name)
    }
}

impl Listed for Run {
    fn folder(&self) -> &Path {
        Self::folder(self)
    }

    fn id(&self) -> String {
        Self::id(self)
    }
}

impl Listed for ForeignRun {
    fn folder(&self) -> &Path {
        Self::folder(self)
    }

    fn id(&self) -> String {
        Self::id(self)
    }
}

impl<T: Listed + ?Sized> Listed for &T {
    fn folder(&self) -> &Path {
        (**self).folder()
    }

    fn id(&self) -> String {
        (**self).id()
    }
}

impl<T: Listed + ?Sized> Listed for Box<T> {
    fn folder(&self) -> &Path {
        (**self).folder()
    }

    fn id(&self) -> String {
        (**self).id()
    }
}

/// A run of the store: one that cliptune has made, or one that was imported.
#[derive(Clone, Debug)]
pub enum AnyRun {
    /// It was made here, or by another cliptune.
    Own(Box<Run>),
    /// It was imported.
    Foreign(Box<ForeignRun>),
}

impl Listed for AnyRun {
    fn folder(&self) -> &Path {
        match self {
            Self::Own(run) => run.folder(),
            Self::Foreign(run) => run.folder(),
        }
    }

    fn id(&self) -> String {
        match self {
            Self::Own(run) => run.id(),
            Self::Foreign(run) => run.id(),
        }
    }
}

impl From<Run> for AnyRun {
    fn from(run: Run) -> Self {
        Self::Own(Box::new(run))
    }
}

impl From<ForeignRun> for AnyRun {
    fn from(run: ForeignRun) -> Self {
        Self::Foreign(Box::new(run))
    }
}

impl AnyRun {
    /// Opens whatever run is in a folder.
    pub(crate) fn open(folder: PathBuf) -> Result<Self, StoreError> {
        match Run::open(folder.clone()) {
            Err(StoreError::Foreign { .. }) => ForeignRun::open(folder).map(Self::from),
            run => run.map(Self::from),
        }
    }

    /// Returns the run, if it is one that cliptune has made.
    pub fn own(&self) -> Option<&Run> {
        match self {
            Self::Own(run) => Some(run),
            Self::Foreign(_) => None,
        }
    }

    /// Returns the run, if it is one that cliptune has made.
    pub(crate) fn into_own(self) -> Option<Run> {
        match self {
            Self::Own(run) => Some(*run),
            Self::Foreign(_) => None,
        }
    }

    /// Returns the name of the folder that the run's own is in: its experiment, or the name that it was imported by.
    pub(crate) fn experiment(&self) -> &ExperimentName {
        match self {
            Self::Own(run) => &run.record().experiment,
            Self::Foreign(run) => &run.record().name,
        }
    }

    /// Returns the name of the run's folder.
    pub(crate) fn run(&self) -> &str {
        match self {
            Self::Own(run) => &run.record().run,
            Self::Foreign(run) => &run.record().run,
        }
    }

    /// Checks whether the run has this name of its own. A run whose labels cannot be read has none.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.own_name().is_some_and(|own| own.as_str() == name)
    }
}

impl Store {
    /// Opens whatever run is in one of the folders of [`run_folders`](Self::run_folders).
    ///
    /// # Errors
    /// Returns an error when its record is damaged or cannot be read.
    pub fn any_run_in(&self, folder: &Path) -> Result<AnyRun, StoreError> {
        AnyRun::open(folder.to_path_buf())
    }
}
