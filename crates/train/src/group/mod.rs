//! The processes that train one model together.
//!
//! All of them have the same weights and take the same steps. Of each batch a process encodes its share of the images and
//! texts, all gather all embeddings, and each computes its share of the loss and its gradient. What they add up, they add
//! up in one order, so that every process has the same bits and no decision differs.

mod share;

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use cliptune_torch_bridge::{Buckets, ProcessGroup};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tch::Tensor;

use crate::error::TrainError;
use share::share;

/// The rank of the process that writes the run and tells the others what it knows.
const LEADER: usize = 0;
/// The usual size of a bucket in bytes, that of PyTorch's `DistributedDataParallel`.
const BUCKET: usize = 25 << 20;

/// A process that trains without others.
pub static ALONE: Group = Group::alone();

/// One process's membership in a training by several, or a process alone.
///
/// The collective functions (all but those that say who is here) wait for every process of the group, so all have to call
/// them in the same order. Alone they return at once what they are given.
pub struct Group {
    /// The connections to the other processes, if there are any.
    members: Option<ProcessGroup>,
    /// The number of bytes of gradients that are added up at once.
    bucket: usize,
    /// The number of bytes that this process has handed to collective functions.
    bytes: AtomicU64,
}

impl Group {
    /// Returns the group of a process that trains alone.
    pub const fn alone() -> Self {
        Self { members: None, bucket: BUCKET, bytes: AtomicU64::new(0) }
    }

    /// Returns the group of processes that have joined each other. One process is alone, however it was started.
    pub fn joined(members: ProcessGroup) -> Self {
        Self { members: Some(members).filter(|members| members.world() > 1), ..Self::alone() }
    }

    /// Adds up gradients in buckets of so many bytes.
    pub fn with_buckets_of(self, bytes: usize) -> Self {
        Self { bucket: bytes, ..self }
    }

    /// Returns the number of this process, from 0.
    pub fn rank(&self) -> usize {
        self.members.as_ref().map_or(LEADER, ProcessGroup::rank)
    }

    /// Returns the number of processes.
    pub fn world(&self) -> usize {
        self.members.as_ref().map_or(1, ProcessGroup::world)
    }

    /// Checks whether there is no other process.
    pub fn is_alone(&self) -> bool {
        self.members.is_none()
    }

    /// Checks whether this is the process that writes the run.
    pub fn is_leader(&self) -> bool {
        self.rank() == LEADER
    }

    /// Returns this process's share of so many rows. Shares are contiguous, their sizes differ by at most one, and with
    /// fewer rows than processes some are empty.
    pub fn share(&self, rows: usize) -> Range<usize> {
        share(self.rank(), self.world(), rows)
    }

