//! Finds the weights that a plan starts from.

use std::path::{Path, PathBuf};

use cliptune_experiment::{ModelSource, Plan, RunReference};
use cliptune_hub::{HubId, Snapshot};

use crate::error::StoreError;
use crate::hold::Held;
use crate::model_hash;
use crate::run::{MODEL, Run, RunStatus};
use crate::run_record::Base;
use crate::standings::{Look, Standing};

/// The place that a plan's weights start from, with its identity.
#[derive(Clone, Debug)]
pub enum ResolvedBase {
    /// Random weights.
    Scratch,
    /// A model folder.
    Folder {
        /// The path of the folder.
        path: PathBuf,
        /// The folder's [`Store::model_hash`](crate::Store::model_hash).
        hash: String,
    },
    /// A model from the Hugging Face Hub.
    Hub {
        /// The identifier of the model.
        id: HubId,
        /// The model's place in the local cache, with the [`Store::model_hash`](crate::Store::model_hash) of that
        /// folder; `None` when the model has to be fetched first.
        cached: Option<(Snapshot, String)>,
    },
    /// Another run's model.
    Run {
        /// The position of that run's plan among the standings; `None` when the run exists only in the store.
        standing: Option<usize>,
        /// The key of that run, which is known before the run exists.
        key: String,
        /// The completed run, if it exists.
        run: Option<Box<Run>>,
    },
}

impl ResolvedBase {
    /// Returns the identity of the starting weights, which is part of the identity of the run.
    pub fn key(&self) -> String {
        match self {
            Self::Scratch => "scratch".to_owned(),
            // The same weights are the same starting point, wherever they were found.
            Self::Folder { hash, .. } | Self::Hub { cached: Some((_, hash)), .. } => format!("folder:{hash}"),
            Self::Hub { id, cached: None } => format!("hub:{id}"),
            Self::Run { key, .. } => format!("run:{key}"),
        }
    }

    /// Reads every byte of the starting weights to make sure that they are the ones that [`key`](Self::key) names.
    /// This is called before training starts.
    ///
    /// # Errors
    /// Returns an error when the weights have changed or cannot be read.
    pub fn verify(&self) -> Result<(), StoreError> {
        match self {
            Self::Folder { path, hash } => {
                // When the folder belongs to a run, that run's record says what the model has to be, even if a plan
                // refers to the folder by its path.
                run_with_model(path).map_or(Ok(()), |run| run.verify_model())?;
                model_hash::verify(path, hash)
            }
            Self::Hub { cached: Some((snapshot, hash)), .. } => model_hash::verify(&snapshot.folder, hash),
            Self::Run { run: Some(run), .. } => run.verify_model(),
            Self::Scratch | Self::Hub { cached: None, .. } | Self::Run { run: None, .. } => Ok(()),
        }
    }

    /// Holds the run that the starting weights come from, if there is one, while they are read.
    ///
    /// # Errors
    /// Returns an error when another process is changing that run or has taken it away.
    pub fn hold(&self) -> Result<Option<Held>, StoreError> {
        match self {
            Self::Folder { path, .. } => run_with_model(path).map(|run| run.hold()).transpose(),
            Self::Run { run: Some(run), .. } => run.hold().map(Some),
            Self::Scratch | Self::Hub { .. } | Self::Run { run: None, .. } => Ok(None),
        }
    }

    /// Returns what `run.json` says about the starting weights, or `None` while the run or the model that they come
    /// from does not exist.
    pub fn record(&self) -> Option<Base> {
        match self {
            Self::Scratch => Some(Base::Scratch),
            Self::Folder { hash, .. } => Some(Base::Folder { hash: hash.clone() }),
            Self::Hub { id, cached } => cached.as_ref().map(|(snapshot, hash)| Base::Hub {
                id: id.to_string(),
                commit: snapshot.commit.to_string(),
                hash: hash.clone(),
            }),
            Self::Run { key, run, .. } => {
                run.as_ref().map(|run| Base::Run { run: run.id(), key: key.clone() })
            }
        }
    }
}

