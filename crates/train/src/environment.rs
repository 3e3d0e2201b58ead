//! Sets what libraries read from the environment while they are loaded: which libtorch it is, how its threads wait for each
//! other, and how cuBLAS gets its workspaces.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{self, Command};

use cliptune_native::path_to_named_libtorch;

/// The variable that libgomp reads when it is loaded, before `main`.
const WAIT_POLICY: &str = "OMP_WAIT_POLICY";

/// The variable that cuBLAS reads when it starts, with a value that gives it workspaces of a fixed size. Without it,
/// cuBLAS's sums may come out differently each time. It is the value that PyTorch asks for, and as large as the default
/// on current GPUs.
const CUBLAS_WORKSPACE: (&str, &str) = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8");

/// The variable with the number of the process that has started itself again, which it keeps when it does.
///
/// What was missing may be missing still: where a program has capabilities or the rights of another user, the loader removes the
/// search path before `main`. This variable is none of those that it removes.
const STARTED_AGAIN: &str = "CLIPTUNE_TRAIN_STARTED_AGAIN";

/// Takes the libtorch that the user names, and makes waiting threads sleep instead of spin and cuBLAS's sums repeatable unless
/// the variables for that are set.
///
/// libgomp's threads spin at every barrier. On a machine that runs anything else they take time from the very thread
/// they wait for: beside one other process on 2 cores, a step of the demo took ten times as long. All of it is read
/// before `main`, so the program starts itself again, once, with what is missing.
///
/// # Errors
/// When the program cannot be started again. Spinning threads are slower, but not wrong, so that only whoever needs the named
/// libtorch has to fail.
pub fn complete() -> io::Result<()> {
    let own = process::id().to_string();
    if env::var_os(STARTED_AGAIN).is_some_and(|number| number == own.as_str()) {
        return Ok(());
    }
    let usual = [(WAIT_POLICY, "PASSIVE"), CUBLAS_WORKSPACE];
    let usual = usual.into_iter().filter(|(name, _)| env::var_os(name).is_none());
    let mut missing: Vec<_> = usual.map(|(name, value)| (name, OsString::from(value))).collect();
    // A folder that is no libtorch is the command's to refuse, so that --help works whatever is set.
    missing.extend(path_to_named_libtorch().ok().flatten());
    if missing.is_empty() {
        return Ok(());
    }
    let mut again = Command::new(env::current_exe()?);
    Err(again.args(env::args_os().skip(1)).envs(missing).env(STARTED_AGAIN, own).exec())
}
