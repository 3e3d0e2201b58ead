//! The end of the page, which says where every number comes from.

use cliptune_documents::named;
use cliptune_experiment::Split;
use cliptune_store::{Base, Parity, RunRecord};
use maud::{Markup, html};

use crate::data::{Entry, ReportData, RunSummary};
use crate::provenance;

/// Returns the end of the page.
pub(super) fn footer(data: &ReportData) -> Markup {
    html! {
        footer {
            h2 { "Where these numbers come from" }
            p { "To make them again:" }
            pre { code { (provenance::command(data)) } }
            @if let Some(parity) = provenance::worst_parity(data) { p { (provenance::parity_sentence(&parity)) } }
            details {
                summary { "Runs, hashes, versions and hosts" }
                div.scroll tabindex="0" { (runs(data)) }
                @if data.others().next().is_some() {
                    p { "These are the runs of what the charts name. " code { "cliptune show" } " has the others'." }
                }
            }
            @for dataset in &data.datasets {
                p { "Dataset " code { (short(&dataset.hash)) }
                    ", from images " code { (short(&dataset.sources.images_hash)) }
                    " and table " code { (short(&dataset.sources.table_hash)) } "." }
            }
            p { "Report inputs " code { (short(&data.inputs)) } ". Made by cliptune " (env!("CARGO_PKG_VERSION")) "; the same inputs make the same bytes." }
        }
    }
}

fn runs(data: &ReportData) -> Markup {
    let header = [
        "run",
        "key",
        "started from",
        "cliptune",
        "commit",
        "host",
        "device",
        "parity: max. logit difference",
    ];
    html! {
        table {
            thead { tr { @for name in header { th scope="col" { (name) } } } }
            tbody {
                @for (_, entry) in data.named() {
                    @for run in &entry.runs { (row(entry, run)) }
                }
            }
        }
    }
}

fn row(entry: &Entry, run: &RunSummary) -> Markup {
    html! {
        tr {
            @match &run.record {
                Some(record) => (recorded(record, run.scores_on(Split::Test).and_then(|scores| scores.parity.as_ref()))),
                None => td colspan="8" { (named(&entry.name)) ", " (run.label()) ": not run yet" },
            }
        }
    }
}

fn recorded(record: &RunRecord, parity: Option<&Parity>) -> Markup {
    let made = &record.provenance;
    html! {
        td.hash { code { (record.experiment) "/" (named(&record.run)) } }
        td { code { (short(&record.key)) } }
        td { (base(&record.base)) }
        td { (named(&made.cliptune)) " " code { (short(&made.binary)) } }
        td { @match &made.git_commit { Some(commit) => code { (short(commit)) }, None => "–" } }
        td { (named(&made.host)) }
        td { (named(&made.device)) ", " (made.threads) " threads" }
        td { @match parity { Some(parity) => (provenance::parity_cell(parity)), None => "–" } }
    }
}

fn base(base: &Base) -> Markup {
    match base {
        Base::Scratch => html! { "random weights" },
        Base::Folder { hash } => html! { "folder " code { (short(hash)) } },
        Base::Hub { id, commit, .. } => html! { (named(id)) " " code { (short(commit)) } },
        Base::Run { run, .. } => html! { code { (named(run)) } },
    }
}

/// Returns the first characters of a hash, which are enough to tell two apart.
fn short(hash: &str) -> String {
    let kept: String = hash.chars().take(12).collect();
    if hash.ends_with('+') && !kept.ends_with('+') { format!("{kept}+") } else { kept }
}
