//! How a tool ends.

/// The documented exit codes, the same for every cliptune tool.
///
/// Scripts and CI jobs branch on these numbers, so a code never changes its meaning. A panic has no variant here: it
/// ends the process with 70, the conventional code for an internal error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// Everything asked for was done (0).
    Done,
    /// The work failed (1).
    Failed,
    /// The command line or the YAML is wrong; what is wrong did not run (2).
    Usage,
    /// Something is stale, and `status --exit-code` was given (3).
    Stale,
    /// Something is worse than the baseline, and `compare --fail-if-worse` was given (4).
    Worse,
    /// Ctrl-C, SIGTERM or SIGHUP ended the work early (130, as shells report it).
    Interrupted,
}

impl Exit {
    /// Returns the number that the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Stale => 3,
            Self::Worse => 4,
            Self::Interrupted => 130,
        }
    }

    /// Returns the meaning of a code that a sibling tool ended with; an unknown code is a failure.
    pub fn from_code(code: i32) -> Self {
        match code {
            0 => Self::Done,
            2 => Self::Usage,
            3 => Self::Stale,
            4 => Self::Worse,
            130 => Self::Interrupted,
            _ => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_the_way_through_a_sibling_process() {
        for exit in [Exit::Done, Exit::Failed, Exit::Usage, Exit::Stale, Exit::Worse, Exit::Interrupted] {
            assert_eq!(Exit::from_code(i32::from(exit.code())), exit);
        }
    }

    #[test]
    fn a_bug_in_a_sibling_is_a_failure() {
        assert_eq!(Exit::from_code(70), Exit::Failed);
    }
}
