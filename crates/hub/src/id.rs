//! The names of repositories on the hub.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::HubError;
use crate::revision::Revision;

/// The longest repository name that the hub accepts, including the organisation.
const LONGEST: usize = 96;

/// A model repository, and optionally one revision of it: `openai/clip-vit-base-patch32`, `gpt2`, `org/name@v1.0`.
///
/// The rules are those of `huggingface_hub`'s `validate_repo_id`; they make the name safe as a folder and in a URL.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HubId {
    repository: String,
    revision: Option<Revision>,
}

impl HubId {
    /// Returns `org/name`, or `name` for the few repositories that have no organisation.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Returns the revision that is asked for: `main` unless the id names another one.
    pub fn revision(&self) -> Revision {
        self.revision.clone().unwrap_or_default()
    }
}

impl FromStr for HubId {
    type Err = HubError;

    fn from_str(text: &str) -> Result<Self, HubError> {
        let (repository, revision) = match text.split_once('@') {
            Some((repository, revision)) => (repository, Some(revision.parse()?)),
            None => (text, None),
        };
        match fault(repository) {
            Some(reason) => Err(HubError::Id { text: text.to_owned(), reason }),
            None => Ok(Self { repository: repository.to_owned(), revision }),
        }
    }
}

impl TryFrom<String> for HubId {
    type Error = HubError;

    fn try_from(text: String) -> Result<Self, HubError> {
        text.parse()
    }
}

impl From<HubId> for String {
    fn from(id: HubId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for HubId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.revision {
            Some(revision) => write!(f, "{}@{revision}", self.repository),
            None => f.write_str(&self.repository),
        }
    }
}

/// Returns the reason why a text cannot be the name of a repository, if there is one.
fn fault(repository: &str) -> Option<&'static str> {
    let parts = repository.split('/');
    if repository.contains("://") {
        Some("it is a URL; write organisation/name")
    } else if parts.clone().count() > 2 {
        Some("it has more than one slash")
    } else if parts.clone().any(str::is_empty) {
        Some("a name is missing")
    } else if repository.len() > LONGEST {
        Some("it is longer than 96 characters")
    } else if !repository.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b)) {
        Some("only letters, digits, '-', '_' and '.' are allowed")
    } else if parts.clone().any(|part| part.starts_with(['-', '.']) || part.ends_with(['-', '.'])) {
        Some("a name cannot start or end with '-' or '.'")
    } else if repository.contains("--") || repository.contains("..") {
        Some("'--' and '..' are not allowed")
    } else if repository.ends_with(".git") {
        Some("it cannot end in .git")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Option<(String, String)> {
        let id: HubId = text.parse().ok()?;
        Some((id.repository().to_owned(), id.revision().to_string()))
    }

    #[test]
    fn a_repository_may_have_an_organisation_and_a_revision() {
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(parsed("openai/clip-vit-base-patch32"), pair("openai/clip-vit-base-patch32", "main"));
        assert_eq!(parsed("gpt2"), pair("gpt2", "main"));
        assert_eq!(parsed("Foo-BAR_foo.bar123@v1.0"), pair("Foo-BAR_foo.bar123", "v1.0"));
        assert_eq!(parsed("org/name@refs/pr/1"), pair("org/name", "refs/pr/1"));
    }

    #[test]
    fn an_id_is_written_as_it_was_read() {
        for text in ["openai/clip-vit-base-patch32", "gpt2", "org/name@refs/pr/1"] {
            assert_eq!(text.parse::<HubId>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn paths_urls_and_names_the_hub_refuses_are_no_ids() {
        let long = format!("{}/{}", "a".repeat(48), "b".repeat(48));
        let refused = [
            "",
            "/",
            "a/",
            "/a",
            "a/b/c",
            "datasets/foo/bar",
            "..",
            "../a",
            "a/..",
            "a/../b",
            "./a",
            "a/.b",
            "~/a",
            "a..b",
            "foo--bar",
            "foo.git",
            ".repo",
            "-a",
            "a-",
            "a b",
            "a\\b",
            "a\0b",
            "é/a",
            "a@",
            "a@../b",
            "a@b@c d",
            "https://huggingface.co/openai/clip-vit-base-patch32",
            "hf://a/b",
            "C:\\models",
            &long,
        ];
        for text in refused {
            assert_eq!(parsed(text), None, "{text:?} should be refused");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_safe_as_a_folder_name(text in "[a-z./@~%:\\\\-]{0,12}") {
            if let Ok(id) = text.parse::<HubId>() {
                prop_assert!(!id.repository().contains(".."));
                prop_assert!(id.repository().matches('/').count() < 2);
                let revision = id.revision();
                prop_assert!(revision.as_str().split('/').all(|part| !part.is_empty() && !part.starts_with('.')));
            }
        }
    }
}
