//! The branches, tags and commits of a repository.

use std::fmt;
use std::str::FromStr;

use crate::commit::Commit;
use crate::error::HubError;

/// The branch that is used when no revision is named.
const DEFAULT: &str = "main";

/// The longest name, in bytes. The name becomes part of a path.
const LONGEST: usize = 250;

/// A branch, tag, pull-request reference (`refs/pr/1`) or commit of a repository.
///
/// The rules are git's (`git check-ref-format`); they make the name safe as a path below `refs/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Revision(String);

impl Revision {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the commit if the revision is a full commit hash, which can never mean anything else later.
    pub fn commit(&self) -> Option<Commit> {
        self.0.parse().ok()
    }
}

impl Default for Revision {
    fn default() -> Self {
        Self(DEFAULT.to_owned())
    }
}

impl FromStr for Revision {
    type Err = HubError;

    fn from_str(text: &str) -> Result<Self, HubError> {
        let component = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
        let forbidden = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
        let valid = text.len() <= LONGEST
            && text.split('/').all(component)
            && !text.contains("..")
            && !text.contains("@{")
            && !text.ends_with('.')
            && !text.contains(forbidden);
        valid.then(|| Self(text.to_owned())).ok_or_else(|| HubError::Revision { text: text.to_owned() })
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_tags_pull_requests_and_commits_are_revisions() {
        for text in ["main", "v1.0", "refs/pr/1", "feature/größe", &"0a".repeat(20)] {
            assert_eq!(text.parse::<Revision>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn names_that_would_leave_the_refs_folder_are_refused() {
        let long = "a".repeat(251);
        for text in [
            "", "/", "/main", "main/", "a//b", "..", "../main", "a/../b", "a/.b", "a\\b", "a b", "a\n",
            "x.lock", "a:", &long,
        ] {
            assert!(text.parse::<Revision>().is_err(), "{text:?} should be refused");
        }
    }

    #[test]
    fn only_a_whole_commit_pins() {
        assert!("0a".repeat(20).parse::<Revision>().unwrap().commit().is_some());
        assert!("0a0a0a0".parse::<Revision>().unwrap().commit().is_none());
    }
}
