//! Looks at a process and its machine.

use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::control_groups::memory;
use crate::energy::packages;
use crate::gpu::{Gpu, GpuLook};
use crate::look::Look;
use crate::proc_files::{machine_ticks, process_seconds, size, transferred};

/// Looks at this process and its machine.
pub struct Probe {
    /// The folder that the kernel's files are below.
    root: PathBuf,
    /// The folder whose disk is looked at.
    folder: PathBuf,
    gpu: Option<Box<dyn Gpu>>,
}

impl Probe {
    /// Creates a probe that looks at the disk of a folder, and at a GPU if there is one.
    pub fn new(folder: &Path, gpu: Option<Box<dyn Gpu>>) -> Self {
        Self::below(Path::new("/"), folder, gpu)
    }

    /// Creates a probe that finds the kernel's files below another folder than `/`.
    pub fn below(root: &Path, folder: &Path, gpu: Option<Box<dyn Gpu>>) -> Self {
        Self { root: root.to_path_buf(), folder: folder.to_path_buf(), gpu }
    }

    /// Looks once. Whatever cannot be read is missing.
    pub fn look(&mut self) -> Look {
        let read = |name: &str| fs::read_to_string(self.root.join(name)).unwrap_or_default();
        let status = read("proc/self/status");
        let memory = memory(&self.root);
        Look {
            machine: machine_ticks(&read("proc/stat")),
            process: process_seconds(&read("proc/self/stat")),
            processors_limit: std::thread::available_parallelism().ok().map(|count| count.get() as f64),
            memory: size(&status, "VmRSS"),
            memory_peak: size(&status, "VmHWM"),
            memory_used: memory.and_then(|memory| memory.used),
            memory_limit: memory.map(|memory| memory.limit),
            disk: free_space(&self.folder),
            transferred: transferred(&read("proc/self/io")),
            packages: packages(&self.root.join("sys/class/powercap")),
            gpu: self.gpu.as_mut().map_or_else(GpuLook::default, |gpu| gpu.look()),
        }
    }
}

/// Returns the bytes that a user may still write to the disk of a folder; `None` where there is no such folder.
pub fn free_space(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_tells_nothing_is_no_error() {
        let nothing = tempfile::tempdir().unwrap();
        let gone = nothing.path().join("gone");
        let look = Probe::below(nothing.path(), &gone, None).look();
        assert_eq!(Look { processors_limit: None, ..look }, Look::default());
    }

    #[test]
    fn garbage_in_place_of_the_kernels_files_is_no_error() {
        let root = tempfile::tempdir().unwrap();
        for file in ["proc/stat", "proc/self/stat", "proc/self/status", "proc/self/io", "proc/meminfo"] {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, b"cpu \xff\xfe ) VmRSS: kB\nread_bytes:\n").unwrap();
        }
        fs::create_dir_all(root.path().join("sys/class/powercap/intel-rapl:0/name")).unwrap();
        let look = Probe::below(root.path(), &root.path().join("gone"), None).look();
        assert_eq!(Look { processors_limit: None, ..look }, Look::default());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_tells_of_its_memory_its_disk_and_its_processors() {
        let folder = tempfile::tempdir().unwrap();
        let look = Probe::new(folder.path(), None).look();
        assert!(look.memory.is_some_and(|memory| memory > 0 && Some(memory) <= look.memory_limit));
        assert!(look.memory_peak >= look.memory);
        assert!(look.disk.is_some() && look.machine.is_some() && look.process.is_some());
        assert_eq!(look.gpu, GpuLook::default());
    }
}
