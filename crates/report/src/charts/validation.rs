//! The chart of the validation score over epochs, by which an epoch was chosen.

use cliptune_experiment::TaskKind;

use super::chart::{Chart, DataTable, Width};
use super::loss::{PICKED_POINTS, validation_curve};
use super::panel::{CurveSet, Panel, draw};
use super::smooth::{Point, thin};
use crate::data::{Entry, ReportData};
use crate::error::ReportError;
use crate::words;

/// The name of the chart.
pub(super) const NAME: &str = "validation";

/// Returns the chart of both kinds of item, or `None` if nothing was trained.
pub(crate) fn chart(data: &ReportData) -> Result<Option<Chart>, ReportError> {
    let kinds = [TaskKind::Choice, TaskKind::Classes, TaskKind::Pairs];
    let panels: Vec<Panel> = kinds.into_iter().filter_map(|kind| panel(data, kind)).collect();
    if panels.is_empty() {
        return Ok(None);
    }
    let table = table(&panels);
    let rows = vec![panels];
    Ok(Some(Chart {
        name: NAME,
        title: "Validation score, epoch by epoch".to_owned(),
        caption: format!("{}{}", words::validation_caption(), words::drawn_rule(data)),
        description: description(data),
        table,
        wide: draw(&rows, Width::Wide, false)?,
        narrow: draw(&rows, Width::Narrow, false)?,
    }))
}

fn panel(data: &ReportData, kind: TaskKind) -> Option<Panel> {
    let entries: Vec<_> = data.named().filter(|(_, entry)| is_drawn(entry, kind)).collect();
    let others = data.others().filter(|(_, entry)| is_drawn(entry, kind));
    let trained = entries.iter().filter_map(|(_, entry)| entry.plan.train.as_ref());
    let last_epoch = trained.map(|train| train.epochs as f64).max_by(f64::total_cmp)?;
    let curves = entries.iter().map(|(index, entry)| curve(data, *index, entry, last_epoch)).collect();
    let other = |(index, entry)| (index, thin(&curve(data, index, entry, last_epoch).mean, PICKED_POINTS));
    let chance = data.boards.iter().find(|board| board.task == kind).map(|board| board.chance);
    Some(Panel {
        heading: format!("validation {}", words::metric_long(kind)),
        curves,
        others: others.map(other).collect(),
        level: chance.map(|chance| ("chance".to_owned(), chance)),
        axis: "epoch",
        last: last_epoch,
        is_amount: false,
    })
}

fn is_drawn(entry: &Entry, kind: TaskKind) -> bool {
    entry.task() == kind && entry.runs.iter().any(|run| !run.curve.epochs.is_empty())
}

/// Returns the curve of an entry. An entry without training has one evaluation, which is a level for the others.
fn curve(data: &ReportData, index: usize, entry: &Entry, last_epoch: f64) -> CurveSet {
    let set = validation_curve(data, index, entry, |point| point.accuracy);
    match set.mean.as_slice() {
        [only] if !entry.is_trained() => {
            let level = [*only, (last_epoch, only.1)].to_vec();
            CurveSet { mean: level, seeds: Vec::new(), dotted: false, ..set }
        }
        _ => set,
    }
}

fn description(data: &ReportData) -> String {
    let sentence = |entry: &Entry| {
        let score = entry.validation_score()?;
        Some(format!("{}: {score:.2} at the epoch that was kept.", entry.name))
    };
    data.named().filter_map(|(_, entry)| sentence(entry)).collect::<Vec<_>>().join(" ")
}

fn table(panels: &[Panel]) -> DataTable {
    let header = ["experiment", "metric", "mean over seeds by epoch"];
    let cells = |panel: &Panel, set: &CurveSet| {
        let values =
            |points: &[Point]| points.iter().map(|(x, y)| format!("{x:.0}: {y:.3}")).collect::<Vec<_>>();
        vec![set.name.clone(), panel.heading.clone(), values(&set.mean).join(", ")]
    };
    let rows = panels.iter().flat_map(|panel| panel.curves.iter().map(move |set| cells(panel, set)));
    DataTable { header: header.map(str::to_owned).to_vec(), rows: rows.collect() }
}
