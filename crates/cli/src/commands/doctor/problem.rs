//! What keeps a tool from its work.

use cliptune_terminal::{Diagnostic, format};
use serde::{Serialize, Serializer};

use crate::error::CliError;
use crate::tool::Tool;

/// Something that keeps a tool from its work.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Problem {
    /// The tool, unless no tool works.
    #[serde(serialize_with = "name")]
    pub(super) tool: Option<Tool>,
    /// What is wrong.
    pub(super) problem: String,
    /// What mends it.
    pub(super) mend: Option<String>,
}

impl Problem {
    pub(super) fn new(tool: Option<Tool>, problem: String, mend: String) -> Self {
        Self { tool, problem, mend: Some(mend) }
    }

    /// Tells what the tool itself would fail with.
    pub(super) fn of(tool: Option<Tool>, error: &CliError) -> Self {
        Self { tool, problem: format::in_one_line(error), mend: error.hint() }
    }
}

fn name<S: Serializer>(tool: &Option<Tool>, serializer: S) -> Result<S::Ok, S::Error> {
    tool.map(Tool::as_str).serialize(serializer)
}
