//! What the tables say about a run that was imported.

use std::path::Path;

use cliptune_store::{ForeignRun, Listed as _};

use super::plan_settings::Identified;
use super::{Records, Summary, scores_of};

/// The status of such a run: how it ended elsewhere is the other tool's word.
const STATUS: &str = "imported";

impl Records {
    /// Reads the records of an imported run. Those that are damaged are left out.
    pub(super) fn of_foreign(run: &ForeignRun, root: &Path) -> Self {
        let mut damage = Vec::new();
        let scores = scores_of(run, &mut damage);
        let labels = run.labels().map_err(|error| damage.push(error)).ok();
        // What may be pinned is not to be taken for something that is not.
        let pinned = labels.as_ref().is_none_or(|labels| labels.pinned);
        let labels = labels.unwrap_or_default();
        let told = &run.record().told;
        let settings = told.settings.iter().map(|(key, value)| Identified::new(key.clone(), value)).collect();
        let summary = Summary {
            name: labels.name.map(|name| name.to_string()),
            tags: labels.tags.into_iter().map(String::from).collect(),
            note: labels.note.map(String::from),
            pinned,
            ..summary(run, root)
        };
        let told = told.last_metrics().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { summary, settings, scores, told, is_ended: true, damage }
    }
}

fn summary(run: &ForeignRun, root: &Path) -> Summary {
    let record = run.record();
    Summary {
        run: run.id(),
        experiment: record.name.to_string(),
        folder: run.folder().strip_prefix(root).unwrap_or(run.folder()).display().to_string(),
        tool: Some(run.origin()),
        seed: None,
        status: STATUS.to_owned(),
        name: None,
        tags: Vec::new(),
        note: None,
        pinned: false,
        error: None,
        kept: None,
        best_epoch: None,
        started: record.told.started.clone().unwrap_or_else(|| record.imported.clone()),
        ended: record.told.ended.clone(),
        seconds: None,
        peak_memory: None,
        processors: None,
        gpu: None,
        joules: None,
        weights: 0,
        key: record.content.clone(),
        dataset: record.dataset.clone(),
        base: None,
        cliptune: None,
        git_commit: record.told.commit.clone(),
        host: None,
        device: None,
        threads: None,
        settings: Vec::new(),
        scores: Vec::new(),
        told: Vec::new(),
    }
}
