//! libtorch's CUDA half.

use std::ffi::c_char;

use crate::{TorchError, check};

unsafe extern "C" {
    fn cliptune_load_cuda(loaded: *mut bool) -> *mut c_char;
}

/// Loads libtorch's CUDA half when the libtorch in use has one, and says whether it does.
///
/// The binary is linked against the CPU half alone, so that it starts on hosts without CUDA.
///
/// # Errors
///
/// Returns an error when `libtorch_cuda.so` is there but cannot be loaded, for example because a CUDA library is
/// missing.
pub fn load_cuda() -> Result<bool, TorchError> {
    let mut loaded = false;
    // SAFETY: `loaded` is a valid place for one bool; the library's initialisers are libtorch's own.
    let message = unsafe { cliptune_load_cuda(&raw mut loaded) };
    check(message).map(|()| loaded)
}
