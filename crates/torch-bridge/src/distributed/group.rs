//! Processes that compute together.

use std::ffi::{CString, c_char};
use std::ptr::{self, NonNull};
use std::time::Duration;

use tch::{Kind, Tensor};
use torch_sys::C_tensor;

use super::store::RawStore;
use super::{Backend, KeyStore, c_text, milliseconds};
use crate::{Fault, TorchError, check};

/// The C++ side of a process group.
#[repr(C)]
pub(super) struct RawGroup {
    opaque: [u8; 0],
}

unsafe extern "C" {
    fn cliptune_group_join(
        store: *const RawStore,
        rank: usize,
        world: usize,
        interfaces: *const c_char,
        with_nccl: bool,
        timeout_ms: i64,
        group: *mut *mut RawGroup,
        lost: *mut bool,
    ) -> *mut c_char;
    fn cliptune_group_sum(group: *mut RawGroup, tensor: *mut C_tensor, lost: *mut bool) -> *mut c_char;
    fn cliptune_group_gather(
        group: *mut RawGroup,
        tensor: *const C_tensor,
        tensors: *mut *mut C_tensor,
        lost: *mut bool,
    ) -> *mut c_char;
    fn cliptune_group_broadcast(
        group: *mut RawGroup,
        tensor: *mut C_tensor,
        root: usize,
        lost: *mut bool,
    ) -> *mut c_char;
    fn cliptune_group_barrier(group: *mut RawGroup, lost: *mut bool) -> *mut c_char;
    fn cliptune_group_leave(group: *mut RawGroup);
    fn cliptune_group_free(group: *mut RawGroup);
}

/// What a process is in a group.
#[derive(Clone, Copy, Debug)]
pub struct Membership<'a> {
    /// Its number, from 0.
    pub rank: usize,
    /// How many members there are.
    pub world: usize,
    /// What carries the tensors, the same for all members.
    pub backend: Backend,
    /// The network interfaces to use, with commas between their names, as people set `GLOO_SOCKET_IFNAME`. `None` takes the address
    /// that the host's own name has, or the loopback address where it has none.
    pub interface: Option<&'a str>,
    /// How long an operation waits for a member that does not take part but whose host keeps the connection. Gloo notices a process that
    /// has died at once; NCCL may not notice one on the same host, whose memory it reads. Whoever does can [`leave`](ProcessGroup::leave).
    pub timeout: Duration,
}

/// A group of processes that start the same operations in the same order, on tensors of the same shape and kind: c10d's
/// `ProcessGroupGloo`, with `ProcessGroupNCCL` beside it where that is the [`Backend`]. Gloo aborts a process that gets more than it
/// expects.
///
/// When it is dropped its connections are closed. A member that still computes then gets an error in its next operation.
///
/// After an operation has failed, members are not at the same place any more, and all later operations fail.
#[derive(Debug)]
pub struct ProcessGroup {
    raw: NonNull<RawGroup>,
    rank: usize,
    world: usize,
}

// SAFETY: a lock is held wherever an operation starts; c10d waits for its end under a lock; nothing belongs to a thread.
unsafe impl Send for ProcessGroup {}
// SAFETY: as above.
unsafe impl Sync for ProcessGroup {}

impl ProcessGroup {
    /// Joins a group and waits for all of its members, at most for the time of the store's [`Meeting`](super::Meeting).
    ///
    /// # Errors
    ///
    /// Returns an error with [`Fault::Lost`] when a member does not come, and another one when there is no such interface, rank or
    /// backend.
    pub fn join(store: &KeyStore, membership: &Membership<'_>) -> Result<Self, TorchError> {
        let Membership { rank, world, backend, interface, timeout } = *membership;
        let with_nccl = backend == Backend::Nccl;
        if with_nccl && !Backend::has_nccl() {
            return Err(TorchError::refused("the libtorch in use has no NCCL"));
        }
        if rank >= world {
            return Err(TorchError::refused(format!("rank {rank} in a group of {world}")));
        }
        let interfaces = interface.map(c_text).transpose()?;
        let interfaces = interfaces.as_ref().map_or(ptr::null(), |names: &CString| names.as_ptr());
        let (mut raw, mut lost) = (ptr::null_mut(), false);
        // SAFETY: the store and the text outlive the call; C++ keeps a share of the former; the places are valid.
        let message = unsafe {
            let timeout_ms = milliseconds(timeout);
            cliptune_group_join(
                store.as_raw(),
                rank,
                world,
                interfaces,
                with_nccl,
                timeout_ms,
                &raw mut raw,
                &raw mut lost,
            )
        };
        check_members(message, lost)?;
        let raw = NonNull::new(raw).ok_or_else(|| TorchError::refused("no group"))?;
        Ok(Self { raw, rank, world })
    }

