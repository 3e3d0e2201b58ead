//! Groups within one process.

use std::panic;
use std::thread;
use std::time::Duration;

use super::{Backend, KeyStore, Membership, ProcessGroup};
use crate::TorchError;

const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the members of a group as threads of this process, over the loopback interface, and returns what they return in the order of
/// their ranks. For tests.
///
/// # Errors
///
/// Returns an error when the group cannot be formed.
///
/// # Panics
///
/// Panics when a member does.
#[doc(hidden)]
pub fn in_threads<T: Send>(
    world: usize,
    member: impl Fn(ProcessGroup) -> T + Sync,
) -> Result<Vec<T>, TorchError> {
    let store = KeyStore::within_process(PATIENCE)?;
    let join = |rank| {
        let (backend, interface) = (Backend::Gloo, Some("lo"));
        let membership = Membership { rank, world, backend, interface, timeout: PATIENCE };
        ProcessGroup::join(&store, &membership).map(&member)
    };
    thread::scope(|scope| {
        let members: Vec<_> = (0..world).map(|rank| scope.spawn(move || join(rank))).collect();
        // Waits for all of them before it tells of one.
        let ends: Vec<_> = members.into_iter().map(thread::ScopedJoinHandle::join).collect();
        ends.into_iter().map(|end| end.unwrap_or_else(|cause| panic::resume_unwind(cause))).collect()
    })
}
