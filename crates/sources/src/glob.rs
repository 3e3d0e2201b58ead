//! The one rule for patterns of file names, local and remote.

use globset::{GlobBuilder, GlobMatcher};

/// The characters that make a name a pattern.
const WILDCARDS: [char; 4] = ['*', '?', '[', '{'];

/// Checks whether a name is a pattern.
pub fn is_pattern(name: &str) -> bool {
    name.contains(WILDCARDS)
}

/// Returns the part of a name before its first wildcard.
pub(crate) fn literal(name: &str) -> &str {
    name.split(WILDCARDS).next().unwrap_or_default()
}

/// Compiles a pattern of a path with forward slashes, in which `*` does not match a slash.
///
/// # Errors
///
/// When the pattern cannot be understood.
pub fn matcher(pattern: &str) -> Result<GlobMatcher, globset::Error> {
    Ok(GlobBuilder::new(pattern).literal_separator(true).build()?.compile_matcher())
}
