//! The starting weights of a plan, found.

use std::path::PathBuf;

use cliptune_experiment::{ModelSource, RunReference};

use crate::error::StoreError;
use crate::run::{Run, RunStatus};
use crate::run_record::Base;
use crate::standings::{Snapshot, Standing};

/// Where a plan's weights start from, with its identity.
#[derive(Clone, Debug)]
pub enum ResolvedBase {
    /// Random weights.
    Scratch,
    /// A model folder.
    Folder {
        /// Where it is.
        path: PathBuf,
        /// [`Store::model_hash`](crate::Store::model_hash).
        hash: String,
    },
    /// Another run's model.
    Run {
        /// Which of the standings it is; `None` when it is only in the store.
        standing: Option<usize>,
        /// Key of that run, which is known before it exists.
        key: String,
        /// The completed run, if there is one.
        run: Option<Box<Run>>,
    },
}

impl ResolvedBase {
    /// Identity of the starting weights, for [`run_key`](crate::run_key).
    pub fn key(&self) -> String {
        match self {
            Self::Scratch => "scratch".to_owned(),
            Self::Folder { hash, .. } => format!("folder:{hash}"),
            Self::Run { key, .. } => format!("run:{key}"),
        }
    }

    /// What `run.json` says about it; `None` while the run it starts from does not exist.
    pub fn record(&self) -> Option<Base> {
        match self {
            Self::Scratch => Some(Base::Scratch),
            Self::Folder { hash, .. } => Some(Base::Folder { hash: hash.clone() }),
            Self::Run { key, run, .. } => {
                run.as_ref().map(|run| Base::Run { run: run.id(), key: key.clone() })
            }
        }
    }
}

/// Identity of the starting weights that a record names; equal to [`ResolvedBase::key`] when they are the same.
pub(crate) fn recorded_key(base: &Base) -> String {
    match base {
        Base::Scratch => "scratch".to_owned(),
        Base::Folder { hash } => format!("folder:{hash}"),
        Base::Run { key, .. } => format!("run:{key}"),
    }
}

/// Finds the starting weights of a plan, given where the plans before it stand.
pub(crate) fn resolve(
    snapshot: &mut Snapshot<'_>,
    source: &ModelSource,
    before: &[Standing],
) -> Result<ResolvedBase, StoreError> {
    match source {
        ModelSource::Scratch(_) => Ok(ResolvedBase::Scratch),
        ModelSource::Folder(path) => {
            Ok(ResolvedBase::Folder { path: path.clone(), hash: snapshot.model_hash(path)? })
        }
        ModelSource::Run(reference) => match planned(reference, before)? {
            Some(base) => Ok(base),
            None => stored(snapshot, reference),
        },
    }
}

fn planned(reference: &RunReference, before: &[Standing]) -> Result<Option<ResolvedBase>, StoreError> {
    let meant = |standing: &Standing| {
        let seed = standing.plan.seed;
        standing.plan.experiment == reference.experiment && reference.seed.is_none_or(|wanted| wanted == seed)
    };
    let found: Vec<usize> = (0..before.len()).filter(|at| meant(&before[*at])).collect();
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

/// The newest completed run of an experiment that is not among the plans.
fn stored(snapshot: &mut Snapshot<'_>, reference: &RunReference) -> Result<ResolvedBase, StoreError> {
    let runs = snapshot.runs(&reference.experiment)?.iter();
    let done: Vec<&Run> = runs
        .filter(|run| reference.seed.is_none_or(|seed| seed == run.record().seed))
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
