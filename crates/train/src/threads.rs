//! How libtorch's threads wait for each other.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Read by libgomp when it is loaded, before `main`.
const WAIT_POLICY: &str = "OMP_WAIT_POLICY";

/// Read by cuBLAS when it starts: workspaces of a fixed size, without which its sums may come out differently each time.
/// It is what PyTorch asks for; as large as its default on current GPUs.
const CUBLAS_WORKSPACE: (&str, &str) = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8");

/// Makes waiting threads sleep instead of spin, and cuBLAS's sums repeatable, unless the variables are set.
///
/// libgomp's threads spin at every barrier. On a machine that runs anything else they burn the time of the thread
/// they wait for: beside one other process on 2 cores a step of the demo took ten times as long. The variable is
/// read before `main`, so the program starts itself once more with it.
pub fn wait_politely() {
    let missing = [(WAIT_POLICY, "PASSIVE"), CUBLAS_WORKSPACE];
    let missing: Vec<_> = missing.into_iter().filter(|(name, _)| env::var_os(name).is_none()).collect();
    if missing.is_empty() {
        return;
    }
    if let Ok(program) = env::current_exe() {
        // `exec` only returns when it failed; spinning threads are slower, not wrong.
        let _ = Command::new(program).args(env::args_os().skip(1)).envs(missing).exec();
    }
}
