//! The chart of loss curves: for each objective, training beside validation on one scale.

use std::collections::BTreeSet;

use cliptune_terminal::format;

use super::chart::{Chart, DataTable, Width};
use super::panel::{CurveSet, Panel, draw};
use super::smooth::{Point, ema, envelope, mean, thin, weight};
use super::theme;
use crate::data::{Entry, EpochPoint, ReportData, RunSummary};
use crate::error::ReportError;
use crate::words;

/// The name of the chart.
pub(super) const NAME: &str = "loss";

/// The number of points of a smoothed curve; more could not be seen.
const CURVE_POINTS: usize = 220;
/// The number of points of a curve that is drawn when a reader picks it.
pub(crate) const PICKED_POINTS: usize = 24;
/// The number of points of a raw curve.
const RAW_POINTS: usize = 360;

/// Returns the chart of all objectives, or `None` if nothing was trained.
pub(crate) fn chart(data: &ReportData) -> Result<Option<Chart>, ReportError> {
    let trained = data.entries.iter().filter_map(|entry| entry.plan.train.as_ref());
    // Objectives are told apart by their word, so that runs that differ in the weight of a part are drawn on one scale.
    let objectives: BTreeSet<&str> = trained.map(|train| train.objective.as_str()).collect();
    let panels: Vec<_> = objectives.iter().filter_map(|objective| row(data, objective)).collect();
    if panels.is_empty() {
        return Ok(None);
    }
    let weights: Vec<_> =
        objectives.into_iter().filter_map(|objective| row_weight(data, objective)).collect();
    Ok(Some(Chart {
        name: NAME,
        title: "Loss while training".to_owned(),
        caption: format!("{}{}", words::loss_caption(&weights), words::drawn_rule(data)),
        description: description(data),
        table: table(data),
        wide: draw(&panels, Width::Wide, true)?,
        narrow: draw(&panels, Width::Narrow, true)?,
    }))
}

/// Returns the entries of an objective that have something to draw, and are drawn by name.
fn trained<'a>(data: &'a ReportData, objective: &str) -> impl Iterator<Item = (usize, &'a Entry)> {
    data.named().filter(move |(_, entry)| has_curve(entry, objective))
}

/// Returns the others.
fn others<'a>(data: &'a ReportData, objective: &str) -> impl Iterator<Item = (usize, &'a Entry)> {
    data.others().filter(move |(_, entry)| has_curve(entry, objective))
}

fn has_curve(entry: &Entry, objective: &str) -> bool {
    let same = entry.plan.train.as_ref().is_some_and(|train| train.objective.as_str() == objective);
    same && entry.runs.iter().any(|run| !run.curve.steps.is_empty() || !run.curve.epochs.is_empty())
}

fn row_weight(data: &ReportData, objective: &str) -> Option<f64> {
    let runs = trained(data, objective).flat_map(|(_, entry)| &entry.runs);
    runs.map(|run| run.curve.steps.len()).max().map(weight)
}

fn row(data: &ReportData, objective: &str) -> Option<Vec<Panel>> {
    let weight = row_weight(data, objective)?;
    let entries: Vec<_> = trained(data, objective).collect();
    let last_epoch = entries.iter().map(|(_, entry)| planned_epochs(entry)).fold(1.0, f64::max);
    let name = words::objective(objective);
    let training = entries.iter().map(|(index, entry)| training_curve(data, *index, entry, weight)).collect();
    let validation = entries.iter().map(|(index, entry)| validation_loss(data, *index, entry)).collect();
    let other = |of: &dyn Fn(usize, &Entry) -> CurveSet| {
        others(data, objective)
            .map(|(index, entry)| (index, thin(&of(index, entry).mean, PICKED_POINTS)))
            .collect()
    };
    let training_of = other(&|index, entry| training_curve(data, index, entry, weight));
    let validation_of = other(&|index, entry| validation_loss(data, index, entry));
    let panel = |what: &str, curves, others| Panel {
        heading: format!("{what}, {name}"),
        curves,
        others,
        level: None,
        axis: "epoch",
        last: last_epoch,
        is_amount: false,
    };
    Some(vec![
        panel("training loss", training, training_of),
        panel("validation loss", validation, validation_of),
    ])
}

fn planned_epochs(entry: &Entry) -> f64 {
    entry.plan.train.as_ref().map_or(0.0, |train| train.epochs as f64)
}

fn training_curve(data: &ReportData, index: usize, entry: &Entry, weight: f64) -> CurveSet {
    let raw: Vec<_> = entry.runs.iter().map(training_points).filter(|curve| !curve.is_empty()).collect();
    let smooth: Vec<_> = raw.iter().map(|curve| ema(curve, weight)).collect();
    let several = smooth.len() > 1;
    CurveSet {
        name: entry.label.clone(),
        colour: theme::of_entry(data, index),
        mean: thin(&mean(&smooth), CURVE_POINTS),
        seeds: smooth.iter().filter(|_| several).map(|curve| thin(curve, CURVE_POINTS)).collect(),
        // The raw values of many runs are a smear.
        raw: raw.iter().filter(|_| !data.has_many()).map(|curve| envelope(curve, RAW_POINTS)).collect(),
        dotted: false,
        kept: Vec::new(),
    }
}

