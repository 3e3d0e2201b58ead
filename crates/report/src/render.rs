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

/// Returns whether a file may be one of a report, by its name.
pub(crate) fn is_file_of_a_report(name: &str) -> bool {
    [PAGE, RESULTS, MARKDOWN].contains(&name) || [".svg", ".png"].iter().any(|end| name.ends_with(end))
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
    let png = ReportFile { name: format!("{}.png", chart.name), bytes: charts::png(&svg)? };
    Ok([png, file(&format!("{}.svg", chart.name), svg)])
}

/// Returns the page, the Markdown and the results, which are all files except those of the charts.
pub fn documents(data: &ReportData, charts: &[Chart]) -> Result<Vec<ReportFile>, ReportError> {
    let settings = settings::differing(&data.entries);
    Ok(vec![
        file(PAGE, page::page(data, &settings, charts)),
        file(MARKDOWN, markdown::markdown(data, &settings, charts)),
        file(RESULTS, json::json(data)?),
    ])
}

fn file(name: &str, text: String) -> ReportFile {
    ReportFile { name: name.to_owned(), bytes: text.into_bytes() }
}
