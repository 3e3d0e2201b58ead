//! The overview of all entries, and the settings and costs behind it. Both are plain tables, which the script of the page sorts
//! and filters.

use cliptune_documents::{beginning, named};
use maud::{Markup, PreEscaped, html};

use super::{colour_style, picked_style};
use crate::data::{BoardRow, Difference, ReportData, Role, State, mean};
use crate::overview;
use crate::settings::Setting;
use crate::{results, words};

/// The number of rows from which on a table scrolls by itself, with its header in sight.
pub(super) const TALL: usize = 30;

/// Returns the section with two tables of the same rows: one of results and one of the settings behind them.
pub(super) fn section(data: &ReportData, settings: &[Setting]) -> Markup {
    let (axes, others): (Vec<&Setting>, Vec<&Setting>) = settings.iter().partition(|setting| setting.is_axis);
    let metrics = results::metrics(data);
    let order = overview::order(data);
    html! {
        section #results {
            h2 { "Results and settings" }
            p { (words::overview_caption(data)) }
            (pick_rules(data))
            (table(data, &axes, &order, true, overview_head(&metrics), &|index| overview_cells(data, index, &metrics)))
            @if !others.is_empty() {
                (table(data, &axes, &order, false, settings_head(&others), &|index| settings_cells(index, &others)))
            }
            @if !metrics.is_empty() { p.fine style="margin-top:.8rem" { (results::legend(&metrics)) } }
        }
    }
}

/// Returns the rules by which a checked box shows the curves of its row. They need no script.
fn pick_rules(data: &ReportData) -> Markup {
    let rules: String = data
        .others()
        .map(|(index, _)| format!("body:has(#pick-{index}:checked) .p{index}{{display:inline-block}}"))
        .collect();
    html! { @if !rules.is_empty() { style { ".p{display:none}" (PreEscaped(rules)) } } }
}

/// Returns a table with a row for each entry, which begins with its name and its point of the matrix.
fn table(
    data: &ReportData,
    axes: &[&Setting],
    order: &[usize],
    can_pick: bool,
    head: Markup,
    cells: &dyn Fn(usize) -> Markup,
) -> Markup {
    html! {
        div.scroll.tall[order.len() > TALL] tabindex="0" role="region" aria-label=(if can_pick { "results" } else { "settings" }) {
            table.sortable {
                thead { tr {
                    th scope="col" { "experiment" }
                    @for axis in axes { th.number[axis.numeric] scope="col" { (named(&axis.name)) } }
                    (head)
                } }
                tbody {
                    @for &index in order {
                        tr data-e=(index) {
                            th scope="row" {
                                @if can_pick { (pick(data, index)) }
                                (row_name(data, index, axes))
                            }
                            @for axis in axes { td.number[axis.numeric] { (named(&axis.values[index])) } }
                            (cells(index))
                        }
                    }
                }
            }
        }
    }
}

/// Returns the box that shows the curves of an entry which is not drawn by name, with the colour that they have.
fn pick(data: &ReportData, index: usize) -> Markup {
    let entry = &data.entries[index];
    html! {
        @if entry.role == Role::Other {
            input type="checkbox" id=(format!("pick-{index}")) aria-label=(format!("draw {}", beginning(&entry.name, 120)));
            span class=(format!("dot p p{index}")) style=(picked_style(index)) aria-hidden="true" {}
        }
    }
}

fn row_name(data: &ReportData, index: usize, axes: &[&Setting]) -> Markup {
    let entry = &data.entries[index];
    html! {
        span.dot style=(colour_style(data, index)) aria-hidden="true" {}
        (named(overview::name(entry, axes)))
    }
}

fn overview_head(metrics: &[String]) -> Markup {
    html! {
        th.number scope="col" { "score" }
        th.number scope="col" { "difference" }
        th.verdict scope="col" { "verdict" }
        th.number scope="col" { "kept epoch" }
        th.number scope="col" { "seeds done" }
        @for metric in metrics { th.number scope="col" { (results::metric_name(metric)) } }
    }
}

fn overview_cells(data: &ReportData, index: usize, metrics: &[String]) -> Markup {
    let (scored, entry) = (data.row(index), &data.entries[index]);
    let kept = mean(overview::kept_epochs(entry).into_iter().map(|epoch| epoch as f64));
    html! {
        td.number { (score(data, index, scored)) }
        (difference(data, index, scored))
        td.number data-v=[kept] { (overview::kept(entry)) }
        td.number data-v=(entry.seeds_done().0) { (overview::seeds(entry)) }
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

fn settings_head(settings: &[&Setting]) -> Markup {
    html! { @for setting in settings { th.number[setting.numeric] scope="col" { (named(&setting.name)) } } }
}

fn settings_cells(index: usize, settings: &[&Setting]) -> Markup {
    let number = |setting: &Setting| setting.numbers.as_ref().map(|numbers| numbers[index]);
    html! {
        @for setting in settings {
            td.number[setting.numeric] data-v=[number(setting).filter(|number| number.is_finite())] {
                (named(&setting.values[index]))
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
