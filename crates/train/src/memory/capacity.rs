//! Finds out how much memory there is.

/// The files in which Linux keeps a container's memory limit: version 2 of control groups, then version 1.
const LIMITS: [&str; 2] = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/// Returns the bytes of memory that this process may have: the machine's, or its container's limit if that is lower;
/// `None` where it cannot be found out.
pub fn host_capacity() -> Option<u64> {
    let machine = fs_err::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
    // Without a limit the file says `max`, or a number larger than the memory of any machine.
    let limits = LIMITS.iter().filter_map(|path| fs_err::read_to_string(path).ok()?.trim().parse().ok());
    machine.into_iter().chain(limits).min()
}

fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_in_the_kernels_words() {
        let text = "MemTotal:       16302048 kB\nMemFree:          252140 kB\n";
        assert_eq!(total(text), Some(16_302_048 * 1024));
        assert_eq!(total("MemFree: 1 kB"), None);
    }
}
