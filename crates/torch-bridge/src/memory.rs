//! Decides what happens to memory that a step no longer needs.

use std::ffi::c_char;

use tch::Tensor;

use crate::{TorchError, check};

unsafe extern "C" {
    fn cliptune_forget_grad(tensor: *mut torch_sys::C_tensor) -> *mut c_char;
    fn cliptune_keep_freed_memory();
}

/// Makes the gradient of a weight undefined, as `zero_grad(set_to_none=True)` does.
///
/// The next backward pass can then hand its gradient over as it is. tch's `zero_grad` writes zeros, which the backward
/// pass reads again in order to add to them; that costs three more passes over all weights.
///
/// # Errors
///
/// Returns an error when libtorch refuses.
pub fn forget_grad(weight: &mut Tensor) -> Result<(), TorchError> {
    // SAFETY: the handle is valid while the tensor is borrowed; the gradient belongs to it alone.
    check(unsafe { cliptune_forget_grad(weight.as_mut_ptr()) })
}

/// Makes the process keep the memory that libtorch frees, for as long as it runs.
///
/// glibc returns large blocks to the system when they are freed. A step takes and frees gigabytes, and the kernel
/// zeroes every page before handing it out again. The peak is what a step needs either way.
pub fn keep_freed_memory() {
    // SAFETY: `mallopt` may be called at any time.
    unsafe { cliptune_keep_freed_memory() }
}
