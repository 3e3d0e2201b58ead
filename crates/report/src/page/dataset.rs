//! The section on the data: both sides of the join, what was left out, and the splits.

use cliptune_experiment::Split;
use cliptune_store::DatasetRecord;
use cliptune_terminal::format::count;
use maud::{Markup, html};

use crate::data::ReportData;
use crate::words;

/// Returns the section on all datasets.
pub(super) fn section(data: &ReportData) -> Markup {
    html! {
        section #data {
            h2 { "The data" }
            @for dataset in &data.datasets {
                @if data.datasets.len() > 1 { h3 { "The " (words::kind(dataset.task)) " dataset" } }
                p { (words::dataset_sentence(dataset)) }
                div.facts { (join(dataset)) (splits(dataset)) (rejects(dataset)) (multiplicities(dataset)) }
            }
        }
    }
}

fn facts(caption: &str, rows: &[(String, String)]) -> Markup {
    html! {
        table {
            caption { (caption) }
            tbody { @for (name, value) in rows { tr { td { (name) } td.number { (value) } } } }
        }
    }
}

fn join(dataset: &DatasetRecord) -> Markup {
    let join = &dataset.join;
    let (fewest, median, most) = join.rows_per_image;
    let rows = [
        ("image files", count(join.images)),
        ("… with a row", count(join.images_matched)),
        ("table rows", count(join.rows)),
        ("… left out by the where clause", count(join.rows_filtered)),
        ("… with an image", count(join.rows_matched)),
        ("rows per image (fewest, median, most)", format!("{fewest}, {median}, {most}")),
    ];
    facts("Both sides of the join", &rows.map(|(name, value)| (name.to_owned(), value)))
}

fn rejects(dataset: &DatasetRecord) -> Markup {
    let rows: Vec<_> =
        dataset.rejects.iter().map(|(reason, n)| (reason.replace('_', " "), count(*n))).collect();
    match rows.is_empty() {
        true => facts("Left out", &[("nothing".to_owned(), "0".to_owned())]),
        false => facts("Left out, by reason", &rows),
    }
}

fn multiplicities(dataset: &DatasetRecord) -> Markup {
    let rows = dataset.items.multiplicities.iter().map(|(times, items)| {
        let name = if *times == 1 { "from one row".to_owned() } else { format!("from {times} equal rows") };
        (name, count(*items))
    });
    facts("Items", &rows.collect::<Vec<_>>())
}

fn splits(dataset: &DatasetRecord) -> Markup {
    let known = Split::ALL.iter().filter_map(|split| Some((split, dataset.splits.get(split.as_str())?)));
    html! {
        table {
            caption { "Splits" }
            thead { tr {
                th scope="col" { "" }
                @for name in ["items", "groups", "images", "components"] { th.number scope="col" { (name) } }
            } }
            tbody {
                @for (split, counts) in known {
                    tr {
                        th scope="row" { (split) }
                        @for n in [counts.items, counts.groups, counts.images, counts.components] {
                            td.number { (count(n)) }
                        }
                    }
                }
                tr {
                    td { "in several splits" }
                    td.number { "–" }
                    td.number { (count(dataset.leaks.groups)) }
                    td.number { (count(dataset.leaks.images)) }
                    td.number { (count(dataset.leaks.texts)) " texts" }
                }
            }
        }
    }
}
