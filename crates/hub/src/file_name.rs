//! The names of files inside a repository.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::HubError;

/// The longest name of a file or folder that file systems accept, in bytes.
const LONGEST_COMPONENT: usize = 255;
/// The longest path inside a repository, in bytes.
const LONGEST: usize = 1024;

/// A file of a repository: a relative path with `/` between its parts that has been checked to stay inside the
/// snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileName(String);

impl FileName {
    /// Returns the name as the hub writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the path of this file below a folder.
    pub(crate) fn below(&self, folder: &Path) -> PathBuf {
        self.0.split('/').fold(folder.to_owned(), |path, part| path.join(part))
    }

    /// Returns how many folders deep the file is, which is 0 for a file at the top.
    pub(crate) fn depth(&self) -> usize {
        self.0.matches('/').count()
    }
}

impl FromStr for FileName {
    type Err = HubError;

    fn from_str(text: &str) -> Result<Self, HubError> {
        let component = |part: &str| !matches!(part, "" | "." | "..") && part.len() <= LONGEST_COMPONENT;
        // A backslash or a colon would leave the folder on Windows.
        let forbidden = |c: char| c.is_control() || matches!(c, '\\' | ':');
        let valid = text.len() <= LONGEST && text.split('/').all(component) && !text.contains(forbidden);
        match valid {
            true => Ok(Self(text.to_owned())),
            false => Err(HubError::FileName { text: text.chars().take(200).collect() }),
        }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_file_may_be_in_folders_but_never_outside() {
        for text in ["config.json", "shards/model-00001-of-00002.safetensors", ".gitattributes", "a/..b"] {
            assert!(text.parse::<FileName>().is_ok(), "{text:?} should be accepted");
        }
        let long = "a/".repeat(600) + "b";
        for text in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a//b",
            "a/",
            "./a",
            "C:\\x",
            "a\\..\\b",
            "a\0",
            "a\nb",
            &long,
        ] {
            assert!(text.parse::<FileName>().is_err(), "{text:?} should be refused");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_name_stays_below_its_folder(text in "[a./\\\\]{0,10}") {
            if let Ok(name) = text.parse::<FileName>() {
                let path = name.below(Path::new("/snapshot"));
                prop_assert!(path.starts_with("/snapshot"));
                prop_assert!(path.components().all(|part| !matches!(part, std::path::Component::ParentDir)));
                prop_assert_eq!(path.components().count(), name.depth() + 3);
            }
        }
    }
}
