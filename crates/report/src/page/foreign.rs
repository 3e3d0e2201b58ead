//! The table of imported runs.

use cliptune_documents::{folded, named};
use maud::{Markup, html};

use super::of_runs;
use crate::data::ReportData;
use crate::foreign::{self, CAPTION, HEADER, Line, is_number};

/// Returns the section, if any run was imported beside these experiments.
pub(super) fn section(data: &ReportData) -> Option<Markup> {
    let lines = foreign::lines(data);
    (!lines.is_empty()).then(|| {
        html! {
            section #foreign {
                h2 { "Imported runs" }
                p { (CAPTION) }
                (of_runs(&HEADER, is_number, &html! { @for line in &lines { (row(line)) } }))
            }
        }
    })
}

fn row(line: &Line<'_>) -> Markup {
    html! {
        tr {
            th scope="row" { (named(line.name)) }
            @for (column, cell) in line.cells.iter().enumerate() {
                td.number[is_number(column)] { (folded(cell)) }
            }
        }
    }
}
