//! `foreign.json`: what an imported run is, and what the tool that made it says about it.

use std::collections::BTreeMap;
use std::fmt;

use cliptune_experiment::ExperimentName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the record.
pub const FOREIGN_FORMAT: u32 = 1;

/// The record of a run that was imported. Nothing in it was measured here: what was told is kept as it was told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForeignRecord {
    /// The version of this record.
    pub format_version: u32,
    /// The name of the run's folder: `<utc>-<hash6>-foreign`.
    pub run: String,
    /// The name that the run was imported by, which is that of the folder around its own.
    pub name: ExperimentName,
    /// What the run was read from.
    pub tool: Tool,
    /// The version of that tool, where it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_version: Option<String>,
    /// The identity of all that was imported, with what it was said to be about. It is a BLAKE3 in 64 hexadecimal digits.
    pub content: String,
    /// The BLAKE3 of every file that was read, by the file's path below what was named; a name of its own where no file has it alone.
    pub files: BTreeMap<String, String>,
    /// The path that was named, as it was typed.
    pub source: String,
    /// The experiment that the run is shown beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<ExperimentName>,
    /// The hash of the dataset whose items were answered; only of predictions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// What the other tool says.
    #[serde(default)]
    pub told: Told,
    /// The time of the import, in RFC 3339 and UTC.
    pub imported: String,
    /// The version of cliptune that imported the run.
    pub cliptune: String,
    /// The name of the machine that imported it.
    pub host: String,
}

/// What a run was imported from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tool {
    /// A table of predictions, whoever has made them.
    Predictions,
    /// MLflow.
    Mlflow,
    /// DVC, or DVCLive.
    Dvc,
}

impl Tool {
    /// Returns the name as one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Predictions => "predictions",
            Self::Mlflow => "mlflow",
            Self::Dvc => "dvc",
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What another tool says about a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The identity of the run there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name of the run there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// How it ended, in that tool's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// When it began, in RFC 3339 and UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// When it ended, in RFC 3339 and UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// The commit that it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The settings by their dotted keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Value>,
    /// The metrics that the other tool computed, step by step. They have no intervals, and say nothing of which items they are of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, Vec<ToldPoint>>,
    /// The tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

impl Told {
    /// Returns the last value of each metric, in the order of their names.
    pub fn last_metrics(&self) -> impl Iterator<Item = (&str, f64)> {
        self.metrics.iter().filter_map(|(name, points)| Some((name.as_str(), points.last()?.value)))
    }
}

/// A value of a metric that another tool computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToldPoint {
    /// The step, where there are steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<i64>,
    /// The time, in RFC 3339 and UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The value.
    #[serde(with = "crate::number")]
    pub value: f64,
}
