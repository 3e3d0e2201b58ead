//! Reads environment variables as programs in Python read them.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A source of variables: the process, or a test's own table.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    lookup: &'a dyn Fn(&str) -> Option<OsString>,
}

impl<'a> Environment<'a> {
    /// Wraps a function that looks a variable up.
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<OsString>) -> Self {
        Self { lookup }
    }

    /// Looks a variable of this process up. If the environment does not name the home folder, the password database does.
    pub fn of_process(name: &str) -> Option<OsString> {
        match name {
            "HOME" => env::home_dir().map(PathBuf::into_os_string),
            _ => env::var_os(name),
        }
    }

    /// Returns a variable if it is set and not empty.
    pub fn text(&self, name: &str) -> Option<String> {
        let value = (self.lookup)(name)?;
        (!value.is_empty()).then(|| value.to_string_lossy().into_owned())
    }

    /// Returns the first of several variables that is set.
    pub fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.text(name))
    }

    /// Reads a switch, which is on for 1, ON, YES and TRUE in any case.
    pub fn is_true(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| is_true(&value))
    }

    /// Reads a path and replaces `~` and `$VARIABLES` in it.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let value = (self.lookup)(name)?;
        let path = Path::new(&value);
        match value.to_str() {
            Some("") => None,
            Some(text) => Some(self.expand(text)),
            // A path that is not Unicode is not searched for placeholders.
            None => Some(path.to_owned()),
        }
    }

    /// Returns the user's home folder.
    pub fn home(&self) -> Option<PathBuf> {
        (self.lookup)("HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
    }

    fn expand(&self, text: &str) -> PathBuf {
        let (text, home) = match text.strip_prefix('~') {
            Some("") => ("", self.home()),
            Some(rest) if rest.starts_with('/') => (rest.trim_start_matches('/'), self.home()),
            _ => (text, None),
        };
        let rest = self.expand_variables(text);
        home.map(|home| home.join(&rest)).unwrap_or_else(|| PathBuf::from(rest))
    }

    /// Replaces `$NAME` and `${NAME}`. Variables that are not set stay as they are, as in Python's `expandvars`.
    fn expand_variables(&self, text: &str) -> String {
        let mut parts = text.split('$');
        let mut expanded = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = split_name(part);
            match self.text(name) {
                Some(value) => expanded.extend([&value, rest]),
                None => expanded.extend(["$", part]),
            }
        }
        expanded
    }
}

/// Checks whether a value counts as on.
pub fn is_true(value: &str) -> bool {
    ["1", "ON", "YES", "TRUE"].contains(&value.to_ascii_uppercase().as_str())
}

/// Splits the text after a dollar sign into the variable's name and the rest.
fn split_name(text: &str) -> (&str, &str) {
    if let Some((name, rest)) = text.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
        return (name, rest);
    }
    let end = text.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(value: &str) -> Option<PathBuf> {
        let lookup = |name: &str| match name {
            "HOME" => Some("/home/ada".into()),
            "USER" => Some("ada".into()),
            "EMPTY" => Some("".into()),
            "PATH_TO" => Some(value.into()),
            _ => None,
        };
        Environment::new(&lookup).path("PATH_TO")
    }

    #[test]
    fn home_and_variables_are_replaced_in_paths() {
        // python3 -c 'import os; print(os.path.expandvars(os.path.expanduser(…)))' with HOME=/home/ada USER=ada
        for (value, expected) in [
            ("/x", "/x"),
            ("~", "/home/ada"),
            ("~/hub", "/home/ada/hub"),
            ("/scratch/$USER/hub", "/scratch/ada/hub"),
            ("/scratch/${USER}hub", "/scratch/adahub"),
            ("/a/$UNKNOWN/b", "/a/$UNKNOWN/b"),
            ("/a/${USER", "/a/${USER"),
            ("/a$", "/a$"),
        ] {
            assert_eq!(path(value), Some(PathBuf::from(expected)), "{value}");
        }
        assert_eq!(path(""), None);
    }

    #[test]
    fn only_the_words_for_on_switch_on() {
        assert!(["1", "on", "Yes", "TRUE"].into_iter().all(is_true));
        assert!(!["0", "", "off", "false", "2", " 1"].into_iter().any(is_true));
    }
}