    /// The number of this process, from 0.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// How many members there are.
    pub fn world(&self) -> usize {
        self.world
    }

    /// Replaces a tensor with the sum over all members, which has the same bits on each of them.
    ///
    /// # Errors
    ///
    /// Returns an error with [`Fault::Lost`] when a member is gone, and another one when libtorch refuses.
    pub fn sum(&self, tensor: &mut Tensor) -> Result<(), TorchError> {
        can_be_sent(tensor)?;
        let mut lost = false;
        // SAFETY: the group lives as long as `self`, the handle is valid while the tensor is borrowed.
        let message = unsafe { cliptune_group_sum(self.raw.as_ptr(), tensor.as_mut_ptr(), &raw mut lost) };
        check_members(message, lost)
    }

    /// Returns the tensors of all members in the order of their ranks, detached.
    ///
    /// # Errors
    ///
    /// Returns an error with [`Fault::Lost`] when a member is gone, and another one when libtorch refuses.
    pub fn gather(&self, tensor: &Tensor) -> Result<Vec<Tensor>, TorchError> {
        can_be_sent(tensor)?;
        let (mut handles, mut lost) = (vec![ptr::null_mut(); self.world], false);
        // SAFETY: as in `sum`; without an error, C++ has written one new handle for each member, which is ours.
        unsafe {
            let (raw, places) = (self.raw.as_ptr(), handles.as_mut_ptr());
            check_members(cliptune_group_gather(raw, tensor.as_ptr(), places, &raw mut lost), lost)?;
            Ok(handles.into_iter().map(|handle| Tensor::from_ptr(handle)).collect())
        }
    }

    /// Replaces a tensor with that of the member `root`.
    ///
    /// # Errors
    ///
    /// Returns an error with [`Fault::Lost`] when a member is gone, and another one when libtorch refuses.
    pub fn broadcast(&self, tensor: &mut Tensor, root: usize) -> Result<(), TorchError> {
        can_be_sent(tensor)?;
        let mut lost = false;
        // SAFETY: as in `sum`.
        let message =
            unsafe { cliptune_group_broadcast(self.raw.as_ptr(), tensor.as_mut_ptr(), root, &raw mut lost) };
        check_members(message, lost)
    }

    /// Waits until all members have come here.
    ///
    /// # Errors
    ///
    /// Returns an error with [`Fault::Lost`] when a member is gone.
    pub fn barrier(&self) -> Result<(), TorchError> {
        let mut lost = false;
        // SAFETY: the group lives as long as `self`.
        let message = unsafe { cliptune_group_barrier(self.raw.as_ptr(), &raw mut lost) };
        check_members(message, lost)
    }

    /// Closes the connections at once, so that the operations of the others fail. For a member that cannot go on: at the end of a
    /// training it is enough to drop the group.
    ///
    /// An operation of this process that another thread waits for fails within a few seconds.
    pub fn leave(&self) {
        // SAFETY: the group lives as long as `self`; it may be left twice.
        unsafe { cliptune_group_leave(self.raw.as_ptr()) }
    }

    pub(super) fn as_raw(&self) -> *mut RawGroup {
        self.raw.as_ptr()
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and not used afterwards; buckets have their own share of the group.
        unsafe { cliptune_group_free(self.raw.as_ptr()) }
    }
}

/// Turns the outcome of a function that may fail because of the others into a result.
pub(super) fn check_members(message: *mut c_char, lost: bool) -> Result<(), TorchError> {
    check(message).map_err(|error| if lost { error.with_fault(Fault::Lost) } else { error })
}

/// Refuses what Gloo cannot send, before the others wait for it.
fn can_be_sent(tensor: &Tensor) -> Result<(), TorchError> {
    if !tensor.defined() {
        return Err(TorchError::refused("the tensor is not defined"));
    }
    match tensor.kind() {
        Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16 => Ok(()),
        Kind::Int64 | Kind::Int | Kind::Int8 | Kind::Uint8 | Kind::Bool => Ok(()),
        kind => Err(TorchError::refused(format!("tensors of kind {kind:?} cannot be sent"))),
    }
}
