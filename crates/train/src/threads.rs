//! How libtorch's threads wait for each other.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Read by libgomp when it is loaded, before `main`.
const WAIT_POLICY: &str = "OMP_WAIT_POLICY";

/// Makes waiting threads sleep instead of spin, unless the variable is set.
///
/// libgomp's threads spin at every barrier. On a machine that runs anything else they burn the time of the thread
/// they wait for: beside one other process on 2 cores a step of the demo took ten times as long. The variable is
/// read before `main`, so the program starts itself once more with it.
pub fn wait_politely() {
    if env::var_os(WAIT_POLICY).is_some() {
        return;
    }
    if let Ok(program) = env::current_exe() {
        // `exec` only returns when it failed; spinning threads are slower, not wrong.
        let _ = Command::new(program).args(env::args_os().skip(1)).env(WAIT_POLICY, "PASSIVE").exec();
    }
}
