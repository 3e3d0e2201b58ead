//! The chart of what the axes of a matrix do to the score: a heat map of two axes, and dots by each value of one or of more than two.

mod heat;
mod matrix;
mod strips;

use cliptune_terminal::format;

use super::chart::{Chart, DataTable, Drawing, Width};
use super::figure::{Figure, Text};
use super::theme;
use crate::data::ReportData;
use crate::error::ReportError;
use crate::words;
use matrix::Matrix;

/// The name of the chart.
pub(super) const NAME: &str = "sweep";

/// The most experiments whose matrices are drawn.
const MOST: usize = 4;
/// The height of the heading of a matrix, in pixels.
const HEADING: f64 = 26.0;
/// The height between two matrices, in pixels.
const GAP: f64 = 30.0;

/// Returns the chart of all matrices that have scores, or `None` if there are none.
pub(crate) fn chart(data: &ReportData) -> Result<Option<Chart>, ReportError> {
    let mut matrices = Matrix::all(data);
    // Those with the most points say the most.
    matrices.sort_by_key(|matrix| std::cmp::Reverse(matrix.points.len()));
    matrices.truncate(MOST);
    if matrices.is_empty() {
        return Ok(None);
    }
    Ok(Some(Chart {
        name: NAME,
        title: "What the settings of a matrix do to the score".to_owned(),
        caption: words::sweep_caption(
            matrices.iter().any(|matrix| matrix.axes.len() == 2),
            matrices.iter().any(|matrix| matrix.axes.len() != 2),
        ),
        description: matrices.iter().filter_map(description).collect::<Vec<_>>().join(" "),
        table: table(data, &matrices),
        wide: draw(&matrices, Width::Wide)?,
        narrow: draw(&matrices, Width::Narrow)?,
    }))
}

fn draw(matrices: &[Matrix], width: Width) -> Result<Drawing, ReportError> {
    let heights: Vec<f64> = matrices.iter().map(|matrix| HEADING + height(matrix)).collect();
    let all = heights.iter().sum::<f64>() + GAP * (matrices.len() - 1) as f64;
    let mut figure = Figure::new(width.pixels(), all);
    let mut top = 0.0;
    for (matrix, height) in matrices.iter().zip(heights) {
        let heading = super::text::shorten(&matrix.heading(), 13.5, width.pixels());
        figure.text(&Text::new(&heading, (0.0, top + 13.0)).size(13.5).strong().colour(theme::INK));
        match matrix.axes.len() {
            2 => heat::draw(&mut figure, matrix, top + HEADING, width),
            _ => strips::draw(&mut figure, matrix, top + HEADING, width)?,
        }
        top += height + GAP;
    }
    Ok(figure.into())
}

fn height(matrix: &Matrix) -> f64 {
    match matrix.axes.len() {
        2 => heat::height(matrix),
        _ => strips::height(matrix),
    }
}

fn description(matrix: &Matrix) -> Option<String> {
    let best = matrix.best()?;
    let values = matrix.axes.iter().zip(&best.values);
    let words: Vec<String> =
        values.map(|(axis, &value)| format!("{} {}", axis.name, axis.values[value])).collect();
    let score = format::number(best.score.unwrap_or(f64::NAN));
    Some(format!("{}: highest {score}, at {}.", matrix.heading(), words.join(", ")))
}

fn table(data: &ReportData, matrices: &[Matrix]) -> DataTable {
    let rows = matrices.iter().flat_map(|matrix| {
        matrix.points.iter().map(|point| {
            let score = point.score.map_or_else(|| "–".to_owned(), format::number);
            vec![data.entries[point.entry].name.clone(), matrix.metric.to_owned(), score]
        })
    });
    DataTable { header: ["experiment", "metric", "score"].map(str::to_owned).to_vec(), rows: rows.collect() }
}
