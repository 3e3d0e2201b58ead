//! The memory that a container leaves to its processes.

use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::proc_files::size;

/// The names that a version of control groups has for its files.
struct Files {
    /// The folder of the hierarchy, below `/`.
    folder: &'static str,
    limit: &'static str,
    used: &'static str,
    /// The name, in `memory.stat`, of what the kernel gives up first when memory is short.
    cached: &'static str,
}

/// Version 2, then version 1.
const VERSIONS: [Files; 2] = [
    Files { folder: "sys/fs/cgroup", limit: "memory.max", used: "memory.current", cached: "inactive_file" },
    Files {
        folder: "sys/fs/cgroup/memory",
        limit: "memory.limit_in_bytes",
        used: "memory.usage_in_bytes",
        cached: "total_inactive_file",
    },
];

/// The memory that there is, and how much of it is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) limit: u64,
    pub(crate) used: Option<u64>,
}

/// Returns the bytes of memory that this process may have: the machine's, or its container's limit if that is lower; `None`
/// where it cannot be found out.
pub fn memory_limit() -> Option<u64> {
    Some(memory(Path::new("/"))?.limit)
}

/// Returns the tightest of the memories of the machine and of the groups that the process is in.
pub(crate) fn memory(root: &Path) -> Option<Memory> {
    let groups =
        VERSIONS.iter().flat_map(|files| groups(root, files).into_iter().map(move |group| (files, group)));
    let limited = groups.filter_map(|(files, group)| of_group(files, &group));
    // Without a limit the file says `max`, or a number larger than the memory of any machine.
    machine(root).into_iter().chain(limited).min_by_key(|memory| memory.limit)
}

fn machine(root: &Path) -> Option<Memory> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let limit = size(&text, "MemTotal")?;
    Some(Memory { limit, used: size(&text, "MemAvailable").map(|free| limit.saturating_sub(free)) })
}

/// Returns the folders of the group that the process is in, and of those around it. In a container, the path may be that of
/// the host; then only the outermost folder is there.
fn groups(root: &Path, files: &Files) -> Vec<PathBuf> {
    let hierarchy = root.join(files.folder);
    let text = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let is_second = files.folder == VERSIONS[0].folder;
    let own = text.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let is_own =
            if is_second { controllers.is_empty() } else { controllers.split(',').any(|c| c == "memory") };
        is_own.then(|| path.trim_start_matches('/'))
    });
    let own = Path::new(own.unwrap_or_default());
    own.ancestors()
        .filter(|path| !path.components().any(|part| part.as_os_str() == ".."))
        .map(|path| hierarchy.join(path))
        .collect()
}

fn of_group(files: &Files, group: &Path) -> Option<Memory> {
    let number = |name: &str| fs::read_to_string(group.join(name)).ok()?.trim().parse::<u64>().ok();
    let limit = number(files.limit)?;
    let stat = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let cached = stat.lines().find_map(|line| line.strip_prefix(files.cached)?.trim().parse::<u64>().ok());
    let used = number(files.used).map(|used| used.saturating_sub(cached.unwrap_or(0)));
    Some(Memory { limit, used })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: &str = "MemTotal:       1000 kB\nMemFree:  100 kB\nMemAvailable:  400 kB\n";

    fn write(root: &Path, file: &str, text: &str) {
        let file = root.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    #[test]
    fn a_machine_without_containers_has_all_of_its_memory() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(memory(root.path()), None);
        write(root.path(), "proc/meminfo", MACHINE);
        write(root.path(), "proc/self/cgroup", "0::/user.slice\n");
        write(root.path(), "sys/fs/cgroup/user.slice/memory.max", "max\n");
        assert_eq!(memory(root.path()), Some(Memory { limit: 1000 << 10, used: Some(600 << 10) }));
    }

    #[test]
    fn the_tightest_group_around_a_process_counts() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "proc/meminfo", MACHINE);
        write(root.path(), "proc/self/cgroup", "0::/pod/box\n");
        write(root.path(), "sys/fs/cgroup/pod/box/memory.max", "max\n");
        write(root.path(), "sys/fs/cgroup/pod/memory.max", "512000\n");
        write(root.path(), "sys/fs/cgroup/pod/memory.current", "300000\n");
        write(root.path(), "sys/fs/cgroup/pod/memory.stat", "anon 5\ninactive_file 100000\n");
        assert_eq!(memory(root.path()), Some(Memory { limit: 512_000, used: Some(200_000) }));
    }

    #[test]
    fn a_container_that_sees_the_path_of_its_host_still_sees_its_limit() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "proc/meminfo", MACHINE);
        write(root.path(), "proc/self/cgroup", "4:cpu,memory:/docker/0b51\n0::/\n");
        write(root.path(), "sys/fs/cgroup/memory/memory.limit_in_bytes", "700000\n");
        write(root.path(), "sys/fs/cgroup/memory/memory.usage_in_bytes", "5\n");
        assert_eq!(memory(root.path()), Some(Memory { limit: 700_000, used: Some(5) }));
        // Without a limit, version 1 says a number that no memory has.
        write(root.path(), "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(memory(root.path()).unwrap().limit, 1000 << 10);
    }
}
