//! The tables of results and settings.

use cliptune_documents::named;
use maud::{Markup, html};

use super::entry_name;
use crate::data::{BoardRow, Difference, ReportData, State};
use crate::settings::{self, Setting};
use crate::{results, words};

/// Returns the section with two tables of the same rows: one of results and one of the settings behind them.
pub(super) fn section(data: &ReportData) -> Markup {
    let settings = settings::differing(&data.entries);
    let metrics = results::metrics(data);
    html! {
        section #results {
            h2 { "Results and settings" }
            p { "Brackets are 95 % intervals; differences are paired on the same test items. Settings that all experiments share are left out." }
            (reached(data, &metrics))
            @if !settings.is_empty() { (differing(data, &settings)) }
            @if !metrics.is_empty() { p.fine style="margin-top:.8rem" { (results::legend(&metrics)) } }
        }
    }
}

fn reached(data: &ReportData, metrics: &[String]) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr {
                    th scope="col" { "experiment" }
                    th.number scope="col" { "score" }
                    th.number scope="col" { "difference" }
                    th.verdict scope="col" { "verdict" }
                    @for metric in metrics { th.number scope="col" { (results::metric_name(metric)) } }
                } }
                tbody { @for index in 0..data.entries.len() { (result_row(data, index, metrics)) } }
            }
        }
    }
}

fn result_row(data: &ReportData, index: usize, metrics: &[String]) -> Markup {
    let scored = data.row(index);
    html! {
        tr {
            th scope="row" { (entry_name(data, index)) }
            td.number { (score(data, index, scored)) }
            (difference(data, index, scored))
            @for metric in metrics {
                td.number {
                    (scored.map_or_else(|| "–".to_owned(), |row| results::measure(row, metric)))
                    @if let Some(interval) = scored.and_then(|row| results::interval(row, metric)) {
                        span.interval { (interval) }
                    }
                }
            }
        }
    }
}

fn differing(data: &ReportData, settings: &[Setting]) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr {
                    th scope="col" { "settings" }
                    @for setting in settings { th.number[setting.numeric] scope="col" { (named(&setting.name)) } }
                } }
                tbody {
                    @for index in 0..data.entries.len() {
                        tr {
                            th scope="row" { (entry_name(data, index)) }
                            @for setting in settings { td.number[setting.numeric] { (named(&setting.values[index])) } }
                        }
                    }
                }
            }
        }
    }
}

fn score(data: &ReportData, index: usize, row: Option<&BoardRow>) -> Markup {
    match row {
        Some(row) => html! {
            b { (format!("{:.3}", row.score.value)) }
            span.interval { (format!("[{:.3}, {:.3}]", row.score.low, row.score.high)) }
            @if !row.per_fold.is_empty() { span.interval { (folds(row)) } }
        },
        None => html! {
            @match data.entries[index].state() {
                State::NotRunYet => "not run yet",
                State::Incomplete => "incomplete",
                State::Done => "not scored",
            }
        },
    }
}

fn folds(row: &BoardRow) -> String {
    let scores = row.per_fold.iter().map(|(_, score)| format!("{score:.3}"));
    format!("folds {}", scores.collect::<Vec<_>>().join(" "))
}

fn difference(data: &ReportData, index: usize, row: Option<&BoardRow>) -> Markup {
    match row.and_then(|row| row.difference.as_ref()) {
        Some(difference) => compared(difference),
        None => html! {
            td.number { "–" }
            td.verdict { @if data.is_baseline(index) { "baseline" } @else { "–" } }
        },
    }
}

fn compared(difference: &Difference) -> Markup {
    let delta = &difference.delta;
    let class = difference.verdict.as_str().split(' ').next().unwrap_or_default();
    html! {
        td.number {
            b { (format!("{:+.3}", delta.value)) }
            span.interval { (format!("[{:+.3}, {:+.3}]", delta.low, delta.high)) }
        }
        td.verdict {
            span.(class) { (difference.verdict.as_str()) }
            span.interval { (words::p_value(difference)) }
        }
    }
}
