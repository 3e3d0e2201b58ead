//! What the tables say about one run, taken from its records.

mod foreign;
mod plan_settings;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cliptune_experiment::{Split, spelled, spelled_number};
use cliptune_store::{
    AnyRun, Base, Estimate, Labels, Listed, Outcome, Run, RunRecord, Scores, Space, StoreError, read_events,
    read_precisions, read_scores,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use plan_settings::{Identified, PlanSettings};

/// The summary of a run. Settings and methods are numbers of [`Words`](crate::index::Words), because most runs share them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) run: String,
    pub(crate) experiment: String,
    pub(crate) folder: String,
    /// What it was imported from, if it was.
    pub(crate) tool: Option<String>,
    pub(crate) seed: Option<u32>,
    pub(crate) status: String,
    pub(crate) name: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) note: Option<String>,
    pub(crate) pinned: bool,
    pub(crate) error: Option<String>,
    pub(crate) kept: Option<String>,
    pub(crate) best_epoch: Option<u64>,
    pub(crate) started: String,
    pub(crate) ended: Option<String>,
    pub(crate) seconds: Option<f64>,
    pub(crate) peak_memory: Option<u64>,
    pub(crate) processors: Option<f64>,
    pub(crate) gpu: Option<f64>,
    pub(crate) joules: Option<f64>,
    pub(crate) weights: u64,
    pub(crate) key: String,
    pub(crate) dataset: Option<String>,
    pub(crate) base: Option<String>,
    pub(crate) cliptune: Option<String>,
    pub(crate) git_commit: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) threads: Option<u64>,
    pub(crate) settings: Vec<u32>,
    pub(crate) scores: Vec<ScoredSplit>,
    /// What another tool computed of a run that was imported.
    pub(crate) told: Vec<Told>,
}

/// A metric as another tool told it, without an interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) name: u32,
    /// The last value.
    pub(crate) value: f64,
}

/// The scores of a split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScoredSplit {
    pub(crate) split: Split,
    pub(crate) n_items: u64,
    pub(crate) n_groups: u64,
    /// What guessing reaches in the first metric.
    pub(crate) chance: f64,
    pub(crate) metrics: Vec<Metric>,
}

/// A metric with its interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Metric {
    pub(crate) name: u32,
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) method: u32,
    /// What guessing reaches; not a number where there is no such thing.
    pub(crate) chance: f64,
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Setting {
    Truth(bool),
    Number(f64),
    /// A text.
    Text(String),
    /// A list or a map, which is JSON in the index.
    #[serde(with = "as_json")]
    Json(Value),
}

