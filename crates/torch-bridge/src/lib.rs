//! Binds the parts of libtorch's C++ that tch does not bind.
//!
//! All `unsafe` code of the project is in this crate. Everything that it exports is safe to call.

#![expect(unsafe_code, reason = "calls into C++; the rest of the workspace denies unsafe code")]

mod arithmetic;
mod cuda;
mod fused;
mod memory;
mod mlp;

use std::ffi::{CStr, c_char};

pub use arithmetic::{Arithmetic, set_arithmetic};
pub use cuda::load_cuda;
pub use fused::{AdamState, AdamStep, SgdState, SgdStep, fused_adam, fused_sgd};
pub use memory::{forget_grad, keep_freed_memory};
pub use mlp::{Linear, quick_gelu_mlp};

/// The reason why libtorch refused, in its own words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TorchError(String);

unsafe extern "C" {
    fn cliptune_free_message(message: *mut c_char);
}

/// Turns the outcome of a C++ function, which is null or a message, into a result.
fn check(message: *mut c_char) -> Result<(), TorchError> {
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: a non-null message is a NUL-terminated string from strdup that is ours to free, once.
    let text = unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        cliptune_free_message(message);
        text
    };
    // libtorch appends a C++ stack trace from the second line on.
    Err(TorchError(text.lines().next().unwrap_or_default().to_owned()))
}