/// Returns the identity of the starting weights that a record names. It equals [`ResolvedBase::key`] when they are
/// the same.
pub(crate) fn recorded_key(base: &Base) -> String {
    match base {
        Base::Scratch => "scratch".to_owned(),
        Base::Folder { hash } | Base::Hub { hash, .. } => format!("folder:{hash}"),
        Base::Run { key, .. } => format!("run:{key}"),
    }
}

/// Returns the run that this folder is the model folder of, if there is one.
fn run_with_model(folder: &Path) -> Option<Run> {
    let run = Run::open(fs_err::canonicalize(folder).ok()?.parent()?.to_path_buf()).ok()?;
    let own = fs_err::canonicalize(run.model_folder()).ok()?;
    (own == fs_err::canonicalize(folder).ok()?).then_some(run)
}

/// Returns the run that this folder is, or is the model folder of, if that run's weights were removed.
fn run_without_weights(folder: &Path) -> Option<Run> {
    let around = folder.parent().filter(|_| folder.ends_with(MODEL)).map(Path::to_path_buf);
    let run = Run::open(folder.to_path_buf()).ok().or_else(|| Run::open(around?).ok())?;
    run.lacks_weights().then_some(run)
}

/// Finds the starting weights of a plan, given the standings of the plans before it.
pub(crate) fn resolve(
    look: &mut Look<'_>,
    source: &ModelSource,
    before: &[Standing],
) -> Result<ResolvedBase, StoreError> {
    match source {
        ModelSource::Scratch(_) => Ok(ResolvedBase::Scratch),
        ModelSource::Folder(path) => {
            if let Some(run) = run_without_weights(path) {
                return Err(StoreError::NoWeights { run: run.id() });
            }
            let path = Run::open(path.clone()).map_or_else(|_| path.clone(), |run| run.model_folder());
            Ok(ResolvedBase::Folder { hash: look.model_hash(&path)?, path })
        }
        ModelSource::Hub(id) => {
            let snapshot = look.cached(id)?;
            let hash = snapshot.as_ref().map(|snapshot| look.model_hash(&snapshot.folder)).transpose()?;
            Ok(ResolvedBase::Hub { id: id.clone(), cached: snapshot.zip(hash) })
        }
        ModelSource::Run(reference) => match planned(reference, before)? {
            Some(base) => Ok(base),
            None if look.is_unknown(&reference.experiment) => {
                Err(StoreError::UnknownBase { reference: reference.to_string() })
            }
            None => stored(look, reference),
        },
    }
}

fn planned(reference: &RunReference, before: &[Standing]) -> Result<Option<ResolvedBase>, StoreError> {
    let meant = |plan: &Plan| reference.means(&plan.experiment, plan.seed);
    let found: Vec<usize> = (0..before.len()).filter(|at| meant(&before[*at].plan)).collect();
    match found[..] {
        [] => Ok(None),
        [at] => {
            let Standing { key, run, .. } = &before[at];
            Ok(Some(ResolvedBase::Run {
                standing: Some(at),
                key: key.clone(),
                run: run.clone().map(Box::new),
            }))
        }
        _ => Err(StoreError::AmbiguousBase { reference: reference.to_string(), count: found.len() }),
    }
}

/// Finds the newest completed run of an experiment that is not among the plans.
fn stored(look: &mut Look<'_>, reference: &RunReference) -> Result<ResolvedBase, StoreError> {
    look.runs(&reference.experiment)?;
    look.refuse_newer(&reference.experiment)?;
    let runs = look.runs(&reference.experiment)?.iter();
    let done: Vec<&Run> = runs
        .filter(|run| reference.means(&run.record().experiment, run.record().seed))
        .filter(|run| run.status() == RunStatus::Done)
        .collect();
    let Some(newest) = done.last() else {
        return Err(StoreError::NoBase { reference: reference.to_string() });
    };
    let mut seeds: Vec<_> = done.iter().map(|run| run.record().seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    if seeds.len() > 1 {
        return Err(StoreError::AmbiguousBase { reference: reference.to_string(), count: seeds.len() });
    }
    let run = Box::new((*newest).clone());
    Ok(ResolvedBase::Run { standing: None, key: run.record().key.clone(), run: Some(run) })
}
