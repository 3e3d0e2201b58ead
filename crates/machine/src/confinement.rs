//! A bound on the memory of this process, for those that run what a stranger has written.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process and those that it starts from now on have no more than so many bytes of memory of their own. Whoever asks
/// for more is told so at once, while the kernel would otherwise end some process when all memory is used up. A tighter bound
/// stays, and where there are no bounds, there is none.
pub fn confine_memory(bytes: u64) {
    let now = getrlimit(Resource::Data);
    let bound = now.current.map_or(bytes, |current| current.min(bytes));
    let _ = setrlimit(Resource::Data, Rlimit { current: Some(bound), maximum: now.maximum });
}
