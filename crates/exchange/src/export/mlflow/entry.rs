//! A run as MLflow knows runs: a status, settings, tags, and metrics by step.

use std::collections::BTreeMap;

use cliptune_documents::beginning;
use cliptune_experiment::spelled;
use cliptune_store::{Labels, Note, RunStatus, Scores};
use jiff::Timestamp;

use super::names::Names;
use crate::export::content::{Content, Point, metrics_by_split};

/// The most characters of a setting and of a tag in MLflow, which itself cuts longer ones.
const LONGEST_PARAM: usize = 6000;
const LONGEST_TAG: usize = 8000;
/// The tag with what has made a run.
pub(super) const SOURCE: &str = "mlflow.source.name";

/// A run of MLflow.
#[derive(Debug)]
pub(super) struct Entry {
    /// The identity: 32 hexadecimal digits, which are the same whenever the run is exported.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) status: &'static str,
    /// The times of start and end, in milliseconds since the Unix epoch.
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
    /// The place of the artifacts, as a URI.
    pub(super) artifacts: String,
    pub(super) params: BTreeMap<String, String>,
    pub(super) tags: BTreeMap<String, String>,
    /// The metrics by name, each with its values in the order of their steps.
    pub(super) metrics: BTreeMap<String, Vec<Value>>,
}

/// A value of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Value {
    pub(super) step: i64,
    /// The moment, in milliseconds since the Unix epoch.
    pub(super) time: i64,
    /// The value as MLflow stores it: 0 where there is none, and the largest number in place of infinity.
    pub(super) value: f64,
    pub(super) is_nan: bool,
}

impl Entry {
    /// Returns the entry of a run. `facts` are the columns of `runs`.
    pub(super) fn of(content: &Content, facts: &[(String, String)]) -> Self {
        let record = content.run.record();
        let mut names = Names::default();
        let start = millis(&record.started);
        let end = record.end.as_ref().and_then(|end| millis(&end.at));
        let ended = end.or(start).unwrap_or_default();
        let mut metrics = curves(content, &mut names);
        metrics.extend(scored(&content.scores, &mut names, ended));
        let params = params(record.plan.settings(), &mut names);
        let commit = record.provenance.git_commit.as_deref().map(|commit| commit.trim_end_matches('+'));
        let known = Known { name: content.name(), source: Some("cliptune"), commit, user: None };
        Self {
            id: identity(&content.run.id()),
            name: content.name().to_owned(),
            status: status(content.run.status()),
            start,
            end,
            artifacts: String::new(),
            params,
            tags: tags(&known, &content.labels, BTreeMap::new(), facts, &mut names),
            metrics,
        }
    }
}

/// Returns settings as MLflow has them.
pub(super) fn params(
    settings: impl IntoIterator<Item = (String, serde_json::Value)>,
    names: &mut Names,
) -> BTreeMap<String, String> {
    let settings = settings.into_iter();
    settings.map(|(key, value)| (names.allowed(&key), cut(&spelled(&value), LONGEST_PARAM))).collect()
}

/// Returns the identity that a run has in MLflow.
pub(super) fn identity(run: &str) -> String {
    let digits = blake3::hash(run.as_bytes()).to_hex();
    digits.chars().take(32).collect()
}

/// Returns what MLflow calls a status. A run whose process is gone has failed.
fn status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Running => "RUNNING",
        RunStatus::Done => "FINISHED",
        RunStatus::Interrupted => "KILLED",
        RunStatus::Failed | RunStatus::Crashed => "FAILED",
    }
}

/// Returns the curves by step.
fn curves(content: &Content, names: &mut Names) -> BTreeMap<String, Vec<Value>> {
    let value = |(step, point): (&usize, &Point)| Value::new(*step as i64, point.time * 1e3, point.value);
    let curves = content.curves.iter();
    curves.map(|(name, curve)| (names.allowed(name), curve.iter().map(value).collect())).collect()
}

/// Returns the scores, which stand at step 0 and at the run's end.
pub(super) fn scored(scores: &[Scores], names: &mut Names, ended: i64) -> BTreeMap<String, Vec<Value>> {
    let mut metrics = BTreeMap::new();
    for (split, scores) in metrics_by_split(scores) {
        for (name, value) in scores {
            let name = names.allowed(&format!("{}.{name}", split.as_str()));
            metrics.insert(name, vec![Value::new(0, ended as f64, value)]);
        }
    }
    metrics
}

impl Value {
    /// Returns a value that was measured so many milliseconds after the Unix epoch.
    pub(super) fn new(step: i64, time: f64, value: f64) -> Self {
        let is_nan = value.is_nan();
        let value = if is_nan { 0.0 } else { value.clamp(f64::MIN, f64::MAX) };
        Self { step, time: time.round() as i64, value, is_nan }
    }
}

/// What MLflow shows of a run in places of their own.
pub(super) struct Known<'a> {
    pub(super) name: &'a str,
    /// What has made the run, unless that is among the tags that it had elsewhere.
    pub(super) source: Option<&'a str>,
    pub(super) commit: Option<&'a str>,
    pub(super) user: Option<&'a str>,
}

/// Returns the tags: those that MLflow shows in places of their own, a tag for each tag of the run, and the columns of `runs`. They
/// go before those that the run had elsewhere.
pub(super) fn tags(
    known: &Known<'_>,
    labels: &Labels,
    elsewhere: BTreeMap<String, String>,
    facts: &[(String, String)],
    names: &mut Names,
) -> BTreeMap<String, String> {
    let of_mlflow = [
        ("mlflow.runName", Some(known.name)),
        ("mlflow.note.content", labels.note.as_ref().map(Note::as_str)),
        (SOURCE, known.source),
        ("mlflow.source.type", known.source.map(|_| "LOCAL")),
        ("mlflow.source.git.commit", known.commit),
        ("mlflow.user", known.user),
    ];
    let of_mlflow =
        of_mlflow.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())));
    let elsewhere: Vec<(String, String)> =
        elsewhere.into_iter().map(|(key, value)| (names.allowed(&key), value)).collect();
    let own = labels.tags.iter().map(|tag| (names.allowed(&format!("tag.{}", tag.as_str())), tag));
    let own: Vec<(String, String)> = own.map(|(key, tag)| (key, tag.as_str().to_owned())).collect();
    let facts = facts.iter().map(|(column, value)| (format!("cliptune.{column}"), value.clone()));
    let changed = names.changed().map(|changed| ("cliptune.names".to_owned(), changed));
    let all = elsewhere.into_iter().chain(of_mlflow).chain(own).chain(facts).chain(changed);
    all.map(|(key, value)| (key, cut(&value, LONGEST_TAG))).collect()
}

/// Returns a text of at most so many characters, which ends with `…` where some are left out.
fn cut(text: &str, most: usize) -> String {
    match text.chars().nth(most) {
        None => text.to_owned(),
        Some(_) => beginning(text, most - 1),
    }
}

pub(super) fn millis(time: &str) -> Option<i64> {
    time.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}
