//! The texts in which the kernel tells what a process and its machine use.

/// The number of ticks a second in which the kernel tells times. It is the same on every Linux that a program can run on.
const TICKS: f64 = 100.0;

/// Returns the ticks that the processors have worked, and all of their ticks, from `/proc/stat`.
pub(crate) fn machine_ticks(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    // The last two, of guests, are in the first two already.
    let ticks: Vec<u64> = line.split_whitespace().take(8).map_while(|word| word.parse().ok()).collect();
    let [_, _, _, idle, waiting, ..] = ticks[..] else { return None };
    let all = ticks.iter().fold(0u64, |all, ticks| all.saturating_add(*ticks));
    Some((all.saturating_sub(idle).saturating_sub(waiting), all))
}

/// Returns the processor time of a process in seconds, from `/proc/self/stat`.
pub(crate) fn process_seconds(stat: &str) -> Option<f64> {
    // The name of the program, in brackets, may contain spaces and brackets.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11).map_while(|word| word.parse::<u64>().ok());
    let (user, system) = (times.next()?, times.next()?);
    Some(user.saturating_add(system) as f64 / TICKS)
}

/// Returns a size in bytes from a text of lines like `VmRSS:   1024 kB`.
pub(crate) fn size(text: &str, name: &str) -> Option<u64> {
    let of_name = |line: &'_ str| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned());
    let kibibytes: u64 = text.lines().find_map(of_name)?.strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Returns the bytes that a process has had the disks read and write, from `/proc/self/io`.
pub(crate) fn transferred(io: &str) -> Option<(u64, u64)> {
    let of_name =
        |name: &str| io.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    Some((of_name("read_bytes:")?, of_name("write_bytes:")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_that_wait_for_a_disk_do_not_work() {
        let stat = "cpu  100 20 30 800 50 0 5 1 7 0\ncpu0 1 1 1 1\nintr 5\n";
        assert_eq!(machine_ticks(stat), Some((156, 1006)));
        assert_eq!(machine_ticks("cpu  100 20\n"), None);
        assert_eq!(machine_ticks(""), None);
    }

    #[test]
    fn the_name_of_a_program_confuses_nothing() {
        let stat = "7 (a) R 1 (b) c) R 1 7 7 0 -1 0 10 0 0 0 250 50 0 0 20 0 4 0 99 0 0";
        assert_eq!(process_seconds(stat), Some(3.0));
        assert_eq!(process_seconds("7 (a"), None);
        assert_eq!(process_seconds("7 (a) R 1 7 7 0 -1 0 10 0 0 0 x 50"), None);
    }

    #[test]
    fn sizes_are_in_the_kernels_words() {
        let text = "MemTotal:       16302048 kB\nMemFree:          252140 kB\nVmRSS:\t    12 kB\n";
        assert_eq!(size(text, "MemTotal"), Some(16_302_048 * 1024));
        assert_eq!(size(text, "VmRSS"), Some(12 * 1024));
        assert_eq!(size(text, "Mem"), None);
        assert_eq!(size("MemTotal: 99999999999999999999 kB", "MemTotal"), None);
    }

    #[test]
    fn what_is_written_to_a_disk_is_told_apart_from_what_is_written() {
        let io = "rchar: 9\nwchar: 8\nread_bytes: 4096\nwrite_bytes: 512\ncancelled_write_bytes: 1\n";
        assert_eq!(transferred(io), Some((4096, 512)));
        assert_eq!(transferred("rchar: 9\n"), None);
    }
}
