//! Something that is not as it should be, what follows, and how it is mended.

use std::path::PathBuf;

use cliptune_durable::{AtomicFile, discard};
use cliptune_experiment::Split;
use cliptune_terminal::Diagnostic as _;
use serde::Serialize;

use crate::error::StoreError;
use crate::hold::lock;
use crate::lines::set_damage_aside;
use crate::lock::StoreLock;
use crate::origin::Origin;
use crate::regular::make_way;
use crate::run::Run;
use crate::store::Store;

/// How much is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It can be had again only where somebody has a copy, or by training again.
    Lost,
    /// A command makes it again from what is whole.
    Remade,
    /// A newer cliptune has written it, so that this one cannot tell.
    Newer,
    /// An older cliptune has written it, whole, in a way that is not read any more, and no command makes it again in its place.
    Older,
    /// Nothing is missing, or nothing that anything else needs.
    Harmless,
}

impl Severity {
    /// Returns the severity in words, as a list shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "damaged",
            Self::Remade => "made again",
            Self::Newer => "newer",
            Self::Older => "older",
            Self::Harmless => "harmless",
        }
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The file or folder.
    pub path: PathBuf,
    /// What it is: `run`, `dataset`, `scores`, `trash`, `report`, `cache`, `look`, `job`, `store`
    /// or `unfinished`.
    pub kind: &'static str,
    /// How much is lost.
    pub severity: Severity,
    /// What is wrong with it, in one line that names it.
    pub problem: String,
    /// What follows from that.
    pub follows: Option<String>,
    /// Whether [`mend`](Self::mend) can do something about it.
    pub can_be_mended: bool,
    #[serde(skip)]
    mend: Option<Mend>,
}

/// How something is mended.
#[derive(Clone, Debug)]
pub(super) enum Mend {
    /// It is removed: it can be made again, or was never finished.
    Discard,
    /// The scores go to the trash, and scoring makes others.
    TrashScores(Box<Run>, Split),
    /// The link from `model/` to the weights is made again.
    LinkWeights(Box<Run>),
    /// The weights are copied from `model/`, where they are whole.
    CopyWeights(Box<Run>),
    /// The record of what the weights have seen is written again, from the run's record.
    Origin(Box<Run>),
    /// The damaged lines of a log are put into a file beside it.
    Log(Box<Run>, PathBuf),
    /// The record of an entry of the trash is written again, from its content.
    TrashRecord(PathBuf),
}

impl Finding {
    fn new(kind: &'static str, severity: Severity, path: PathBuf, error: &StoreError) -> Self {
        let severity = match error {
            StoreError::NewerLines { .. } => Severity::Newer,
            StoreError::Version { .. } if !error.is_damage() => Severity::Newer,
            StoreError::Version { .. } if severity == Severity::Lost => Severity::Older,
            _ => severity,
        };
        Self {
            path,
            kind,
            severity,
            problem: error.in_one_line(),
            follows: error.hint(),
            can_be_mended: false,
            mend: None,
        }
    }

    pub(super) fn lost(kind: &'static str, path: PathBuf, error: &StoreError) -> Self {
        Self::new(kind, Severity::Lost, path, error)
    }

    pub(super) fn remade(kind: &'static str, path: PathBuf, error: &StoreError) -> Self {
        Self::new(kind, Severity::Remade, path, error)
    }

    pub(super) fn harmless(kind: &'static str, path: PathBuf, error: &StoreError) -> Self {
        Self::new(kind, Severity::Harmless, path, error)
    }

    /// Returns what a killed process has left.
    pub(super) fn leftover(path: PathBuf) -> Self {
        let finding = Self {
            problem: format!("{} was left by a process that was killed", path.display()),
            path,
            kind: "unfinished",
            severity: Severity::Harmless,
            follows: Some("nobody reads it; `cliptune gc --unfinished` removes it, too".to_owned()),
            can_be_mended: false,
            mend: None,
        };
        finding.mended_by(Mend::Discard)
    }

    /// Returns a file or a folder of the cache that is not what it should be.
    #[must_use]
    pub fn cached(path: PathBuf) -> Self {
        let finding = Self {
            problem: format!("{} is damaged", path.display()),
            path,
            kind: "cache",
            severity: Severity::Harmless,
            follows: Some("it counts as absent, and is made again when it is needed".to_owned()),
            can_be_mended: false,
            mend: None,
        };
        finding.mended_by(Mend::Discard)
    }

    pub(super) fn followed_by(self, follows: &str) -> Self {
        Self { follows: Some(follows.to_owned()), ..self }
    }

    /// Says where it lies, and that nothing is done about it there.
    pub(super) fn left_alone(self, why: &str) -> Self {
        let problem = format!("{}; {why}", self.problem);
        Self { problem, mend: None, can_be_mended: false, ..self }
    }

    pub(super) fn mended_by(self, mend: Mend) -> Self {
        Self { mend: Some(mend), can_be_mended: true, ..self }
    }

    /// Mends it, if that can be done, and returns whether it was.
    ///
    /// # Errors
    ///
    /// Returns an error when a process works on it, or when something cannot be written. Nothing is lost then.
    pub fn mend(&self, store: &Store, held: &StoreLock) -> Result<bool, StoreError> {
        match &self.mend {
            None => return Ok(false),
            Some(Mend::Discard) => discard(&self.path)?,
            Some(Mend::TrashScores(run, split)) => return store.trash_damaged_scores(held, run, *split),
            Some(Mend::LinkWeights(run)) => with(run, Run::link_weights)?,
            Some(Mend::CopyWeights(run)) => with(run, copy_weights)?,
            Some(Mend::Origin(run)) => with(run, write_origin)?,
            Some(Mend::Log(run, path)) => return with(run, |_| set_damage_aside(path)),
            Some(Mend::TrashRecord(entry)) => store.describe_again(entry)?,
        }
        Ok(true)
    }
}

/// Changes a run that nobody else writes meanwhile.
fn with<T>(run: &Run, change: impl Fn(&Run) -> Result<T, StoreError>) -> Result<T, StoreError> {
    let _held = lock(run.folder())?;
    change(run)
}

/// Brings the weights back from their copy. The damaged ones stay until the copy is complete.
fn copy_weights(run: &Run) -> Result<(), StoreError> {
    let place = run.weights_file();
    let mut file = AtomicFile::create(&place)?;
    std::io::copy(&mut cliptune_durable::open_regular(&run.model_weights_file())?, &mut file)?;
    let complete = file.complete()?;
    make_way(&place)?;
    Ok(complete.publish()?)
}

fn write_origin(run: &Run) -> Result<(), StoreError> {
    make_way(&run.model_folder().join(Origin::FILE))?;
    Origin::of(std::slice::from_ref(run)).write(&run.model_folder())
}
