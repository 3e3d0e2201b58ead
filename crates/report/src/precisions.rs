//! The table of precisions, which shows what the reduced graphs of every run cost and gain.

use cliptune_experiment::Precision;
use cliptune_store::{Estimate, Measured, Precisions, ReducedPrecision};
use cliptune_terminal::format;

use crate::data::{Entry, ReportData};

/// The headers of the columns after the run's name.
pub(crate) const HEADER: [&str; 9] = [
    "precision",
    "size",
    "score",
    "difference",
    "largest logit difference",
    "answers alike",
    "an image",
    "a text",
    "verdict",
];

/// Returns whether a column holds numbers.
pub(crate) fn is_number(column: usize) -> bool {
    (1..HEADER.len() - 1).contains(&column)
}

/// One line of the table.
pub(crate) struct Line {
    /// The entry, as an index into [`ReportData::entries`].
    pub(crate) entry: usize,
    /// What distinguishes the run, if its entry has several.
    pub(crate) run: Option<String>,
    /// The cells of the columns in [`HEADER`].
    pub(crate) cells: [Cell; 9],
}

/// A value and a detail that explains it, which may be empty: `153 MiB` and `27 % of fp32`.
pub(crate) struct Cell {
    pub(crate) value: String,
    pub(crate) detail: String,
    /// The text that separates the two when they are on one line.
    joint: &'static str,
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { value, detail, joint } = self;
        if detail.is_empty() { f.write_str(value) } else { write!(f, "{value}{joint}{detail}") }
    }
}

fn plain(value: impl Into<String>) -> Cell {
    detailed(value, "")
}

fn detailed(value: impl Into<String>, detail: impl Into<String>) -> Cell {
    Cell { value: value.into(), detail: detail.into(), joint: ", " }
}

/// Returns the lines of all runs whose precisions were measured, each with fp32 first and then the reduced precisions.
pub(crate) fn lines(data: &ReportData) -> Vec<Line> {
    data.named().flat_map(|(index, entry)| of_entry(index, entry)).collect()
}

fn of_entry(index: usize, entry: &Entry) -> Vec<Line> {
    let mut lines = Vec::new();
    for run in &entry.runs {
        let Some(precisions) = &run.precisions else { continue };
        let label = (entry.runs.len() > 1).then(|| run.label());
        let rows = std::iter::once(fp32(precisions));
        let rows = rows.chain(precisions.reduced.iter().map(|one| reduced(precisions, one)));
        lines.extend(rows.map(|cells| Line { entry: index, run: label.clone(), cells }));
    }
    lines
}

fn fp32(precisions: &Precisions) -> [Cell; 9] {
    let Measured { bytes, score, image_milliseconds, text_milliseconds } = &precisions.fp32;
    [
        plain(Precision::Fp32.as_str()),
        plain(format::bytes(*bytes)),
        plain(format::number(*score)),
        plain("–"),
        plain("–"),
        plain("–"),
        plain(milliseconds(*image_milliseconds)),
        plain(milliseconds(*text_milliseconds)),
        plain("–"),
    ]
}

fn reduced(precisions: &Precisions, one: &ReducedPrecision) -> [Cell; 9] {
    let Measured { bytes, score, image_milliseconds, text_milliseconds } = &one.measured;
    let [images, texts] = precisions.speed(&one.measured);
    let share = 100.0 * *bytes as f64 / precisions.fp32.bytes as f64;
    [
        plain(one.precision.as_str()),
        detailed(format::bytes(*bytes), format!("{share:.0} % of fp32")),
        plain(format::number(*score)),
        difference(&one.difference),
        plain(format!("{:.2}", one.max_logit_difference)),
        plain(format!("{} of {}", one.answers_agree, precisions.n_items)),
        detailed(milliseconds(*image_milliseconds), format!("{images:.1}× as fast")),
        detailed(milliseconds(*text_milliseconds), format!("{texts:.1}× as fast")),
        verdict(one),
    ]
}

fn difference(Estimate { value, low, high, .. }: &Estimate) -> Cell {
    let interval = format!("[{}, {}]", format::signed(*low), format::signed(*high));
    Cell { joint: " ", ..detailed(format::signed(*value), interval) }
}

fn milliseconds(value: f64) -> String {
    let decimals = if value < 10.0 { 2 } else { 1 };
    format!("{value:.decimals$} ms")
}

/// Returns `kept` or `not kept`, with the margin that decided.
fn verdict(one: &ReducedPrecision) -> Cell {
    let word = if one.kept { "kept" } else { "not kept" };
    detailed(word, one.margin.map_or_else(String::new, |margin| format!("margin {}", margin.get())))
}

/// Returns the caption that says how to read the table.
pub(crate) fn caption(data: &ReportData) -> String {
    let measured: Vec<&Precisions> =
        data.entries.iter().flat_map(|entry| &entry.runs).filter_map(|run| run.precisions.as_ref()).collect();
    let sizes = measured.iter().map(|precisions| precisions.n_items);
    let (fewest, most) = (sizes.clone().min().unwrap_or_default(), sizes.max().unwrap_or_default());
    let items = match fewest == most {
        true => format::counted(most as u64, "validation item"),
        false => {
            format!("{} to {}", format::count(fewest as u64), format::counted(most as u64, "validation item"))
        }
    };
    let mut caption = format!(
        "Measured side by side with fp32 on {items}, with ONNX Runtime on the processor that scored them; the test split \
         has no part in it. Sizes are of both towers with their weights. Brackets are 95 % intervals, paired by item."
    );
    let reduced = || measured.iter().flat_map(|precisions| &precisions.reduced);
    if reduced().any(|one| one.margin.is_some()) {
        caption.push_str(" int8 is kept only if the score falls by less than its margin.");
    }
    let uncertain = |one: &ReducedPrecision| {
        one.kept && one.margin.is_some_and(|margin| -one.difference.low >= margin.get())
    };
    if reduced().any(uncertain) {
        caption.push_str(
            " Where an interval reaches beyond the margin, these items are too few to tell a fall of that size from none.",
        );
    }
    caption
}
