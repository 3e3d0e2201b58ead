//! A process that works on something in the store.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::regular::read_file;
use crate::utc::utc_now;

/// A process that works on something in the store, as the file that it keeps locked describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// The name of the program.
    program: String,
    /// The machine that it runs on.
    host: String,
    /// The number of the process on that machine.
    pid: u32,
    /// When it began, in RFC 3339 and UTC.
    since: String,
}

impl Worker {
    /// Describes this process, which begins now.
    pub(crate) fn this() -> Self {
        let program = std::env::current_exe().ok();
        let program =
            program.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        Self {
            program: program.unwrap_or_default(),
            host: host_name(),
            pid: std::process::id(),
            since: utc_now(),
        }
    }

    /// Describes a process of another host.
    #[cfg(test)]
    pub(crate) fn at(host: &str, pid: u32) -> Self {
        Self { host: host.to_owned(), pid, ..Self::this() }
    }

    /// Stands for a process that has not said who it is yet.
    pub(crate) fn unknown() -> Self {
        Self { program: String::new(), host: String::new(), pid: 0, since: String::new() }
    }

    /// Returns the description as it is written into a file.
    pub(crate) fn note(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads the description in a file; `None` where there is none.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&read_file(path).ok()?).ok()
    }

    /// Checks whether it runs on another machine.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.host != host_name()
    }
}

impl fmt::Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { program, host, pid, since } = self;
        match program.is_empty() {
            true => f.write_str("another process"),
            false => write!(f, "{program} on {host} (process {pid}, since {since})"),
        }
    }
}

/// Returns the name of this machine; empty where it cannot be found out.
pub fn host_name() -> String {
    let name = fs_err::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_says_who_it_is_where_and_since_when() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let worker = Worker::this();
        fs_err::write(&path, worker.note()).unwrap();
        assert_eq!(Worker::read(&path), Some(worker.clone()));
        assert!(!worker.is_elsewhere());
        let far = Worker {
            program: "cliptune-train".to_owned(),
            host: "gpu-3".to_owned(),
            pid: 7,
            since: "2026".to_owned(),
        };
        assert!(far.is_elsewhere());
        assert_eq!(far.to_string(), "cliptune-train on gpu-3 (process 7, since 2026)");
        assert_eq!(Worker::unknown().to_string(), "another process");
    }
}