/// A value as the text of its JSON, because the index cannot hold what describes itself.
mod as_json {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};
    use serde_json::Value;

    pub(super) fn serialize<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
        value.to_string().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        serde_json::from_str(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Setting {
    fn of(value: &Value) -> Self {
        match value {
            Value::Bool(value) => Self::Truth(*value),
            Value::Number(number) => {
                number.as_f64().map_or_else(|| Self::Text(number.to_string()), Self::Number)
            }
            Value::String(text) => Self::Text(text.clone()),
            Value::Null => Self::Text(spelled(value)),
            Value::Array(_) | Value::Object(_) => Self::Json(value.clone()),
        }
    }

    /// Returns what two equal settings have in common, and no others.
    pub(crate) fn identity(&self) -> String {
        match self {
            Self::Truth(value) => format!("t{value}"),
            Self::Number(value) => format!("n{:x}", value.to_bits()),
            Self::Text(text) => format!("x{text}"),
            Self::Json(value) => format!("j{value}"),
        }
    }
}

/// What was read of a run, and what of it is damaged.
pub(crate) struct Read {
    pub(crate) summary: Summary,
    pub(crate) damage: Vec<StoreError>,
}

/// Gives words and settings their numbers.
pub(crate) trait Numbers {
    /// Returns the number of a word.
    fn word(&mut self, word: &str) -> u32;
    /// Returns the number of a setting.
    fn setting(&mut self, setting: &Identified) -> u32;
}

/// The records of a run, before its settings and methods have numbers. All else is made of them by whoever reads them, because
/// runs are read side by side and numbered one after the other.
pub(crate) struct Records {
    /// The summary, which lacks the settings, the scores and what another tool told.
    summary: Summary,
    settings: Arc<[Identified]>,
    scores: Vec<Scores>,
    /// The metrics that another tool told, each with its last value.
    told: Vec<(String, f64)>,
    is_ended: bool,
    damage: Vec<StoreError>,
}

impl Records {
    /// Reads the records of a run. Those that are damaged are left out. `root` is the store's folder, and `plans` remembers the
    /// settings of runs that were read before.
    pub(crate) fn read(run: &AnyRun, root: &Path, plans: &PlanSettings) -> Self {
        match run {
            AnyRun::Own(run) => Self::of_own(run, root, plans),
            AnyRun::Foreign(run) => Self::of_foreign(run, root),
        }
    }

    fn of_own(run: &Run, root: &Path, plans: &PlanSettings) -> Self {
        let mut damage = Vec::new();
        let scores = scores_of(run, &mut damage);
        damage.extend(read_precisions(run).err());
        let labels = run.labels().map_err(|error| damage.push(error)).ok();
        let alpha = kept_alpha_of(run).unwrap_or_else(|error| {
            damage.push(error);
            None
        });
        let settings = plans.of(&run.record().plan);
        let summary = measured(run, summary(run, root, alpha, labels));
        let is_ended = run.record().end.is_some();
        Self { summary, settings, scores, told: Vec::new(), is_ended, damage }
    }

    /// Checks whether the run has ended. Whether it still runs is not in any file.
    pub(crate) fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Makes the summary.
    pub(crate) fn summary(self, numbers: &mut impl Numbers) -> Read {
        let Self { summary, settings, scores, told, damage, .. } = self;
        let settings = settings.iter().map(|setting| numbers.setting(setting)).collect();
        let scores = scores.into_iter().map(|scores| scored(scores, numbers)).collect();
        let told = told.into_iter().map(|(name, value)| Told { name: numbers.word(&name), value }).collect();
        Read { summary: Summary { settings, scores, told, ..summary }, damage }
    }
}

/// Reads the scores of all splits. Those that are damaged are left out.
fn scores_of(run: &impl Listed, damage: &mut Vec<StoreError>) -> Vec<Scores> {
    let mut intact = |read: Result<Option<Scores>, StoreError>| {
        read.unwrap_or_else(|error| {
            damage.push(error);
            None
        })
    };
    Split::ALL.into_iter().filter_map(|split| intact(read_scores(run, split))).collect()
}

/// Adds what a run took: the seconds spent on it and what it used of its machines, from its logs where it did not end by itself,
/// and the bytes of its weights.
fn measured(run: &Run, summary: Summary) -> Summary {
    let folders = run.weights_folders();
    // Those of a run that is being made, or removed, come and go.
    let weights = Space::of(folders.iter().map(PathBuf::as_path)).unwrap_or_default();
    let usage = run.usage().unwrap_or_default();
    let peak_memory = run.record().end.as_ref().and_then(|end| end.peak_memory);
    Summary {
        weights,
        seconds: run.seconds(),
        peak_memory: peak_memory.or(usage.memory_peak).or(usage.memory),
        processors: usage.processors,
        gpu: usage.gpu,
        joules: usage.all_joules(),
        ..summary
    }
}

fn summary(run: &Run, root: &Path, alpha: Option<f64>, labels: Option<Labels>) -> Summary {
    // What may be pinned is not to be taken for something that is not.
    let pinned = labels.as_ref().is_none_or(|labels| labels.pinned);
    let labels = labels.unwrap_or_default();
    let record = run.record();
    let end = record.end.as_ref();
    let (error, best_epoch) = match end.map(|end| &end.outcome) {
        Some(Outcome::Failed { message }) => (Some(message.clone()), None),
        Some(Outcome::Done { best_epoch }) => (None, Some(*best_epoch as u64)),
        _ => (None, None),
    };
    let made = &record.provenance;
    Summary {
        run: run.id(),
        experiment: record.experiment.to_string(),
        folder: run.folder().strip_prefix(root).unwrap_or(run.folder()).display().to_string(),
        tool: None,
        seed: Some(record.seed.0),
        status: run.status().as_str().to_owned(),
        name: labels.name.map(|name| name.to_string()),
        tags: labels.tags.into_iter().map(String::from).collect(),
        note: labels.note.map(String::from),
        pinned,
        error,
        kept: kept(record, alpha),
        best_epoch,
        started: record.started.clone(),
        ended: end.map(|end| end.at.clone()),
        seconds: None,
        peak_memory: None,
        processors: None,
        gpu: None,
        joules: None,
        weights: 0,
        key: record.key.clone(),
        dataset: Some(record.dataset.clone()),
        base: Some(base(&record.base)),
        cliptune: Some(made.cliptune.clone()),
        git_commit: made.git_commit.clone(),
        host: Some(made.host.clone()),
        device: Some(made.device.clone()),
        threads: Some(made.threads as u64),
        settings: Vec::new(),
        scores: Vec::new(),
        told: Vec::new(),
    }
}

fn scored(scores: Scores, numbers: &mut impl Numbers) -> ScoredSplit {
    let chances = scores.chances;
    let metrics = scores.metrics.0.into_iter().map(|(name, Estimate { value, low, high, method })| Metric {
        chance: chances.get(&name).copied().unwrap_or(f64::NAN),
        name: numbers.word(&name),
        value,
        low,
        high,
        method: numbers.word(&method),
    });
    ScoredSplit {
        split: scores.split,
        n_items: scores.n_items as u64,
        n_groups: scores.n_groups as u64,
        chance: scores.chance,
        metrics: metrics.collect(),
    }
}

fn base(base: &Base) -> String {
    match base {
        Base::Scratch => "random".to_owned(),
        Base::Folder { hash } => format!("folder:{hash}"),
        Base::Hub { id, commit, .. } => format!("{id}@{commit}"),
        Base::Run { run, .. } => format!("run:{run}"),
    }
}

/// The text for a training that kept its starting weights.
const STARTING_WEIGHTS: &str = "the starting weights: no epoch was better";

/// Describes the weights that a finished training kept: those of an epoch, or the starting ones.
pub fn kept(record: &RunRecord, alpha: Option<f64>) -> Option<String> {
    if record.kept_start() {
        return Some(STARTING_WEIGHTS.to_owned());
    }
    record.plan.train.as_ref()?;
    let Outcome::Done { best_epoch } = record.end.as_ref()?.outcome else { return None };
    let alpha = alpha.map(|alpha| format!(" at alpha {}", spelled_number(alpha)));
    Some(format!("epoch {best_epoch}{}", alpha.unwrap_or_default()))
}

/// Reads from the log which share was kept. Logs are long, so this reads only the log of a run that tried several.
///
/// # Errors
/// Returns an error when the log cannot be read.
pub fn kept_alpha_of(run: &Run) -> Result<Option<f64>, StoreError> {
    let tries = run.record().plan.train.as_ref().is_some_and(|train| !train.interpolate.is_empty());
    if !tries {
        return Ok(None);
    }
    Ok(cliptune_store::kept_alpha(&read_events(&run.events_file())?.events))
}
