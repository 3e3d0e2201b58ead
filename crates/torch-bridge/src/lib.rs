//! Binds the parts of libtorch's C++ that tch does not bind.
//!
//! All `unsafe` code of the project is in this crate. Everything that it exports is safe to call.

#![expect(unsafe_code, reason = "calls into C++; the rest of the workspace denies unsafe code")]

mod arithmetic;
mod cuda;
mod distributed;
mod error;
mod fused;
mod memory;
mod mlp;

pub use arithmetic::{Arithmetic, set_arithmetic};
pub use cuda::load_cuda;
pub use distributed::{Backend, Buckets, KeyStore, Meeting, Membership, ProcessGroup, in_threads};
pub use error::{Fault, TorchError};
pub use fused::{AdamState, AdamStep, SgdState, SgdStep, fused_adam, fused_sgd};
pub use memory::{forget_grad, keep_freed_memory};
pub use mlp::{Linear, quick_gelu_mlp};

use error::check;
