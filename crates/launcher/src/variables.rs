//! The environment variables that a launcher sets.

use std::str::FromStr;

use crate::error::LauncherError;

/// Returns the values of environment variables by their names.
#[derive(Clone, Copy)]
pub struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl<'a> Variables<'a> {
    /// Takes the values from a function.
    pub fn new(value: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(value)
    }

    /// Returns a value. An empty one counts as not set, as it does in scripts.
    pub(crate) fn text(self, name: &str) -> Option<String> {
        (self.0)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// Returns a number, if the variable is set.
    ///
    /// # Errors
    /// Returns an error when the value is no such number.
    pub(crate) fn number<N: FromStr>(self, name: &'static str) -> Result<Option<N>, LauncherError> {
        let number = |value: String| {
            value.parse().map_err(|_| LauncherError::NoNumber { variable: name, value: value.clone() })
        };
        self.text(name).map(number).transpose()
    }

    /// Returns a number that has to be there.
    ///
    /// # Errors
    /// Returns an error when the variable is not set or its value is no such number.
    pub(crate) fn needed_number<N: FromStr>(
        self,
        name: &'static str,
        with: &'static str,
    ) -> Result<N, LauncherError> {
        self.number(name)?.ok_or(LauncherError::Missing { variable: name, with })
    }
}
