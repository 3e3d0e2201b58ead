//! The page: one file without network. Its only script sorts and filters tables, which are there without it.

mod dataset;
mod foreign;
mod gallery;
mod pairs;
mod precisions;
mod provenance;
mod results;
mod retrieval;

use cliptune_documents::named;
use maud::{Markup, PreEscaped, html};

use crate::charts::{Chart, DataTable, Look, Width, theme};
use crate::data::ReportData;
use crate::settings::Setting;
use crate::words;

pub(crate) use gallery::{picture as item_picture, shown as shown_texts};

/// The looks of the page.
pub(crate) const STYLE: &str = include_str!("style.css");
/// What sorts and filters tables.
const SCRIPT: &str = include_str!("tables.js");

/// Returns the whole page.
pub(crate) fn page(data: &ReportData, settings: &[Setting], charts: &[Chart]) -> String {
    let title = words::headline(data);
    let body = html! {
        main {
            (lead(data, &title))
            @for chart in charts.iter().filter(|chart| chart.name == "accuracy") { (figure(chart)) }
            (results::section(data, settings))
            @if let Some(foreign) = foreign::section(data) { (foreign) }
            @if let Some(retrieval) = retrieval::section(data) { (retrieval) }
            @for chart in charts.iter().filter(|chart| chart.name != "accuracy") { (figure(chart)) }
            @if let Some(precisions) = precisions::section(data) { (precisions) }
            @if let Some(gallery) = &data.gallery { (gallery::section(data, gallery)) }
            @if let Some(pairs) = &data.pairs { (pairs::section(data, pairs)) }
            @if !data.datasets.is_empty() { (dataset::section(data)) }
            @if data.others().next().is_some() { (picked(data)) }
        }
        (provenance::footer(data))
    };
    cliptune_documents::page_with_script(&title, &format!("{}{STYLE}", theme::css()), SCRIPT, &body)
}

fn lead(data: &ReportData, title: &str) -> Markup {
    let notes = words::first_notes(data);
    html! {
        p.kicker { b { "cliptune" } span { "report " (named(&data.name)) } span { (words::extent(data)) } }
        h1 { (title) }
        div.standfirst { @for paragraph in words::finding(data) { p { (paragraph) } } }
        div.method { @for paragraph in words::method(data) { p { (paragraph) } } }
        @if !notes.is_empty() {
            div.note { ul { @for note in notes { li { (note) } } } }
        }
    }
}

fn figure(chart: &Chart) -> Markup {
    html! {
        section #(chart.name) {
            h2 { (chart.title) }
            p { (chart.caption) }
            @if chart.has_picks() { p.fine { "Boxes in the table of results draw others." } }
            figure {
                (PreEscaped(chart.svg(Width::Wide, Look::Inline)))
                (PreEscaped(chart.svg(Width::Narrow, Look::Inline)))
            }
            details { summary { "The numbers in this chart" } (table(&chart.table)) }
        }
    }
}

/// Returns the names of the entries that the reader has picked, each with the colour of its curve.
fn picked(data: &ReportData) -> Markup {
    html! {
        div.picked role="status" {
            @for (index, entry) in data.others() {
                span class=(format!("p p{index}")) {
                    span.dot style=(picked_style(index)) aria-hidden="true" {}
                    (named(&entry.label)) " "
                }
            }
        }
    }
}

fn table(table: &DataTable) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr { @for cell in &table.header { th scope="col" { (cell) } } } }
                tbody {
                    @for row in &table.rows {
                        tr { @for cell in row { td { bdi { (cell) } } } }
                    }
                }
            }
        }
    }
}

/// Returns a table of runs: its head, with the names of the columns behind the runs', and its rows.
fn of_runs(header: &[&str], is_number: fn(usize) -> bool, rows: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr {
                    th scope="col" { "run" }
                    @for (column, name) in header.iter().enumerate() {
                        th.number[is_number(column)] scope="col" { (name) }
                    }
                } }
                tbody { (rows) }
            }
        }
    }
}

/// Returns an entry's name with its dot, which has the same colour as in the charts.
fn entry_name(data: &ReportData, entry: usize) -> Markup {
    html! {
        span.dot style=(colour_style(data, entry)) aria-hidden="true" {}
        (named(&data.entries[entry].name))
    }
}

fn colour_style(data: &ReportData, entry: usize) -> String {
    format!("--c:var(--{})", theme::of_entry(data, entry).variable)
}

/// Returns the colour of an entry that the reader has picked.
fn picked_style(entry: usize) -> String {
    format!("--c:var(--{})", theme::of_picked(entry).variable)
}
