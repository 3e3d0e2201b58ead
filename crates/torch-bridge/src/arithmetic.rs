//! Settings of the whole process that decide how kernels compute.

use std::ffi::c_char;

use crate::{TorchError, check};

unsafe extern "C" {
    fn cliptune_set_arithmetic(tf32: bool, deterministic: bool) -> *mut c_char;
}

/// Settings for how kernels compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arithmetic {
    /// Whether matrix products of 32-bit floats may round their inputs to TF32, on GPUs that can.
    pub tf32: bool,
    /// Whether only kernels may run that give the same bits every time. On a GPU cuBLAS needs the environment variable
    /// `CUBLAS_WORKSPACE_CONFIG` for that.
    pub deterministic: bool,
}

/// Applies the settings to everything that is computed afterwards, on all threads.
///
/// # Errors
///
/// Returns an error when libtorch refuses.
pub fn set_arithmetic(arithmetic: Arithmetic) -> Result<(), TorchError> {
    // SAFETY: sets flags of libtorch's global context by value.
    check(unsafe { cliptune_set_arithmetic(arithmetic.tf32, arithmetic.deterministic) })
}
