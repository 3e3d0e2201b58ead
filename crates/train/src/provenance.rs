//! Records which program makes a run, on which machine.

use std::env;
use std::path::Path;
use std::process::Command;

use cliptune_store::{Provenance, host_name};
use tch::Device;

use crate::device;

/// Gathers the provenance of a run. Facts that cannot be found out are left empty rather than failing the run.
pub fn provenance(experiment_file: &Path, device: Device, processes: usize) -> Provenance {
    Provenance {
        cliptune: env!("CARGO_PKG_VERSION").to_owned(),
        binary: binary_hash().unwrap_or_default(),
        git_commit: experiment_file.parent().and_then(git_commit),
        host: host_name(),
        device: device::name(device),
        threads: usize::try_from(tch::get_num_threads()).unwrap_or(1),
        processes: (processes > 1).then_some(processes),
    }
}

/// Returns the largest memory that this process has had, in bytes, from the kernel's `VmHWM`.
pub fn peak_memory() -> Option<u64> {
    let status = fs_err::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Returns the BLAKE3 of this program, unless it cannot be read.
pub(crate) fn binary_hash() -> Option<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(fs_err::File::open(env::current_exe().ok()?).ok()?).ok()?;
    Some(hasher.finalize().to_hex().to_string())
}

fn git_commit(folder: &Path) -> Option<String> {
    let commit = git(folder, &["rev-parse", "HEAD"])?;
    let changed = git(folder, &["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() { commit } else { format!("{commit}+") })
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
