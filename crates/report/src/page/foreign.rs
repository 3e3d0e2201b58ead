//! The table of imported runs.

use cliptune_documents::{folded, named};
use maud::{Markup, html};

use crate::data::ReportData;
use crate::foreign::{self, CAPTION, HEADER, is_number};

/// Returns the section, if any run was imported beside these experiments.
pub(super) fn section(data: &ReportData) -> Option<Markup> {
    let lines = foreign::lines(data);
    (!lines.is_empty()).then(|| {
        html! {
            section #foreign {
                h2 { "Imported runs" }
                p { (CAPTION) }
                div.scroll tabindex="0" {
                    table {
                        thead { tr {
                            th scope="col" { "run" }
                            @for (column, name) in HEADER.iter().enumerate() {
                                th.number[is_number(column)] scope="col" { (name) }
                            }
                        } }
                        tbody {
                            @for line in &lines {
                                tr {
                                    th scope="row" { (named(line.name)) }
                                    @for (column, cell) in line.cells.iter().enumerate() {
                                        td.number[is_number(column)] { (folded(cell)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    })
}
