//! Sums of gradients that travel while the backward pass goes on.

use std::ffi::c_char;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use tch::Tensor;
use torch_sys::C_tensor;

use super::ProcessGroup;
use super::group::{RawGroup, check_members};
use crate::{TorchError, check};

/// The C++ side of buckets.
#[repr(C)]
struct RawBuckets {
    opaque: [u8; 0],
}

unsafe extern "C" {
    fn cliptune_buckets_new(
        group: *mut RawGroup,
        weights: *const *const C_tensor,
        n: usize,
        bytes: usize,
        buckets: *mut *mut RawBuckets,
    ) -> *mut c_char;
    fn cliptune_buckets_arm(buckets: *mut RawBuckets, armed: bool);
    fn cliptune_buckets_finish(buckets: *mut RawBuckets, bytes: *mut usize, lost: *mut bool) -> *mut c_char;
    fn cliptune_buckets_free(buckets: *mut RawBuckets);
}

/// Sums the gradients of weights over a group, in buckets that go while the rest of the backward pass is computed (Li et al. 2020,
/// "PyTorch Distributed: Experiences on Accelerating Data Parallel Training").
///
/// A round ends with [`finish`](Self::finish), which all members call. In between, gradients are accumulated as without buckets. Those
/// of an armed pass are complete with it, and a bucket goes when all of its gradients are complete and the buckets before it have gone.
/// The gradient of a weight in a bucket that has gone is undefined until the end of the round.
#[derive(Debug)]
pub struct Buckets<'a> {
    raw: NonNull<RawBuckets>,
    group: PhantomData<&'a ProcessGroup>,
}

impl<'a> Buckets<'a> {
    /// Shares weights out to buckets of so many bytes, in the order in which their gradients are expected to be complete. All members
    /// give the same shapes in the same order.
    ///
    /// # Errors
    ///
    /// Returns an error when a weight is no leaf of floats that requires a gradient.
    pub fn new(group: &'a ProcessGroup, weights: &[&Tensor], bytes: usize) -> Result<Self, TorchError> {
        let handles: Vec<*const C_tensor> = weights.iter().map(|weight| weight.as_ptr()).collect();
        let mut raw = ptr::null_mut();
        // SAFETY: the group and the handles are valid during the call; C++ keeps a share of the group and of each weight, and takes
        // its hooks from the weights before it goes.
        let message = unsafe {
            cliptune_buckets_new(group.as_raw(), handles.as_ptr(), handles.len(), bytes, &raw mut raw)
        };
        check(message)?;
        let raw = NonNull::new(raw).ok_or_else(|| TorchError::refused("no buckets"))?;
        Ok(Self { raw, group: PhantomData })
    }

    /// Says whether the passes from here on are the last ones for the weights that they reach: each gradient that is accumulated while
    /// armed is complete.
    pub fn arm(&self, last: bool) {
        // SAFETY: the buckets live as long as `self`.
        unsafe { cliptune_buckets_arm(self.raw.as_ptr(), last) }
    }

    /// Lets the remaining buckets go, waits for all, and makes the sums the gradients of the weights. Returns how many bytes this
    /// member handed over to be summed.
    ///
    /// A gradient that is undefined on some members counts as zeros there. One that is undefined on all of them stays so. Afterwards
    /// the next round begins, unarmed.
    ///
    /// # Errors
    ///
    /// Returns an error with [`Fault::Lost`](crate::Fault::Lost) when a member is gone, and another one when a gradient was
    /// accumulated once more after it had been complete.
    pub fn finish(&self) -> Result<usize, TorchError> {
        let (mut bytes, mut lost) = (0, false);
        // SAFETY: the buckets live as long as `self`; the places are valid.
        let message = unsafe { cliptune_buckets_finish(self.raw.as_ptr(), &raw mut bytes, &raw mut lost) };
        check_members(message, lost).map(|()| bytes)
    }
}

impl Drop for Buckets<'_> {
    fn drop(&mut self) {
        // SAFETY: the buckets are ours and not used afterwards.
        unsafe { cliptune_buckets_free(self.raw.as_ptr()) }
    }
}
