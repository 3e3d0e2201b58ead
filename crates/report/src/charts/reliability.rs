//! The reliability diagram: how often answers of some confidence are right, above the histogram of the confidences.

use cliptune_terminal::format;

use super::axes::{tick_text, ticks};
use super::chart::{Chart, DataTable, Drawing, Width};
use super::figure::{Anchor, Figure, Frame, Stroke, Text};
use super::text::shorten;
use super::theme::{self, Colour};
use crate::data::{COLUMNS, Confidence, ReportData};
use crate::error::ReportError;
use crate::words;

/// The name of the chart.
pub(super) const NAME: &str = "reliability";

/// The diagram of one entry.
struct Diagram<'a> {
    name: &'a str,
    colour: Colour,
    confidence: &'a Confidence,
}

const LEFT: f64 = 36.0;
const HEADING: f64 = 44.0;
const PLOT: f64 = 250.0;
const HISTOGRAM: f64 = 46.0;
const GAP: f64 = 10.0;
const FOOT: f64 = 38.0;
const GUTTER: f64 = 26.0;
const HEIGHT: f64 = HEADING + PLOT + GAP + HISTOGRAM + FOOT;

/// Returns the chart of the entry in the title and of the baseline, or `None` if nothing tells how sure they are.
pub(crate) fn chart(data: &ReportData) -> Result<Option<Chart>, ReportError> {
    let Some(board) = data.main_board() else { return Ok(None) };
    let baseline = board.baseline_row().filter(|_| board.rows.len() > 1);
    let rows = board.headline_row().or(board.rows.first()).into_iter().chain(baseline);
    let diagrams: Vec<Diagram<'_>> = rows
        .filter_map(|row| {
            Some(Diagram {
                name: &data.entries[row.entry].label,
                colour: theme::of_entry(data, row.entry),
                confidence: row.confidence.as_ref()?,
            })
        })
        .collect();
    if diagrams.is_empty() {
        return Ok(None);
    }
    Ok(Some(Chart {
        name: NAME,
        title: "Is an answer right as often as its confidence says?".to_owned(),
        caption: words::reliability_caption().to_owned(),
        description: description(&diagrams),
        table: table(&diagrams),
        wide: draw(&diagrams, Width::Wide)?,
        narrow: draw(&diagrams, Width::Narrow)?,
    }))
}

fn draw(diagrams: &[Diagram<'_>], width: Width) -> Result<Drawing, ReportError> {
    let (columns, each) = match width {
        Width::Wide => (2, (width.pixels() - GUTTER) / 2.0),
        Width::Narrow => (1, width.pixels()),
    };
    let rows = diagrams.len().div_ceil(columns);
    let mut figure = Figure::new(width.pixels(), HEIGHT * rows as f64 + GUTTER * (rows - 1) as f64);
    for (at, diagram) in diagrams.iter().enumerate() {
        let left = (at % columns) as f64 * (each + GUTTER);
        draw_one(&mut figure, diagram, left, (at / columns) as f64 * (HEIGHT + GUTTER), each)?;
    }
    Ok(figure.into())
}

fn draw_one(
    figure: &mut Figure,
    diagram: &Diagram<'_>,
    left: f64,
    top: f64,
    width: f64,
) -> Result<(), ReportError> {
    let name = shorten(diagram.name, 13.5, width);
    figure.text(&Text::new(&name, (left, top + 13.0)).size(13.5).strong().colour(diagram.colour));
    let frame = Frame {
        left: left + LEFT,
        right: left + width - 12.0,
        top: top + HEADING,
        bottom: top + HEADING + PLOT,
        x: 0.0..1.0,
        y: 0.0..1.0,
    };
    figure.text(&Text::new("share right", (left, top + HEADING - 12.0)).size(11.5));
    grid(figure, &frame);
    figure.rule(frame.at((0.0, 0.0)), frame.at((1.0, 1.0)), Stroke::solid(theme::MUTED, 1.2).dashed());
    let bins = &diagram.confidence.reliability;
    let line: Vec<_> = bins.iter().map(|bin| (bin.confidence, bin.accuracy)).collect();
    for bin in bins {
        let ends = [bin.low, bin.high].map(|end| frame.at((bin.confidence, end)));
        figure.rule(ends[0], ends[1], Stroke::solid(diagram.colour, 2.0).faint(0.5));
    }
    figure.lines(&frame, [line.as_slice()], Stroke::solid(diagram.colour, 1.4), false)?;
    figure.dots(&frame, &line, 4.0, diagram.colour, 1.0)?;
    histogram(figure, diagram, &frame);
    Ok(())
}

fn grid(figure: &mut Figure, frame: &Frame) {
    let ticks = ticks(&frame.y, 8);
    for &tick in &ticks {
        let (x, y) = frame.at((tick, tick));
        figure.rule((frame.left, y), (frame.right, y), Stroke::solid(theme::GRID, 1.0));
        figure.rule((x, frame.top), (x, frame.bottom), Stroke::solid(theme::GRID, 1.0));
        let label = tick_text(tick, &ticks);
        figure.text(&Text::new(&label, (frame.left - 7.0, y + 4.0)).anchor(Anchor::End).size(11.5));
        let base = frame.bottom + GAP + HISTOGRAM + 16.0;
        figure.text(&Text::new(&label, (x, base)).anchor(Anchor::Middle).size(11.5));
    }
    let base = frame.bottom + GAP + HISTOGRAM + 33.0;
    figure.text(&Text::new("confidence of the answer", (frame.right, base)).anchor(Anchor::End).size(11.5));
}

/// Draws the columns of the histogram, the highest of which fills its height.
fn histogram(figure: &mut Figure, diagram: &Diagram<'_>, frame: &Frame) {
    let shares = &diagram.confidence.histogram;
    let most = shares.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let floor = frame.bottom + GAP + HISTOGRAM;
    let step = (frame.right - frame.left) / COLUMNS as f64;
    for (column, share) in shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
        let x = frame.left + step * (column as f64 + 0.5);
        let top = (x, floor - (HISTOGRAM * share / most).max(1.0));
        figure.rule(top, (x, floor), Stroke::solid(diagram.colour, step - 2.0).faint(0.45));
    }
    figure.rule((frame.left, floor), (frame.right, floor), Stroke::solid(theme::MUTED, 1.0));
}

fn description(diagrams: &[Diagram<'_>]) -> String {
    let sentence = |diagram: &Diagram<'_>| {
        let bins = &diagram.confidence.reliability;
        let ends = [bins.first()?, bins.last()?].map(|bin| {
            format!("{:.2} of answers of confidence {:.2} are right", bin.accuracy, bin.confidence)
        });
        Some(format!("{}: {}.", diagram.name, ends.join(", ")))
    };
    diagrams.iter().filter_map(sentence).collect::<Vec<_>>().join(" ")
}

fn table(diagrams: &[Diagram<'_>]) -> DataTable {
    let header = ["experiment", "mean confidence", "share right", "low", "high"];
    let rows = diagrams.iter().flat_map(|diagram| {
        diagram.confidence.reliability.iter().map(|bin| {
            let numbers = [bin.confidence, bin.accuracy, bin.low, bin.high].map(format::number);
            std::iter::once(diagram.name.to_owned()).chain(numbers).collect()
        })
    });
    DataTable { header: header.map(str::to_owned).to_vec(), rows: rows.collect() }
}
