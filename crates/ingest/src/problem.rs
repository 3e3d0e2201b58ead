//! Why a table or an expression cannot be used.

use std::fmt;
use std::time::Duration;

use cliptune_terminal::format::counted;

/// What is wrong with a table or with SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// What DuckDB or a reader says about it.
    Said(String),
    /// It took as long as it may, and was stopped.
    Stopped(Duration),
}

impl Problem {
    /// Checks whether what is said about it has these words.
    pub(crate) fn contains(&self, words: &str) -> bool {
        matches!(self, Self::Said(said) if said.contains(words))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said(said) => f.write_str(said),
            Self::Stopped(after) => {
                write!(f, "it was stopped after {}", counted(after.as_secs(), "second"))
            }
        }
    }
}

impl From<String> for Problem {
    fn from(said: String) -> Self {
        Self::Said(said)
    }
}

impl From<&str> for Problem {
    fn from(said: &str) -> Self {
        Self::Said(said.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_how_long_it_took() {
        let stopped = |seconds| Problem::Stopped(Duration::from_secs(seconds)).to_string();
        assert_eq!(stopped(1), "it was stopped after 1 second");
        assert_eq!(stopped(1320), "it was stopped after 1,320 seconds");
        // Whoever writes these words into a file has not been stopped.
        let said = Problem::from("it was stopped after 1 second");
        assert!(said.contains("stopped") && !matches!(said, Problem::Stopped(_)));
    }
}
