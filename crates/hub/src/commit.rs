//! The commit that a snapshot was taken of.

use std::fmt;
use std::str::FromStr;

use crate::error::HubError;

/// A git commit: 40 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Commit(String);

impl Commit {
    /// Returns the 40 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Commit {
    type Err = HubError;

    fn from_str(text: &str) -> Result<Self, HubError> {
        match is_hex(text, 40) {
            true => Ok(Self(text.to_owned())),
            false => Err(HubError::Commit { text: text.chars().take(80).collect() }),
        }
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks whether the text consists of exactly this many lower-case hexadecimal digits.
pub(crate) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