/// Returns the loss over epochs. A step that is missing from the log is a gap, as is a loss that is not finite.
fn training_points(run: &RunSummary) -> Vec<Point> {
    let steps_per_epoch = match &run.curve.start {
        Some(start) if start.epochs > 0 && start.steps > 0 => start.steps as f64 / start.epochs as f64,
        _ => return Vec::new(),
    };
    let mut points: Vec<Point> = Vec::with_capacity(run.curve.steps.len());
    let mut before = None;
    for point in &run.curve.steps {
        if before.is_some_and(|before| point.step > before + 1) {
            points.push((point.step as f64 / steps_per_epoch, f64::NAN));
        }
        points.push((point.step as f64 / steps_per_epoch, point.loss));
        before = Some(point.step);
    }
    points
}

fn validation_loss(data: &ReportData, index: usize, entry: &Entry) -> CurveSet {
    validation_curve(data, index, entry, |point| point.loss)
}

/// Returns the curve of a number that is known for every epoch.
pub(crate) fn validation_curve(
    data: &ReportData,
    index: usize,
    entry: &Entry,
    pick: fn(&EpochPoint) -> f64,
) -> CurveSet {
    let points =
        |run: &RunSummary| run.curve.epochs.iter().map(|point| (point.epoch as f64, pick(point))).collect();
    let seeds: Vec<Vec<Point>> =
        entry.runs.iter().map(points).filter(|curve: &Vec<_>| !curve.is_empty()).collect();
    let kept =
        entry.runs.iter().filter_map(RunSummary::kept_epoch).map(|point| (point.epoch as f64, pick(point)));
    let mut kept: Vec<Point> = kept.filter(|(_, y)| y.is_finite()).collect();
    if !entry.is_trained() {
        kept.clear();
    }
    CurveSet {
        name: entry.label.clone(),
        colour: theme::of_entry(data, index),
        mean: mean(&seeds),
        seeds: if seeds.len() > 1 { seeds } else { Vec::new() },
        raw: Vec::new(),
        dotted: true,
        kept,
    }
}

fn description(data: &ReportData) -> String {
    let sentence = |entry: &Entry| {
        let losses =
            entry.runs.iter().filter_map(|run| Some((run.curve.epochs.first()?.loss, run.kept_epoch()?)));
        let losses: Vec<_> = losses.map(|(first, kept)| (first, kept.loss)).collect();
        let first = crate::data::mean(losses.iter().map(|pair| pair.0))?;
        let kept = crate::data::mean(losses.iter().map(|pair| pair.1))?;
        let (first, kept) = (format::number(first), format::number(kept));
        Some(format!(
            "{}: validation loss {first} before training, {kept} at the epoch that was kept.",
            entry.name
        ))
    };
    let trained = data.named().map(|(_, entry)| entry).filter(|entry| entry.is_trained());
    trained.filter_map(sentence).collect::<Vec<_>>().join(" ")
}

/// Returns the table of every evaluation of the trained runs that are drawn.
fn table(data: &ReportData) -> DataTable {
    let header =
        ["experiment", "seed", "epoch", "training loss", "validation loss", "validation score", "kept"];
    let trained = data.named().map(|(_, entry)| entry).filter(|entry| entry.is_trained());
    let rows = trained.flat_map(|entry| {
        entry
            .runs
            .iter()
            .flat_map(move |run| run.curve.epochs.iter().map(move |point| cells(entry, run, point)))
    });
    DataTable { header: header.map(str::to_owned).to_vec(), rows: rows.collect() }
}

fn cells(entry: &Entry, run: &RunSummary, point: &EpochPoint) -> Vec<String> {
    let kept = if run.best_epoch() == Some(point.epoch) { "kept" } else { "" };
    vec![
        entry.name.clone(),
        run.seed.to_string(),
        point.epoch.to_string(),
        training_loss_of(run, point.epoch).map_or_else(|| "–".to_owned(), format::number),
        format::number(point.loss),
        format::number(point.accuracy),
        kept.to_owned(),
    ]
}

/// Returns the mean training loss over an epoch's steps.
fn training_loss_of(run: &RunSummary, epoch: usize) -> Option<f64> {
    let points = training_points(run);
    let inside = points.iter().filter(|(x, _)| *x > epoch as f64 - 1.0 + 1e-9 && *x <= epoch as f64 + 1e-9);
    crate::data::mean(inside.map(|point| point.1).filter(|loss| loss.is_finite()))
}
