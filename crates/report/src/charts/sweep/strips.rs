//! The scores of a matrix by the values of each axis, whatever the other axes are: a dot for each point, and a bar at their mean.

use cliptune_terminal::format;

use super::matrix::{Axis, Matrix};
use crate::charts::axes::{bottom_ticks, padded, ticks};
use crate::charts::chart::Width;
use crate::charts::figure::{Anchor, Figure, Frame, Stroke, Text};
use crate::charts::text::{shorten, width as text_width};
use crate::charts::theme;
use crate::data::mean;
use crate::error::ReportError;

const ROW: f64 = 25.0;
/// The height of the name of an axis, in pixels.
const HEAD: f64 = 22.0;
/// The height of the ticks below all axes, in pixels.
const FOOT: f64 = 26.0;
/// The most values of an axis that are drawn.
const MOST: usize = 24;
const SIZE: f64 = 12.0;
/// The room for a mean at the right, in pixels.
const MEAN: f64 = 48.0;

fn rows(axis: &Axis) -> usize {
    axis.values.len().min(MOST)
}

/// Returns the height of all axes, in pixels.
pub(super) fn height(matrix: &Matrix) -> f64 {
    matrix.axes.iter().map(|axis| HEAD + ROW * rows(axis) as f64).sum::<f64>() + FOOT
}

/// Draws all axes above each other, over one scale of scores.
pub(super) fn draw(figure: &mut Figure, matrix: &Matrix, top: f64, width: Width) -> Result<(), ReportError> {
    let most = if width == Width::Wide { 220.0 } else { 104.0 };
    let names = matrix.axes.iter().flat_map(|axis| &axis.values).map(|value| text_width(value, SIZE) + 16.0);
    let left = names.fold(60.0, f64::max).min(most);
    let mut top = top;
    let bottom = top + height(matrix) - FOOT;
    let frame = |top: f64, rows: usize| Frame {
        left,
        right: width.pixels() - MEAN,
        top,
        bottom: top + ROW * rows as f64,
        x: padded(matrix.scores()),
        y: 0.0..rows.max(1) as f64,
    };
    for (at, axis) in matrix.axes.iter().enumerate() {
        let name = shorten(&axis.name, SIZE, width.pixels());
        figure.text(&Text::new(&name, (0.0, top + 14.0)).size(SIZE).strong());
        top += HEAD;
        strips(figure, matrix, at, &frame(top, rows(axis)))?;
        top += ROW * rows(axis) as f64;
    }
    let scale = Frame { top: bottom, bottom, ..frame(bottom, 1) };
    bottom_ticks(figure, &scale, &ticks(&scale.x, if width == Width::Wide { 9 } else { 4 }));
    Ok(())
}

/// Draws the values of one axis, each on a line of its own.
fn strips(figure: &mut Figure, matrix: &Matrix, at: usize, frame: &Frame) -> Result<(), ReportError> {
    let axis = &matrix.axes[at];
    for (row, value) in axis.values.iter().enumerate().take(MOST) {
        let y = (rows(axis) - row) as f64 - 0.5;
        let place = frame.at((frame.x.start, y)).1;
        figure.rule((frame.left, place), (frame.right, place), Stroke::solid(theme::GRID, 1.0));
        let name = shorten(value, SIZE, frame.left - 12.0);
        figure.text(&Text::new(&name, (0.0, place + 4.0)).size(SIZE).colour(theme::INK));
        let own = || matrix.points.iter().filter(|point| point.values[at] == row);
        let others = own().filter(|point| point.colour == theme::OTHER).filter_map(|point| point.score);
        let others: Vec<_> = others.map(|score| frame.at((score, y))).collect();
        figure.specks(&others, 3.4, theme::OTHER, 0.6);
        for point in own().filter(|point| point.colour != theme::OTHER) {
            let dots: Vec<_> = point.score.map(|score| (score, y)).into_iter().collect();
            figure.dots(frame, &dots, 3.8, point.colour, 1.0)?;
        }
        if let Some(mean) = mean(own().filter_map(|point| point.score)) {
            let x = frame.at((mean, y)).0;
            figure.rule((x, place - 9.0), (x, place + 9.0), Stroke::solid(theme::INK, 2.0));
            let at = (frame.right + MEAN, place + 4.0);
            figure.text(&Text::new(&format::number(mean), at).anchor(Anchor::End).size(11.5));
        }
    }
    Ok(())
}
