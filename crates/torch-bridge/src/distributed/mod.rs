//! Training on several processes, by torch.distributed's C++ library (c10d).
//!
//! Processes find each other in a [`KeyStore`], join a [`ProcessGroup`] whose members start the same operations in the same
//! order, and sum gradients in [`Buckets`] while the backward pass goes on.
//!
//! Gloo carries the bytes, from one host's memory to another's, or NCCL does, from one GPU to another: see [`Backend`].

mod backend;
mod buckets;
mod group;
mod store;
#[cfg(test)]
mod tests;
mod threads;

use std::ffi::CString;
use std::time::Duration;

pub use backend::Backend;
pub use buckets::Buckets;
pub use group::{Membership, ProcessGroup};
pub use store::{KeyStore, Meeting};
pub use threads::in_threads;

use crate::TorchError;

/// Turns a text into one for C++.
fn c_text(text: &str) -> Result<CString, TorchError> {
    CString::new(text).map_err(|_| TorchError::refused(format!("{text:?} has a NUL")))
}

/// Rounds a time to what c10d can wait for: whole milliseconds, where 0 would be without end.
fn milliseconds(time: Duration) -> i64 {
    let longest = i32::MAX;
    i64::from(i32::try_from(time.as_millis()).unwrap_or(longest).max(1))
}
