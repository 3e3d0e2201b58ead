//! The table of recall in both directions.

use maud::{Markup, html};

use super::{entry_name, results};
use crate::data::ReportData;
use crate::retrieval::{self, Chance, Line};

/// Returns the section, if any pairs were scored.
pub(super) fn section(data: &ReportData) -> Option<Markup> {
    let lines = retrieval::lines(data);
    (!lines.is_empty()).then(|| {
        html! {
            section #retrieval {
                h2 { "Retrieval, in both directions" }
                p { (retrieval::CAPTION) }
                div.scroll.tall[lines.len() > results::TALL] tabindex="0" role="region" aria-label="retrieval" {
                    table.sortable {
                        thead { tr {
                            th scope="col" { "experiment" }
                            @for name in retrieval::header() { th.number scope="col" { (name) } }
                        } }
                        tbody { @for line in &lines { (row(data, line)) } }
                        tfoot { @for chance in &retrieval::chances(data) { (guessing(chance)) } }
                    }
                }
            }
        }
    })
}

fn row(data: &ReportData, line: &Line) -> Markup {
    html! {
        tr data-e=(line.entry) {
            th scope="row" { (entry_name(data, line.entry)) }
            @for (value, interval) in &line.cells {
                td.number { (value) @if let Some(interval) = interval { span.interval { (interval) } } }
            }
        }
    }
}

fn guessing(chance: &Chance) -> Markup {
    html! {
        tr {
            th scope="row" { (chance.name) }
            @for value in &chance.cells { td.number { (value) } }
        }
    }
}
