//! On which boot of a machine a process runs.

use std::sync::OnceLock;

use fs_err as fs;

/// Returns the identity that the kernel gave itself when it was started, such as `8d1c5a0e-…`, or `None` where it does not tell. No two
/// boots share one, be they of one machine or of two, and all containers of a machine have that of their kernel.
pub fn boot_id() -> Option<&'static str> {
    static BOOT: OnceLock<Option<String>> = OnceLock::new();
    let read = || {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(id.trim().to_owned()).filter(|id| !id.is_empty())
    };
    BOOT.get_or_init(read).as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_has_one_identity_without_a_line_break() {
        assert_eq!(boot_id(), boot_id());
        let is_of_id = |letter: char| letter.is_ascii_hexdigit() || letter == '-';
        assert!(boot_id().is_none_or(|id| !id.is_empty() && id.chars().all(is_of_id)), "{:?}", boot_id());
    }
}
