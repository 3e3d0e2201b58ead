//! Charts: pure functions from the report's data to SVG.
//!
//! plotters maps coordinates and draws lines, areas and dots. Text is placed here, because without a system font
//! library plotters knows no font metrics, and it does not keep labels from colliding.

mod accuracy;
mod answers;
mod axes;
mod chart;
mod confusion;
mod field;
mod figure;
mod labels;
mod loss;
mod machine;
mod panel;
mod raster;
mod reliability;
mod smooth;
mod sweep;
mod text;
pub(crate) mod theme;
mod validation;

pub use chart::{Chart, DataTable, Drawing, Look, Width};
pub use raster::png;

use rayon::prelude::*;

use crate::data::ReportData;
use crate::error::ReportError;

/// The names of all charts that there can be.
pub(crate) const NAMES: [&str; 9] = [
    accuracy::NAME,
    sweep::NAME,
    loss::NAME,
    validation::NAME,
    confusion::NAME,
    reliability::NAME,
    answers::RISK,
    answers::PLACES,
    machine::NAME,
];

/// Draws a chart, if there is data for it.
type Draw = fn(&ReportData) -> Result<Option<Chart>, ReportError>;

/// Returns all charts for which there is data, in the order of the page.
pub fn all(data: &ReportData) -> Result<Vec<Chart>, ReportError> {
    let draw: [Draw; 9] = [
        accuracy::chart,
        sweep::chart,
        loss::chart,
        validation::chart,
        confusion::chart,
        reliability::chart,
        answers::risk,
        answers::places,
        machine::chart,
    ];
    let charts = draw.par_iter().map(|draw| draw(data)).collect::<Result<Vec<_>, ReportError>>()?;
    Ok(charts.into_iter().flatten().collect())
}
