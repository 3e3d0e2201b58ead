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

/// Draws a chart, if there is data for it.
type Draw = fn(&ReportData) -> Result<Option<Chart>, ReportError>;

/// All charts that there can be, by their names, in the order of the page.
const ALL: [(&str, Draw); 9] = [
    (accuracy::NAME, accuracy::chart),
    (sweep::NAME, sweep::chart),
    (loss::NAME, loss::chart),
    (validation::NAME, validation::chart),
    (confusion::NAME, confusion::chart),
    (reliability::NAME, reliability::chart),
    (answers::RISK, answers::risk),
    (answers::PLACES, answers::places),
    (machine::NAME, machine::chart),
];

/// Returns the names of all charts that there can be.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _)| *name)
}

/// Returns all charts for which there is data, in the order of the page.
pub fn all(data: &ReportData) -> Result<Vec<Chart>, ReportError> {
    let charts = ALL.par_iter().map(|(_, draw)| draw(data)).collect::<Result<Vec<_>, ReportError>>()?;
    Ok(charts.into_iter().flatten().collect())
}
