//! The profiles of Amazon's own tools.

use std::collections::HashMap;
use std::path::Path;

use cliptune_durable::read_regular_text;

use crate::error::{Result, SourceError};
use crate::settings::LONGEST_SETTINGS;

/// The sections of `~/.aws/credentials` or `~/.aws/config`, each with its keys.
#[derive(Default)]
pub(crate) struct Profiles(HashMap<String, HashMap<String, String>>);

impl Profiles {
    /// Reads a file; a missing one has no profiles.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        match read_regular_text(path, LONGEST_SETTINGS) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Err(SourceError::Credentials {
                from: path.display().to_string(),
                reason: "the file is not text".to_owned(),
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads `[name]` or `[profile name]`, `key = value`, and comments. Indented lines belong to the value above them
    /// and are none that is used here.
    fn parse(text: &str) -> Self {
        let mut profiles: HashMap<String, HashMap<String, String>> = HashMap::new();
        let mut current = None;
        for line in text.lines().filter(|line| !line.starts_with([' ', '\t', '#', ';'])) {
            if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                let name = header.0.trim();
                let name = name.strip_prefix("profile ").map_or(name, str::trim);
                current = Some(profiles.entry(name.to_owned()).or_default());
            } else if let (Some(profile), Some((key, value))) = (&mut current, line.split_once('=')) {
                profile.insert(key.trim().to_ascii_lowercase(), value_of(value).to_owned());
            }
        }
        Self(profiles)
    }

    /// Checks whether there is a profile of this name.
    pub(crate) fn has(&self, profile: &str) -> bool {
        self.0.contains_key(profile)
    }

    /// Returns a value of a profile, if it is there and not empty.
    pub(crate) fn get(&self, profile: &str, key: &str) -> Option<&str> {
        self.0.get(profile)?.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Removes a comment, which needs a space before it: secrets may contain the characters themselves.
fn value_of(text: &str) -> &str {
    let end = text.find(" #").into_iter().chain(text.find(" ;")).min().unwrap_or(text.len());
    text[..end].trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_read_as_amazons_tools_write_them() {
        let text = "# written by hand\n[default]\naws_access_key_id = AKIA1\naws_secret_access_key=a/b+c=d#e ; note\n\
                    [profile lab]\nregion = eu-west-1 # near\ns3 =\n    max_concurrent_requests = 20\nRegion2\n\
                    [empty]\nregion =\n";
        let profiles = Profiles::parse(text);
        assert_eq!(profiles.get("default", "aws_access_key_id"), Some("AKIA1"));
        assert_eq!(profiles.get("default", "aws_secret_access_key"), Some("a/b+c=d#e"));
        assert_eq!(profiles.get("lab", "region"), Some("eu-west-1"));
        assert_eq!(profiles.get("lab", "max_concurrent_requests"), None);
        assert_eq!(profiles.get("empty", "region"), None);
        assert!(profiles.has("empty") && !profiles.has("other"));
    }

    #[test]
    fn a_missing_file_has_no_profiles() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!Profiles::read(&folder.path().join("credentials")).unwrap().has("default"));
    }
}
