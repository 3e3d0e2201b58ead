//! The table of precisions.

use maud::{Markup, html};

use super::{entry_name, of_runs};
use crate::data::ReportData;
use crate::precisions::{self, HEADER, Line, is_number};

/// Returns the section, if any run has reduced precisions.
pub(super) fn section(data: &ReportData) -> Option<Markup> {
    let lines = precisions::lines(data);
    (!lines.is_empty()).then(|| {
        html! {
            section #precisions {
                h2 { "Precisions" }
                p { (precisions::caption(data)) }
                (of_runs(&HEADER, is_number, &html! { @for line in &lines { (row(data, line)) } }))
            }
        }
    })
}

fn row(data: &ReportData, line: &Line) -> Markup {
    html! {
        tr {
            th scope="row" {
                (entry_name(data, line.entry))
                @if let Some(run) = &line.run { ", " (run) }
            }
            @for (column, cell) in line.cells.iter().enumerate() {
                td.number[is_number(column)] {
                    (cell.value)
                    @if !cell.detail.is_empty() { span.interval { (cell.detail) } }
                }
            }
        }
    }
}
