//! An imported run as MLflow knows runs: what another tool told of it, and what its predictions reach here.

use std::collections::BTreeMap;

use cliptune_store::ToldPoint;

use super::entry::{Entry, Known, SOURCE, Value, identity, millis, params, scored, tags};
use super::names::Names;
use crate::export::content::ForeignContent;

/// MLflow's words for the status of a run that has not finished.
const UNFINISHED: [&str; 4] = ["RUNNING", "SCHEDULED", "FAILED", "KILLED"];

impl Entry {
    /// Returns the entry of an imported run. `facts` are the columns of `runs`.
    pub(super) fn of_foreign(content: &ForeignContent, facts: &[(String, String)]) -> Self {
        let record = content.run.record();
        let told = &record.told;
        let mut names = Names::default();
        let imported = millis(&record.imported);
        let [started, ended] = [&told.started, &told.ended].map(|time| time.as_deref().and_then(millis));
        let mut metrics: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (name, points) in &told.metrics {
            let values = points.iter().map(|point| value(point, ended.or(started).or(imported)));
            metrics.insert(names.allowed(name), values.collect());
        }
        metrics.extend(scored(&content.scores, &mut names, imported.unwrap_or_default()));
        let params = params(told.settings.clone(), &mut names);
        let known = Known {
            name: content.name(),
            source: (!told.tags.contains_key(SOURCE)).then_some(record.tool.as_str()),
            commit: told.commit.as_deref(),
            user: told.user.as_deref(),
        };
        Self {
            id: identity(&content.run.id()),
            name: content.name().to_owned(),
            status: status(told.status.as_deref()),
            start: started.or(imported),
            end: ended,
            artifacts: String::new(),
            params,
            tags: tags(&known, &content.labels, told.tags.clone(), facts, &mut names),
            metrics,
        }
    }
}

/// Returns a value that another tool told. What was told without a time has that of the run, in milliseconds since the Unix epoch.
fn value(point: &ToldPoint, of_run: Option<i64>) -> Value {
    let time = point.time.as_deref().and_then(millis).or(of_run).unwrap_or_default();
    Value::new(point.step.unwrap_or_default(), time as f64, point.value)
}

/// Returns MLflow's word for a status that is told. What tells none of these is taken for finished.
fn status(told: Option<&str>) -> &'static str {
    UNFINISHED.into_iter().find(|word| told == Some(*word)).unwrap_or("FINISHED")
}
