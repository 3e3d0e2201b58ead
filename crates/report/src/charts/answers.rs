//! The charts of what the answers of a board tell beside how many are right: the risk–coverage curve, and what a place among the
//! choices does.

use cliptune_terminal::format;

use super::chart::{Chart, DataTable, Width};
use super::loss::PICKED_POINTS;
use super::panel::{CurveSet, Panel, draw};
use super::smooth::{Point, thin};
use super::theme;
use crate::data::{Board, BoardRow, Confidence, Place, ReportData, Role};
use crate::error::ReportError;
use crate::words;

/// The name of the chart of places.
pub(super) const PLACES: &str = "places";

/// The name of the chart of risk.
pub(super) const RISK: &str = "risk";

/// Returns the chart of wrong answers among the most confident ones, or `None` if nothing tells how sure the models are.
pub(crate) fn risk(data: &ReportData) -> Result<Option<Chart>, ReportError> {
    let Some(board) = data.main_board() else { return Ok(None) };
    let curve = |confidence: &Confidence| -> Vec<Point> {
        confidence.risk.iter().map(|point| (100.0 * point.coverage, point.risk)).collect()
    };
    let curves = curves(data, board, &curve, false);
    if curves.is_empty() {
        return Ok(None);
    }
    let others = others(data, board)
        .filter_map(|row| Some((row.entry, thin(&curve(row.confidence.as_ref()?), PICKED_POINTS))));
    let panel = Panel {
        heading: "share of wrong answers among the most confident".to_owned(),
        others: others.collect(),
        level: Some(("guessing".to_owned(), 1.0 - board.chance)),
        axis: "% of items",
        last: 100.0,
        is_amount: true,
        curves,
    };
    let table = table(&panel, "% of items");
    let rows = [vec![panel]];
    Ok(Some(Chart {
        name: RISK,
        title: "How wrong the most confident answers are".to_owned(),
        caption: format!("{}{}", words::risk_caption(), words::drawn_rule(data)),
        description: described(data, board),
        table,
        wide: draw(&rows, Width::Wide, false)?,
        narrow: draw(&rows, Width::Narrow, false)?,
    }))
}

/// Returns the chart of places, or `None` if the items have no choices.
pub(crate) fn places(data: &ReportData) -> Result<Option<Chart>, ReportError> {
    let Some(board) = data.main_board() else { return Ok(None) };
    let of = |value: fn(&Place) -> Option<f64>| {
        move |confidence: &Confidence| -> Vec<Point> {
            let places = confidence.places.iter().enumerate();
            places.filter_map(|(at, place)| Some(((at + 1) as f64, value(place)?))).collect()
        }
    };
    let panel = |heading: &str, value, level| {
        let curves = curves(data, board, &of(value), true);
        let last = curves.iter().flat_map(|set| &set.mean).map(|point| point.0).fold(1.0, f64::max);
        let heading = heading.to_owned();
        Panel { heading, curves, others: Vec::new(), level, axis: "place", last, is_amount: true }
    };
    let accuracy = panel("accuracy, by place of the right text", |place| place.accuracy, None);
    if accuracy.curves.is_empty() {
        return Ok(None);
    }
    let even = ("evenly".to_owned(), 1.0 / accuracy.last);
    let answers = panel("share of answers, by place", |place| Some(place.answers), Some(even));
    let (table, description) = (table(&accuracy, "place"), preference(&accuracy));
    let rows = [vec![accuracy, answers]];
    Ok(Some(Chart {
        name: PLACES,
        title: "Does a place among the choices matter?".to_owned(),
        caption: words::places_caption().to_owned(),
        description,
        table,
        wide: draw(&rows, Width::Wide, false)?,
        narrow: draw(&rows, Width::Narrow, false)?,
    }))
}

/// Returns the curves of the entries of a board that are drawn by name; of places, those of the title and the baseline alone.
fn curves(
    data: &ReportData,
    board: &Board,
    curve: &dyn Fn(&Confidence) -> Vec<Point>,
    dotted: bool,
) -> Vec<CurveSet> {
    let is_meant = |row: &&BoardRow| match dotted {
        true => [board.headline, board.baseline].contains(&Some(row.entry)) || board.rows.len() == 1,
        false => data.entries[row.entry].role != Role::Other,
    };
    let set = |row: &BoardRow| {
        let mean = curve(row.confidence.as_ref()?);
        (!mean.is_empty()).then(|| CurveSet {
            name: data.entries[row.entry].label.clone(),
            colour: theme::of_entry(data, row.entry),
            mean,
            seeds: Vec::new(),
            raw: Vec::new(),
            dotted,
            kept: Vec::new(),
        })
    };
    board.rows.iter().filter(is_meant).filter_map(set).collect()
}

fn others<'a>(data: &'a ReportData, board: &'a Board) -> impl Iterator<Item = &'a BoardRow> {
    board.rows.iter().filter(|row| data.entries[row.entry].role == Role::Other)
}

fn described(data: &ReportData, board: &Board) -> String {
    let sentence = |row: &BoardRow| {
        let risk = row.confidence.as_ref()?.risk.iter();
        let half = risk.min_by(|a, b| (a.coverage - 0.5).abs().total_cmp(&(b.coverage - 0.5).abs()))?;
        let name = &data.entries[row.entry].name;
        Some(format!("{name}: of the more confident half, {:.2} are wrong.", half.risk))
    };
    board.rows.iter().filter_map(sentence).collect::<Vec<_>>().join(" ")
}

/// Returns sentences on the places where answers are best and worst.
fn preference(accuracy: &Panel) -> String {
    let sentence = |set: &CurveSet| {
        let best = set.mean.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let worst = set.mean.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(format!(
            "{}: accuracy from {:.2} at place {:.0} to {:.2} at place {:.0}.",
            set.name, worst.1, worst.0, best.1, best.0
        ))
    };
    accuracy.curves.iter().filter_map(sentence).collect::<Vec<_>>().join(" ")
}

fn table(panel: &Panel, axis: &str) -> DataTable {
    let header = ["experiment", axis, &panel.heading];
    let rows = panel.curves.iter().flat_map(|set| {
        thin(&set.mean, 26)
            .into_iter()
            .map(|(x, y)| vec![set.name.clone(), format!("{x:.0}"), format::number(y)])
    });
    DataTable { header: header.map(str::to_owned).to_vec(), rows: rows.collect() }
}
