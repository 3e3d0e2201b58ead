//! The section on the data: both sides of the join, what was left out, and the splits.

use cliptune_documents::named;
use cliptune_experiment::Split;
use cliptune_store::{DatasetRecord, Leaks, Spread};
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
            tbody { @for (name, value) in rows { tr { td { (named(name)) } td.number { (value) } } } }
        }
    }
}

fn spread(Spread { fewest, median, most }: &Spread) -> String {
    [fewest, median, most].map(|number| count(*number)).join(", ")
}

fn join(dataset: &DatasetRecord) -> Markup {
    let join = &dataset.join;
    let rows = [
        ("image files", count(join.images)),
        ("… with a row", count(join.images_matched)),
        ("table rows", count(join.rows)),
        ("… left out by the where clause", count(join.rows_filtered)),
        ("… with an image", count(join.rows_matched)),
        ("rows per image (fewest, median, most)", spread(&join.rows_per_image)),
        ("images with only one row", count(join.images_with_one_row)),
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
                @for name in ["items", "groups", "items per group", "images", "components"] { th.number scope="col" { (name) } }
            } }
            tbody {
                @for (split, counts) in known {
                    tr {
                        th scope="row" { (split) }
                        td.number { (count(counts.items)) }
                        td.number { (count(counts.groups)) }
                        td.number { (spread(&counts.items_per_group)) }
                        td.number { (count(counts.images)) }
                        td.number { (count(counts.components)) }
                    }
                }
            }
        }
        (leaks(dataset))
    }
}

/// Returns the counts of what is in more than one split, kind by kind.
fn leaks(dataset: &DatasetRecord) -> Markup {
    let Leaks { items, groups, images, near_duplicates, texts, .. } = &dataset.leaks;
    let near = match dataset.knows_near_duplicates() {
        true => count(*near_duplicates),
        false => "not looked for".to_owned(),
    };
    let rows = [
        ("items", count(*items)),
        ("groups", count(*groups)),
        ("images", count(*images)),
        ("pairs of near-duplicate images", near),
        ("texts", count(*texts)),
    ];
    facts("In several splits", &rows.map(|(name, value)| (name.to_owned(), value)))
}
