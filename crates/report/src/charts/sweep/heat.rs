//! The heat map of a matrix with two axes: a cell for each point, darker the higher its score. The axis with more values goes down,
//! because there is more room.

use std::ops::Range;

use super::matrix::{Matrix, Point};
use crate::charts::chart::Width;
use crate::charts::figure::{Anchor, Figure, Stroke, Text};
use crate::charts::text::{shorten, width as text_width};
use crate::charts::theme;

/// The height of the names of the axis and of its values above the cells, in pixels.
const HEAD: f64 = 40.0;
const CELL: f64 = 30.0;
/// The largest width of a cell, in pixels.
const WIDEST: f64 = 84.0;
/// The width from which on a cell has room for its score, in pixels.
const READABLE: f64 = 36.0;
const SIZE: f64 = 12.0;

/// Returns the numbers of the axes that go across and down.
fn axes(matrix: &Matrix) -> (usize, usize) {
    if matrix.axes[0].values.len() < matrix.axes[1].values.len() { (0, 1) } else { (1, 0) }
}

/// Returns the height of the map, in pixels.
pub(super) fn height(matrix: &Matrix) -> f64 {
    HEAD + CELL * matrix.axes[axes(matrix).1].values.len() as f64 + 2.0
}

/// Draws the map.
pub(super) fn draw(figure: &mut Figure, matrix: &Matrix, top: f64, width: Width) {
    let (across, down) = axes(matrix);
    let (columns, rows) = (&matrix.axes[across], &matrix.axes[down]);
    let most = if width == Width::Wide { 220.0 } else { 110.0 };
    let names = rows.values.iter().chain([&rows.name]).map(|value| text_width(value, SIZE) + 14.0);
    let left = names.fold(50.0, f64::max).min(most);
    let side = ((width.pixels() - left) / columns.values.len() as f64).min(WIDEST);
    let across_name = shorten(&columns.name, SIZE, width.pixels() - left);
    figure.text(&Text::new(&across_name, (left, top + 12.0)).size(SIZE));
    let down_name = shorten(&rows.name, SIZE, left - 10.0);
    figure.text(&Text::new(&down_name, (0.0, top + HEAD - 8.0)).size(SIZE));
    column_names(figure, &columns.values, left, side, top + HEAD - 8.0, width.pixels());
    for (row, name) in rows.values.iter().enumerate() {
        let middle = top + HEAD + CELL * (row as f64 + 0.5);
        let name = shorten(name, SIZE, left - 10.0);
        figure.text(&Text::new(&name, (0.0, middle + 4.0)).size(SIZE).colour(theme::INK));
        for column in 0..columns.values.len() {
            let corner = (left + side * column as f64, middle);
            figure.rule(
                (corner.0 + 1.0, middle),
                (corner.0 + side - 1.0, middle),
                Stroke::solid(theme::SHADE, CELL - 2.0),
            );
        }
    }
    let range = range(matrix);
    for point in &matrix.points {
        let corner = (
            left + side * point.values[across] as f64,
            top + HEAD + CELL * (point.values[down] as f64 + 0.5),
        );
        cell(figure, corner, side, point, &range);
    }
    if let Some(best) = matrix.best() {
        let corner = (left + side * best.values[across] as f64, top + HEAD + CELL * best.values[down] as f64);
        outline(figure, corner, side);
    }
}

/// Writes the names of columns, as many as fit beside each other.
fn column_names(figure: &mut Figure, names: &[String], left: f64, side: f64, base: f64, end: f64) {
    let mut free = left;
    for (column, name) in names.iter().enumerate() {
        let room = (side - 4.0).max(30.0);
        let name = shorten(name, SIZE, room);
        let (width, middle) = (text_width(&name, SIZE), left + side * (column as f64 + 0.5));
        if middle - width / 2.0 >= free && middle + width / 2.0 <= end {
            figure
                .text(&Text::new(&name, (middle, base)).anchor(Anchor::Middle).size(SIZE).colour(theme::INK));
            free = middle + width / 2.0 + 4.0;
        }
    }
}

fn range(matrix: &Matrix) -> Range<f64> {
    matrix.scores().fold(f64::INFINITY, f64::min)..matrix.scores().fold(f64::NEG_INFINITY, f64::max)
}

/// Draws a cell as a line that is as thick as the cell is high.
fn cell(figure: &mut Figure, (left, middle): (f64, f64), side: f64, point: &Point, range: &Range<f64>) {
    let Some(score) = point.score else { return };
    let (from, to) = ((left + 1.0, middle), (left + side - 1.0, middle));
    let span = range.end - range.start;
    let share = if span > 0.0 { (score - range.start) / span } else { 1.0 };
    figure.rule(from, to, Stroke::solid(theme::SERIES[0], CELL - 2.0).faint(rounded(0.08 + 0.62 * share)));
    if side >= READABLE {
        let text = if side >= 48.0 { format!("{score:.3}") } else { format!("{score:.2}") };
        let at = (left + side / 2.0, middle + 4.0);
        figure.text(&Text::new(&text, at).anchor(Anchor::Middle).size(11.0).colour(theme::INK));
    }
}

fn rounded(opacity: f64) -> f64 {
    (opacity * 1000.0).round() / 1000.0
}

fn outline(figure: &mut Figure, (left, top): (f64, f64), side: f64) {
    let stroke = Stroke::solid(theme::INK, 1.6);
    let (right, bottom) = (left + side - 0.5, top + CELL - 0.5);
    let (left, top) = (left + 0.5, top + 0.5);
    figure.rule((left, top), (right, top), stroke);
    figure.rule((right, top), (right, bottom), stroke);
    figure.rule((right, bottom), (left, bottom), stroke);
    figure.rule((left, bottom), (left, top), stroke);
}
