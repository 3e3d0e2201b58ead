//! What was read of another tool, before it is in a store.

use std::collections::BTreeMap;
use std::path::Path;

use cliptune_store::{Told, ToldPoint, Tool};
use jiff::Timestamp;
use serde_json::Value;

use super::error::ImportError;

/// The most settings, tags or metrics of a run.
const ENTRIES: usize = 10_000;
/// The most values of all metrics of a run.
const POINTS: usize = 1_000_000;

/// What was read of another tool.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) tool: Tool,
    pub(super) tool_version: Option<String>,
    /// The BLAKE3 of every file that was read, by its path.
    pub(super) files: BTreeMap<String, String>,
    pub(super) told: Told,
    /// What the other tool names and nothing was read of, with the reason: `scores.json is not there`.
    pub(super) left_out: Vec<String>,
}

impl Gathered {
    /// Returns it, with the metrics in the order of their steps, if a record can hold it.
    pub(super) fn bounded(mut self, path: &Path) -> Result<Self, ImportError> {
        let too_many = |what, limit| ImportError::TooMany { path: path.to_path_buf(), what, limit };
        let Told { settings, metrics, tags, .. } = &mut self.told;
        let counts = [("settings", settings.len()), ("metrics", metrics.len()), ("tags", tags.len())];
        if let Some((what, _)) = counts.into_iter().find(|(_, count)| *count > ENTRIES) {
            return Err(too_many(what, ENTRIES));
        }
        if metrics.values().map(Vec::len).sum::<usize>() > POINTS {
            return Err(too_many("values of metrics", POINTS));
        }
        for points in metrics.values_mut() {
            // Of values of one step, the last one counts, as it does there.
            points.sort_by_key(|point| point.step);
        }
        Ok(self)
    }
}

/// Returns a value of a metric with its step and the milliseconds since 1970 at which it was told.
pub(super) fn point(step: Option<i64>, milliseconds: Option<i64>, value: f64) -> ToldPoint {
    ToldPoint { step, time: milliseconds.and_then(time), value }
}

/// Returns a time in milliseconds since 1970 as records have it.
pub(super) fn time(milliseconds: i64) -> Option<String> {
    Timestamp::from_millisecond(milliseconds).ok().map(|time| format!("{time:.3}"))
}

/// Returns a value of a file of settings as a text, unless it is nothing.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => (!text.is_empty()).then(|| text.clone()),
        other => Some(other.to_string()),
    }
}
