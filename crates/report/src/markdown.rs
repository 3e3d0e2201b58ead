//! Writes `report.md`, which has the finding, the table and the charts, for pull requests and READMEs.

use std::fmt::Write as _;

use cliptune_terminal::format;

use crate::charts::Chart;
use crate::data::{ReportData, State};
use crate::precisions::{self, Line};
use crate::settings::{self, Setting};
use crate::{provenance, results, words};

/// Returns the text of `report.md`.
pub(crate) fn markdown(data: &ReportData, charts: &[Chart]) -> String {
    let mut text = format!("# {}\n\n", plain(&words::headline(data)));
    for sentence in words::finding(data).into_iter().chain(words::method(data)) {
        let _ = writeln!(text, "{}\n", plain(&sentence));
    }
    for note in words::notes(data) {
        let _ = writeln!(text, "> {}\n", plain(&note));
    }
    table(&mut text, data);
    for chart in charts {
        let _ = writeln!(text, "\n## {}\n", plain(&chart.title));
        let _ = writeln!(text, "![{}]({}.svg)\n", plain(&chart.description), chart.name);
        let _ = writeln!(text, "{}", plain(&chart.caption));
    }
    precision_table(&mut text, data);
    let _ = writeln!(text, "\n## To make it again\n");
    // Nothing inside an indented block can close it, whereas a fence can be closed from inside.
    for command in provenance::command(data).lines() {
        let _ = writeln!(text, "    {command}");
    }
    text.push('\n');
    if let Some(parity) = provenance::worst_parity(data) {
        let _ = writeln!(text, "{}\n", plain(&provenance::parity_sentence(&parity)));
    }
    let _ = writeln!(text, "[The whole report](index.html), with test items and the data.");
    text
}

fn table(text: &mut String, data: &ReportData) {
    let settings = settings::differing(&data.entries);
    let metrics = results::metrics(data);
    let mut header = vec!["experiment".to_owned(), "score".into(), "difference".into(), "verdict".into()];
    header.extend(metrics.iter().map(|metric| results::metric_name(metric).to_owned()));
    header.extend(settings.iter().map(|setting| setting.name.clone()));
    line(text, &header);
    line(text, &alignments(metrics.len(), &settings));
    for index in 0..data.entries.len() {
        line(text, &cells(data, index, &metrics, &settings));
    }
}

fn precision_table(text: &mut String, data: &ReportData) {
    let lines = precisions::lines(data);
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n## Precisions\n\n{}\n", plain(&precisions::caption(data)));
    let header = std::iter::once("run").chain(precisions::HEADER).map(str::to_owned);
    line(text, &header.collect::<Vec<_>>());
    let columns = (0..precisions::HEADER.len()).map(precisions::is_number);
    line(text, &std::iter::once(false).chain(columns).map(alignment).collect::<Vec<_>>());
    for Line { entry, run, cells } in &lines {
        let run = run.as_ref().map(|run| format!(", {run}")).unwrap_or_default();
        let name = plain(&data.entries[*entry].name) + &run;
        line(
            text,
            &std::iter::once(name)
                .chain(cells.iter().map(|cell| plain(&cell.to_string())))
                .collect::<Vec<_>>(),
        );
    }
}

fn alignment(numeric: bool) -> String {
    if numeric { "---:" } else { "---" }.to_owned()
}

fn alignments(metrics: usize, settings: &[Setting]) -> Vec<String> {
    let mut columns: Vec<String> = [false, true, true, false].map(alignment).to_vec();
    columns.extend((0..metrics).map(|_| alignment(true)));
    columns.extend(settings.iter().map(|setting| alignment(setting.numeric)));
    columns
}

fn cells(data: &ReportData, index: usize, metrics: &[String], settings: &[Setting]) -> Vec<String> {
    let entry = &data.entries[index];
    let mut cells = vec![plain(&entry.name)];
    let row = data.row(index);
    cells.push(match row {
        Some(row) => format::estimate(row.score.value, row.score.low, row.score.high),
        None if entry.state() == State::NotRunYet => "not run yet".to_owned(),
        None => "not scored".to_owned(),
    });
    match row.and_then(|row| row.difference.as_ref()) {
        Some(difference) => {
            let delta = &difference.delta;
            cells.push(format::difference(delta.value, delta.low, delta.high));
            cells.push(format!("{}, {}", difference.verdict.as_str(), words::p_value(difference)));
        }
        None => {
            cells.push("–".to_owned());
            cells.push(if data.is_baseline(index) { "baseline" } else { "–" }.to_owned());
        }
    }
    let measured =
        metrics.iter().map(|metric| row.map_or_else(|| "–".to_owned(), |row| results::measure(row, metric)));
    cells.extend(measured);
    cells.extend(settings.iter().map(|setting| plain(&setting.values[index])));
    cells
}

fn line(text: &mut String, cells: &[String]) {
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

/// Returns the text on one line, with everything escaped that GitHub would take for markup.
fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' | '$' => escaped.extend(['\\', c]),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_become_markup() {
        assert_eq!(plain("a|b\n<img src=x> [l](u)"), "a\\|b &lt;img src=x&gt; \\[l\\](u)");
    }
}