    /// Returns the number of bytes that this process has handed to collective functions so far. On the wire a ring
    /// of n processes sends 2(n−1)/n times as many for a sum, and n−1 times as many for what is gathered.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Takes note of bytes that were handed over.
    pub(crate) fn handed_over(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Gathers `rows` rows from the shares of all processes: `[share, …]` → `[rows, …]`. No gradient flows through.
    ///
    /// # Errors
    ///
    /// Returns an error when another process has gone, as all collective functions do.
    pub fn gather(&self, own: &Tensor, rows: usize) -> Result<Tensor, TrainError> {
        let own = own.f_detach()?;
        let Some(members) = self.members.as_ref().filter(|_| rows > 0) else { return Ok(own) };
        let _guard = tch::no_grad_guard();
        let padded = padded(own, rows.div_ceil(self.world()))?;
        self.count(&padded);
        let shares = members.gather(&padded)?;
        let without_padding = |(rank, shared): (usize, &Tensor)| {
            shared.f_narrow(0, 0, share(rank, self.world(), rows).len() as i64)
        };
        let shares = shares.iter().enumerate().map(without_padding).collect::<Result<Vec<_>, _>>()?;
        Ok(Tensor::f_cat(&shares, 0)?)
    }

    /// Adds up a contiguous tensor over all processes, in place.
    pub fn sum(&self, tensor: &mut Tensor) -> Result<(), TrainError> {
        let Some(members) = &self.members else { return Ok(()) };
        let _guard = tch::no_grad_guard();
        self.count(tensor);
        Ok(members.sum(tensor)?)
    }

    /// Adds up a few numbers over all processes. Everyone adds them in the order of the ranks.
    pub fn sums(&self, numbers: &[f64]) -> Result<Vec<f64>, TrainError> {
        let Some(members) = &self.members else { return Ok(numbers.to_vec()) };
        let own = Tensor::from_slice(numbers);
        self.count(&own);
        let mut sums = vec![0.0; numbers.len()];
        for others in &members.gather(&own)? {
            let others: Vec<f64> = Vec::try_from(others)?;
            sums.iter_mut().zip(others).for_each(|(sum, number)| *sum += number);
        }
        Ok(sums)
    }

    /// Checks whether any process says so.
    pub fn any(&self, own: bool) -> Result<bool, TrainError> {
        Ok(self.sums(&[f64::from(own)])?.iter().any(|&count| count > 0.0))
    }

    /// Overwrites tensors, which are contiguous and of the same shapes everywhere, by those of the leader.
    pub fn take_from_leader(&self, tensors: &mut dyn Iterator<Item = Tensor>) -> Result<(), TrainError> {
        let Some(members) = &self.members else { return Ok(()) };
        let _guard = tch::no_grad_guard();
        for mut tensor in tensors {
            self.count(&tensor);
            members.broadcast(&mut tensor, LEADER)?;
        }
        Ok(())
    }

    /// Returns a value that the leader alone has to give.
    ///
    /// # Errors
    ///
    /// Returns an error when the value cannot be written as JSON, or the leader gives none.
    pub fn hear<T: Serialize + DeserializeOwned>(&self, from_leader: Option<&T>) -> Result<T, TrainError> {
        let mut text = from_leader.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        if let Some(members) = &self.members {
            let mut length = Tensor::from_slice(&[text.len() as i64]);
            members.broadcast(&mut length, LEADER)?;
            text.resize(i64::try_from(&length)? as usize, 0);
            let mut bytes = Tensor::from_slice(&text);
            self.count(&bytes);
            members.broadcast(&mut bytes, LEADER)?;
            text = Vec::try_from(&bytes)?;
        }
        Ok(serde_json::from_slice(&text)?)
    }

    /// Waits until every process is here.
    pub fn barrier(&self) -> Result<(), TrainError> {
        Ok(self.members.as_ref().map_or(Ok(()), ProcessGroup::barrier)?)
    }

    /// Closes the connections to the others, so that whatever they wait for fails.
    pub fn leave(&self) {
        self.members.iter().for_each(ProcessGroup::leave);
    }

    /// Prepares to add up the gradients of these weights, in the order in which they are expected. Alone there is nothing
    /// to add up.
    pub fn buckets(&self, weights: &[&Tensor]) -> Result<Option<Buckets<'_>>, TrainError> {
        let buckets = self.members.as_ref().map(|members| Buckets::new(members, weights, self.bucket));
        Ok(buckets.transpose()?)
    }

    fn count(&self, tensor: &Tensor) {
        self.handed_over(tensor.numel() * tensor.kind().elt_size_in_bytes());
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Group({} of {})", self.rank(), self.world())
    }
}

/// Appends rows of zeros until there are so many, because processes send each other equal shapes.
fn padded(own: Tensor, rows: usize) -> Result<Tensor, TrainError> {
    let mut missing = own.size();
    missing[0] = rows as i64 - missing[0];
    if missing[0] == 0 {
        return Ok(own.f_contiguous()?);
    }
    let zeros = Tensor::f_zeros(missing, (own.kind(), own.device()))?;
    Ok(Tensor::f_cat(&[own, zeros], 0)?)
}
