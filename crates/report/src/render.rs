//! Makes all files of a report, in memory.

use rayon::prelude::*;

use crate::charts::{self, Chart, Look, Width};
use crate::data::ReportData;
use crate::error::ReportError;
use crate::{json, markdown, page, settings};

/// The name of the page.
pub const PAGE: &str = "index.html";
/// The name of the results for machines.
pub const RESULTS: &str = "report.json";

/// One file of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFile {
    /// The name of the file inside the report's folder.
    pub name: String,
    /// The content of the file.
    pub bytes: Vec<u8>,
}

/// The name of the Markdown.
const MARKDOWN: &str = "report.md";
/// The kinds of file that a chart is drawn as.
const PNG: &str = "png";
const SVG: &str = "svg";

/// Returns the names of all files of a report with these charts.
fn names<'a>(charts: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = String> {
    let drawn = charts.into_iter().flat_map(|chart| [PNG, SVG].map(|end| format!("{chart}.{end}")));
    [PAGE, MARKDOWN, RESULTS].map(str::to_owned).into_iter().chain(drawn)
}

/// Returns the names of all files that a report may have.
pub(crate) fn any_names() -> impl Iterator<Item = String> {
    names(charts::names())
}

/// Draws all charts and writes all files. The same data gives the same bytes.
pub fn render(data: &ReportData) -> Result<Vec<ReportFile>, ReportError> {
    let charts = charts::all(data)?;
    let drawn = || charts.par_iter().map(drawings).collect::<Result<Vec<_>, ReportError>>();
    let (documents, drawn) = rayon::join(|| documents(data, &charts), drawn);
    let mut files = documents?;
    files.extend(drawn?.into_iter().flatten());
    Ok(files)
}

/// Returns the files of a chart.
fn drawings(chart: &Chart) -> Result<[ReportFile; 2], ReportError> {
    let svg = chart.svg(Width::Wide, Look::Standalone);
    let png = ReportFile { name: format!("{}.{PNG}", chart.name), bytes: charts::png(&svg)? };
    Ok([png, file(&format!("{}.{SVG}", chart.name), svg)])
}

/// Returns the page, the Markdown and the results, which are all files except those of the charts.
pub fn documents(data: &ReportData, charts: &[Chart]) -> Result<Vec<ReportFile>, ReportError> {
    let settings = settings::differing(&data.entries);
    Ok(vec![
        file(PAGE, page::page(data, &settings, charts)),
        file(MARKDOWN, markdown::markdown(data, &settings, charts)),
        file(RESULTS, json::json(data, names(charts.iter().map(|chart| chart.name)).collect())?),
    ])
}

fn file(name: &str, text: String) -> ReportFile {
    ReportFile { name: name.to_owned(), bytes: text.into_bytes() }
}
