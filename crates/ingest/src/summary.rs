//! What a person reads about a new dataset.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cliptune_experiment::Split;
use cliptune_store::{DatasetRecord, Leaks};
use cliptune_terminal::format::{count, counted};

/// A few lines: both sides of the join, rejects, items, splits, leaks.
pub(crate) fn summary(record: &DatasetRecord) -> String {
    let (join, items) = (&record.join, &record.items);
    let mut text = format!(
        "  joined     {} of {} with {} of {}\n",
        count(join.images_matched),
        counted(join.images, "image"),
        count(join.rows_matched),
        counted(join.rows, "row"),
    );
    if join.rows_filtered > 0 {
        let _ = writeln!(text, "  filtered   {} by `where`", counted(join.rows_filtered, "row"));
    }
    for (reason, number) in &record.rejects {
        let _ = writeln!(text, "  rejected   {}: {reason}", count(*number));
    }
    let rows: u64 = items.multiplicities.iter().map(|(copies, number)| copies * number).sum();
    let _ = writeln!(
        text,
        "  items      {} from {} ({} each), with {}, {} in {}",
        count(items.items),
        counted(rows, "row"),
        span(&items.multiplicities, "row"),
        span(&items.texts_per_item, "text"),
        counted(items.groups, "group"),
        counted(items.components, "connected component"),
    );
    for split in Split::ALL {
        if let Some(counts) = record.splits.get(split.as_str()) {
            let _ = writeln!(
                text,
                "  {:<10} {}, {}, {}",
                split.as_str(),
                counted(counts.items, "item"),
                counted(counts.groups, "group"),
                counted(counts.components, "component")
            );
        }
    }
    text + "  leaks      " + &leaks(&record.leaks)
}

/// The range of a tally's keys: `5 texts`, `6 to 12 rows`.
fn span(tally: &BTreeMap<u64, u64>, noun: &str) -> String {
    match (tally.first_key_value(), tally.last_key_value()) {
        (Some((first, _)), Some((last, _))) if first < last => {
            format!("{} to {}", count(*first), counted(*last, noun))
        }
        (Some((only, _)), _) => counted(*only, noun),
        _ => counted(0, noun),
    }
}

fn leaks(leaks: &Leaks) -> String {
    if *leaks == Leaks::default() {
        return "nothing crosses a split".to_owned();
    }
    let crossing = [(leaks.groups, "group"), (leaks.images, "image"), (leaks.texts, "text")];
    let crossing: Vec<String> = crossing
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, name)| counted(*number, name))
        .collect();
    format!("{} in more than one split", crossing.join(", "))
}
