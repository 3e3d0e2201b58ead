//! Writes `report.md`, which has the finding, the table and the charts, for pull requests and READMEs.

use std::fmt::Write as _;

use cliptune_documents::markdown_text;
use cliptune_terminal::format::{self, visible_lines};

use crate::charts::Chart;
use crate::data::{ReportData, State};
use crate::foreign;
use crate::precisions;
use crate::retrieval::{self, Chance, Line};
use crate::settings::Setting;
use crate::{overview, provenance, results, words};

/// Returns the text of `report.md`.
pub(crate) fn markdown(data: &ReportData, settings: &[Setting], charts: &[Chart]) -> String {
    let mut text = format!("# {}\n\n", markdown_text(&words::headline(data)));
    for sentence in words::finding(data).into_iter().chain(words::method(data)) {
        let _ = writeln!(text, "{}\n", markdown_text(&sentence));
    }
    for note in words::first_notes(data) {
        let _ = writeln!(text, "> {}\n", markdown_text(&note));
    }
    table(&mut text, data, settings);
    foreign_table(&mut text, data);
    retrieval_table(&mut text, data);
    for chart in charts {
        let _ = writeln!(text, "\n## {}\n", markdown_text(&chart.title));
        let _ = writeln!(text, "![{}]({}.svg)\n", markdown_text(&chart.description), chart.name);
        let _ = writeln!(text, "{}", markdown_text(&chart.caption));
    }
    precision_table(&mut text, data);
    let _ = writeln!(text, "\n## To make it again\n");
    // Nothing inside an indented block can close it, whereas a fence can be closed from inside.
    for command in provenance::command(data).lines() {
        let _ = writeln!(text, "    {command}");
    }
    text.push('\n');
    if let Some(parity) = provenance::worst_parity(data) {
        let _ = writeln!(text, "{}\n", markdown_text(&provenance::parity_sentence(&parity)));
    }
    let _ = writeln!(text, "[The whole report](index.html), with test items and the data.");
    visible_lines(&text).into_owned()
}

fn table(text: &mut String, data: &ReportData, settings: &[Setting]) {
    let metrics = results::metrics(data);
    let header = ["experiment", "score", "difference", "verdict", "kept epoch", "seeds done"];
    let mut header = header.map(str::to_owned).to_vec();
    header.extend(metrics.iter().map(|metric| results::metric_name(metric).to_owned()));
    header.extend(settings.iter().map(|setting| setting.name.clone()));
    line(text, &header.iter().map(|name| markdown_text(name)).collect::<Vec<_>>());
    line(text, &alignments(metrics.len(), settings));
    for index in overview::order(data) {
        line(text, &cells(data, index, &metrics, settings));
    }
}

fn foreign_table(text: &mut String, data: &ReportData) {
    let lines = foreign::lines(data);
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n## Imported runs\n\n{}\n", markdown_text(foreign::CAPTION));
    let header = std::iter::once("run").chain(foreign::HEADER).map(str::to_owned);
    line(text, &header.collect::<Vec<_>>());
    let columns = (0..foreign::HEADER.len()).map(foreign::is_number);
    line(text, &std::iter::once(false).chain(columns).map(alignment).collect::<Vec<_>>());
    for foreign::Line { name, cells } in &lines {
        let cells = std::iter::once(*name).chain(cells.iter().map(String::as_str));
        line(text, &cells.map(markdown_text).collect::<Vec<_>>());
    }
}

fn retrieval_table(text: &mut String, data: &ReportData) {
    let lines = retrieval::lines(data);
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n## Retrieval, in both directions\n\n{}\n", markdown_text(retrieval::CAPTION));
    let header: Vec<String> = std::iter::once("experiment".to_owned()).chain(retrieval::header()).collect();
    line(text, &header);
    line(text, &(0..header.len()).map(|column| alignment(column > 0)).collect::<Vec<_>>());
    for Line { entry, cells } in &lines {
        let cells = cells.iter().map(|(value, interval)| match interval {
            Some(interval) => format!("{value} {interval}"),
            None => value.clone(),
        });
        let name = &data.entries[*entry].name;
        line(
            text,
            &std::iter::once(name.clone()).chain(cells).map(|cell| markdown_text(&cell)).collect::<Vec<_>>(),
        );
    }
    for Chance { name, cells } in &retrieval::chances(data) {
        line(text, &std::iter::once(name).chain(cells).map(|cell| markdown_text(cell)).collect::<Vec<_>>());
    }
}

fn precision_table(text: &mut String, data: &ReportData) {
    let lines = precisions::lines(data);
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n## Precisions\n\n{}\n", markdown_text(&precisions::caption(data)));
    let header = std::iter::once("run").chain(precisions::HEADER).map(str::to_owned);
    line(text, &header.collect::<Vec<_>>());
    let columns = (0..precisions::HEADER.len()).map(precisions::is_number);
    line(text, &std::iter::once(false).chain(columns).map(alignment).collect::<Vec<_>>());
    for precisions::Line { entry, run, cells } in &lines {
        let run = run.as_ref().map(|run| format!(", {run}")).unwrap_or_default();
        let name = markdown_text(&data.entries[*entry].name) + &run;
        line(
            text,
            &std::iter::once(name)
                .chain(cells.iter().map(|cell| markdown_text(&cell.to_string())))
                .collect::<Vec<_>>(),
        );
    }
}

fn alignment(numeric: bool) -> String {
    if numeric { "---:" } else { "---" }.to_owned()
}

fn alignments(metrics: usize, settings: &[Setting]) -> Vec<String> {
    let mut columns: Vec<String> = [false, true, true, false, true, true].map(alignment).to_vec();
    columns.extend((0..metrics).map(|_| alignment(true)));
    columns.extend(settings.iter().map(|setting| alignment(setting.numeric)));
    columns
}

fn cells(data: &ReportData, index: usize, metrics: &[String], settings: &[Setting]) -> Vec<String> {
    let entry = &data.entries[index];
    let mut cells = vec![markdown_text(&entry.name)];
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
    cells.extend([overview::kept(entry), overview::seeds(entry)]);
    let measured =
        metrics.iter().map(|metric| row.map_or_else(|| "–".to_owned(), |row| results::measure(row, metric)));
    cells.extend(measured);
    cells.extend(settings.iter().map(|setting| markdown_text(&setting.values[index])));
    cells
}

fn line(text: &mut String, cells: &[String]) {
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}
