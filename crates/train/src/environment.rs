//! Sets what libraries read from the environment while they are loaded: which libtorch it is, how its threads wait for each
//! other, and how cuBLAS gets its workspaces.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{self, Command};

use cliptune_native::path_to_named_libtorch;

/// The variable by which users say how threads wait for each other, which libgomp reads when it is loaded, before `main`.
const WAIT_POLICY: &str = "OMP_WAIT_POLICY";

/// The variable of libgomp that says how many times a thread looks at a barrier before it sleeps, with a value that is some 100 µs.
///
/// Most of what a small model computes is over sooner, and waking a thread up takes longer than computing such a piece does. Without a
/// bound, threads take time from the very thread that they wait for as soon as a machine runs anything else. A step of
/// `experiments/demo/base.yaml` on 2 cores of a Xeon, alone and beside one busy process: 190 and 240 ms with threads that sleep at
/// once, 125 and 255 ms with this value, 120 and 1,020 ms with 100,000 looks. libgomp's own number is 300,000.
const SPIN_COUNT: (&str, &str) = ("GOMP_SPINCOUNT", "3000");

/// The variable that cuBLAS reads when it starts, with a value that gives it workspaces of a fixed size. Without it,
/// cuBLAS's sums may come out differently each time. It is the value that PyTorch asks for, and as large as the default
/// on current GPUs.
const CUBLAS_WORKSPACE: (&str, &str) = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8");

/// The variable with the number of the process that has started itself again, which it keeps when it does.
///
/// What was missing may be missing still: where a program has capabilities or the rights of another user, the loader removes the
/// search path before `main`. This variable is none of those that it removes.
const STARTED_AGAIN: &str = "CLIPTUNE_TRAIN_STARTED_AGAIN";

/// Takes the libtorch that the user names, and makes waiting threads sleep after a short while and cuBLAS's sums repeatable
/// unless the variables for that are set. All of it is read before `main`, so the program starts itself again, once, with
/// what is missing.
///
/// # Errors
/// When the program cannot be started again. Threads that never sleep are slower, but not wrong, so that only whoever needs the
/// named libtorch has to fail.
pub fn complete() -> io::Result<()> {
    let own = process::id().to_string();
    if env::var_os(STARTED_AGAIN).is_some_and(|number| number == own.as_str()) {
        return Ok(());
    }
    let usual = unset(|name| env::var_os(name).is_some());
    let mut missing: Vec<_> = usual.map(|(name, value)| (name, OsString::from(value))).collect();
    // A folder that is no libtorch is the command's to refuse, so that --help works whatever is set.
    missing.extend(path_to_named_libtorch().ok().flatten());
    if missing.is_empty() {
        return Ok(());
    }
    let mut again = Command::new(env::current_exe()?);
    Err(again.args(env::args_os().skip(1)).envs(missing).env(STARTED_AGAIN, own).exec())
}

/// Returns what the variables that the user has not set should be.
fn unset(is_set: impl Fn(&str) -> bool) -> impl Iterator<Item = (&'static str, &'static str)> {
    // A policy implies how often a thread looks.
    let has_policy = is_set(WAIT_POLICY);
    let spin_count = Some(SPIN_COUNT).filter(|_| !has_policy);
    spin_count.into_iter().chain([CUBLAS_WORKSPACE]).filter(move |(name, _)| !is_set(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_unset_beside(given: &[&str]) -> Vec<&'static str> {
        unset(|name| given.contains(&name)).map(|(name, _)| name).collect()
    }

    #[test]
    fn what_the_user_says_of_waiting_and_workspaces_is_left_alone() {
        assert_eq!(names_unset_beside(&[]), ["GOMP_SPINCOUNT", "CUBLAS_WORKSPACE_CONFIG"]);
        assert_eq!(names_unset_beside(&["OMP_WAIT_POLICY"]), ["CUBLAS_WORKSPACE_CONFIG"]);
        assert_eq!(names_unset_beside(&["GOMP_SPINCOUNT"]), ["CUBLAS_WORKSPACE_CONFIG"]);
        assert_eq!(names_unset_beside(&["CUBLAS_WORKSPACE_CONFIG"]), ["GOMP_SPINCOUNT"]);
    }
}
