//! Makes sure that a model is not tested on images that its starting weights have seen.

use std::collections::BTreeSet;

use cliptune_experiment::Split;

use crate::base::ResolvedBase;
use crate::error::StoreError;
use crate::origin::Origin;
use crate::standings::Standing;
use crate::store::Store;

/// The part of a plan's test split that its starting weights have seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leak {
    /// The number of test images, by content, that a training has seen.
    pub images: usize,
    /// The hashes of datasets that the weights have seen and that are not in the store. What these datasets share
    /// with the test split is unknown.
    pub unknown: Vec<String>,
}

impl ResolvedBase {
    /// Returns the hashes of the datasets whose train and validation splits the starting weights have seen, oldest
    /// first. For a base that is still to be trained, these are the datasets that it will have seen. `planned` are
    /// the standings that the base was resolved among.
    ///
    /// # Errors
    ///
    /// Returns an error when the record of a folder that was made from runs cannot be read.
    pub fn lineage(&self, planned: &[Standing]) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Run { run: Some(run), .. } => Ok(run.seen()),
            Self::Run { run: None, standing, .. } => standing
                .and_then(|at| planned.get(at))
                .map_or(Ok(Vec::new()), |base| base.will_have_seen(planned)),
            Self::Folder { path, .. } => {
                Ok(Origin::read(path)?.map(|origin| origin.lineage).unwrap_or_default())
            }
            Self::Scratch | Self::Hub { .. } => Ok(Vec::new()),
        }
    }
}

impl Standing {
    /// Returns the hashes of the datasets that the weights of this plan's run will have seen.
    fn will_have_seen(&self, planned: &[Self]) -> Result<Vec<String>, StoreError> {
        let mut seen = self.base.lineage(planned)?;
        if self.plan.train.is_some() && !seen.contains(&self.dataset_hash) {
            seen.push(self.dataset_hash.clone());
        }
        Ok(seen)
    }

    /// Looks for test images that the starting weights have seen. Before the dataset is made, nothing is found.
    ///
    /// # Errors
    ///
    /// Returns an error when a dataset cannot be read.
    pub fn leak(&self, store: &Store, planned: &[Self]) -> Result<Leak, StoreError> {
        let Some(dataset) = &self.dataset else { return Ok(Leak::default()) };
        let (mut seen, mut unknown) = (BTreeSet::new(), Vec::new());
        for hash in self.base.lineage(planned)? {
            match store.dataset(&hash)? {
                Some(earlier) => seen.extend(earlier.trained_on()?),
                None => unknown.push(hash),
            }
        }
        if seen.is_empty() {
            return Ok(Leak { images: 0, unknown });
        }
        let images = dataset.image_hashes(Some(Split::Test))?.intersection(&seen).count();
        Ok(Leak { images, unknown })
    }

    /// Refuses a plan whose starting weights have seen some of its test images, because its scores would be too good.
    ///
    /// # Errors
    ///
    /// Returns an error when there are such images, or when a dataset cannot be read.
    pub fn refuse_leak(&self, store: &Store, planned: &[Self]) -> Result<Leak, StoreError> {
        let leak = self.leak(store, planned)?;
        match leak.images {
            0 => Ok(leak),
            images => Err(StoreError::Leak { experiment: self.plan.experiment.clone(), images }),
        }
    }
}
