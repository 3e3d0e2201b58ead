//! `cliptune show` of a run that was imported.

use std::collections::BTreeMap;
use std::path::Path;

use cliptune_experiment::{Split, spelled, spelled_number};
use cliptune_store::{
    ForeignRecord, ForeignRun, Listed as _, Scores, Store, StoreError, TestLookCounts, TestLooks, Told,
    read_scores,
};
use cliptune_terminal::format::visible;
use cliptune_terminal::{Exit, Printer};
use serde::Serialize;

use super::{files, score_section, section};
use crate::error::CliError;
use crate::labelling::Labelled;
use crate::selection::{short, warn_of};

/// An imported run with everything found beside its record. It serializes to the JSON of the command.
#[derive(Serialize)]
struct View<'a> {
    id: String,
    folder: &'a Path,
    status: &'static str,
    record: &'a ForeignRecord,
    labels: Labelled,
    scores: BTreeMap<Split, Scores>,
    /// How often the test split of the dataset was looked at, where this run has predictions of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    test_looks: Option<TestLookCounts>,
    /// The same in words.
    #[serde(skip)]
    described: Option<String>,
    /// The files that cannot be read; the other fields go without their content.
    #[serde(skip)]
    damage: Vec<StoreError>,
}

impl<'a> View<'a> {
    fn of(run: &'a ForeignRun, store: &Store) -> Self {
        let (mut damage, mut scores) = (Vec::new(), BTreeMap::new());
        for split in Split::ALL {
            match read_scores(run, split) {
                Ok(found) => scores.extend(found.map(|found| (split, found))),
                Err(error) => damage.push(error),
            }
        }
        let labels = run.labels().unwrap_or_else(|error| {
            damage.push(error);
            cliptune_store::Labels::default()
        });
        let dataset = run.record().dataset.as_deref().filter(|_| scores.contains_key(&Split::Test));
        let looks = dataset.and_then(|dataset| match store.test_looks([dataset]) {
            Ok(looks) => Some(looks),
            Err(error) => {
                damage.push(error);
                None
            }
        });
        Self {
            id: run.id(),
            folder: run.folder(),
            status: "imported",
            record: run.record(),
            labels: labels.into(),
            scores,
            test_looks: looks.as_ref().map(TestLooks::counts),
            described: looks.as_ref().map(TestLooks::described),
            damage,
        }
    }
}

pub(super) fn show(run: &ForeignRun, store: &Store, printer: &Printer) -> Result<Exit, CliError> {
    let view = View::of(run, store);
    view.damage.iter().for_each(|error| warn_of(error, printer));
    match printer.is_json() {
        true => printer.json(&view),
        false => printer.data(&text(run, &view)?),
    }
    Ok(Exit::Done)
}

fn text(run: &ForeignRun, view: &View<'_>) -> Result<String, CliError> {
    let told = &view.record.told;
    let mut sections = vec![section(&view.id, &facts(run, view))];
    if !told.settings.is_empty() {
        let settings: Vec<(String, String)> =
            told.settings.iter().map(|(key, value)| (visible(key), visible(&spelled(value)))).collect();
        sections.push(section(&format!("settings as {} has them", run.record().tool), &settings));
    }
    let looks = |split| view.described.as_deref().filter(|_| split == Split::Test);
    sections.extend(view.scores.values().map(|scores| score_section(scores, looks(scores.split))));
    let metrics: Vec<(String, String)> =
        told.last_metrics().map(|(name, value)| (visible(name), spelled_number(value))).collect();
    if !metrics.is_empty() {
        let title =
            format!("metrics as {} told them, the last value of each, without intervals", run.origin());
        sections.push(section(&visible(&title), &metrics));
    }
    sections.push(section("files", &files(run.folder())?));
    Ok(sections.join("\n"))
}

fn facts(run: &ForeignRun, view: &View<'_>) -> Vec<(&'static str, String)> {
    let record = view.record;
    let Told { id, name, user, status, started, ended, commit, .. } = &record.told;
    let mut facts = vec![
        ("folder", short(run.folder()).to_string()),
        ("status", "imported: cliptune has no model of it".to_owned()),
        ("from", visible(&run.origin())),
        ("source", visible(&record.source)),
    ];
    facts.extend(view.labels.facts().into_iter().map(|(name, text)| (name, visible(&text))));
    facts.extend(record.experiment.iter().map(|experiment| ("beside", experiment.to_string())));
    facts.extend(record.dataset.iter().map(|dataset| ("dataset", dataset.clone())));
    let told = [
        ("run there", id),
        ("name there", name),
        ("made by", user),
        ("ended as", status),
        ("started", started),
        ("ended", ended),
        ("commit", commit),
    ];
    facts.extend(told.into_iter().filter_map(|(name, text)| Some((name, visible(text.as_deref()?)))));
    facts.push((
        "imported",
        format!("{}, by cliptune {} on {}", record.imported, record.cliptune, record.host),
    ));
    facts.push(("content", record.content.clone()));
    facts
}
