//! The state of a job, or of a task of an array.

use serde::Serialize;

/// The state of a job of Slurm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JobState {
    /// It waits, for others or for a place.
    Queued,
    /// It is worked on.
    Running,
    /// It ended well.
    Done,
    /// It was cancelled, by a person or because a job that it needs failed.
    Cancelled,
    /// It ended in another way, such as `failed`, `timeout` or `out of memory`.
    #[serde(untagged)]
    Failed(String),
}

impl JobState {
    /// Reads a state as `squeue` and `sacct` write it: a word in capitals, behind which `sacct` says who cancelled a job.
    pub(crate) fn parse(written: &str) -> Option<Self> {
        let word = written.split_ascii_whitespace().next()?.trim_end_matches('+');
        let is_word = word.bytes().all(|letter| letter.is_ascii_uppercase() || letter == b'_');
        Some(match word {
            "PENDING" | "REQUEUED" | "REQUEUE_FED" | "REQUEUE_HOLD" | "RESV_DEL_HOLD" | "SPECIAL_EXIT" => {
                Self::Queued
            }
            "RUNNING" | "CONFIGURING" | "COMPLETING" | "SUSPENDED" | "RESIZING" | "SIGNALING"
            | "STAGE_OUT" | "STOPPED" => Self::Running,
            "COMPLETED" => Self::Done,
            "CANCELLED" => Self::Cancelled,
            _ if is_word && !word.is_empty() => Self::Failed(word.to_ascii_lowercase().replace('_', " ")),
            _ => return None,
        })
    }

    /// Returns the state in words.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed(how) => how,
        }
    }

    /// Checks whether the job has not ended.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_as_both_programs_write_them() {
        for (written, state) in [
            ("PENDING", "queued"),
            ("REQUEUE_HOLD", "queued"),
            ("RUNNING", "running"),
            ("COMPLETING", "running"),
            ("COMPLETED", "done"),
            ("CANCELLED by 1000", "cancelled"),
            ("CANCELLED+", "cancelled"),
            ("FAILED", "failed"),
            ("OUT_OF_MEMORY", "out of memory"),
            ("NODE_FAIL", "node fail"),
            ("SOMETHING_NEW", "something new"),
        ] {
            assert_eq!(JobState::parse(written).unwrap().as_str(), state);
        }
        for wrong in ["", " ", "12", "error: no", "pending"] {
            assert_eq!(JobState::parse(wrong), None, "{wrong}");
        }
        let live = ["PENDING", "SUSPENDED", "COMPLETED", "TIMEOUT"];
        let live = live.map(|written| JobState::parse(written).is_some_and(|state| state.is_live()));
        assert_eq!(live, [true, true, false, false]);
    }

    #[test]
    fn a_state_is_one_word_for_machines() {
        let states = [JobState::Queued, JobState::Failed("out of memory".to_owned())];
        assert_eq!(serde_json::to_string(&states).unwrap(), r#"["queued","out of memory"]"#);
    }
}
