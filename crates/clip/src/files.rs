//! The files of a model folder, which may come from anywhere.

/// The largest configuration file that is read, in bytes. No published configuration comes near it.
pub(crate) const LONGEST_CONFIGURATION: u64 = 16 << 20;
