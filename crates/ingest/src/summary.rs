//! The summary of a new dataset that the user reads.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cliptune_experiment::{Split, SplitBy};
use cliptune_store::{Changes, DatasetRecord, Difference, SourceNotes, Spread};
use cliptune_terminal::format::{agreed, count, counted, counted_all};

use crate::shown::shown;

/// Summarises a dataset in a few lines: both sides of the join, rejects, items, splits, changes and leaks.
pub(crate) fn summary(record: &DatasetRecord) -> String {
    let (join, items) = (&record.join, &record.items);
    let mut text = found(&record.notes);
    let _ = writeln!(
        text,
        "  joined     {} of {} with {} of {}",
        count(join.images_matched),
        counted(join.images, "image"),
        count(join.rows_matched),
        counted(join.rows, "row"),
    );
    text.push_str(&rows_per_image(record));
    text.push_str(&samples(record));
    if join.rows_filtered > 0 {
        let by = match (&record.plan.filter, record.plan.sample) {
            (Some(_), Some(_)) => "by `where` and `sample`",
            (None, Some(_)) => "by `sample`",
            (_, None) => "by `where`",
        };
        let _ = writeln!(text, "  filtered   {} {by}", counted(join.rows_filtered, "row"));
    }
    for (reason, number) in &record.rejects {
        let _ = writeln!(text, "  rejected   {}: {reason}{}", count(*number), such_as(&record.notes, reason));
    }
    text.push_str(&notes(&record.notes));
    let _ = writeln!(
        text,
        "  items      {} from {} ({} each), {}, {} in {}",
        count(items.items),
        counted(items.rows, "row"),
        span(&items.multiplicities, "row"),
        candidates(record),
        counted(items.groups, "group"),
        counted(items.components, "connected component"),
    );
    if items.rows_folded > 0 {
        let are = agreed(items.rows_folded, "is", "are");
        let _ = writeln!(
            text,
            "  folded     {} that {are} equal to an earlier one",
            counted(items.rows_folded, "row")
        );
    }
    let _ = writeln!(text, "  per group  {}", spread(items.items_per_group, "item"));
    for split in Split::ALL {
        if let Some(counts) = record.splits.get(split.as_str()) {
            let _ = writeln!(
                text,
                "  {:<10} {}, {}{}, {}",
                split.as_str(),
                counted(counts.items, "item"),
                counted(counts.groups, "group"),
                each(counts.items_per_group, "item"),
                counted(counts.components, "component")
            );
        }
    }
    if let Some(changes) = &record.history.changes {
        text.push_str(&changed(changes));
        if record.history.continues.is_some() || !changes.moved.is_empty() {
            text.push_str(&moved(changes));
        }
    }
    text + "  leaks      " + &leaks(record)
}

/// Describes the join that was found, if it had to be.
fn found(notes: &SourceNotes) -> String {
    notes.join.as_ref().map_or_else(String::new, |join| format!("  join       {join}\n"))
}

/// Describes how many rows the matched images have, as in `  per image  1 to 25 rows (median 4); 3 images have only one`.
fn rows_per_image(record: &DatasetRecord) -> String {
    let join = &record.join;
    if join.images_matched == 0 {
        return String::new();
    }
    let single = match join.images_with_one_row {
        0 => String::new(),
        all if all == join.images_matched => String::new(),
        single => format!("; {} {} only one", counted(single, "image"), agreed(single, "has", "have")),
    };
    format!("  per image  {}{single}\n", spread(join.rows_per_image, "row"))
}

/// Describes a spread, as in `5 items` or `1 to 12 items (median 4)`.
fn spread(spread: Spread, noun: &str) -> String {
    match spread.fewest < spread.most {
        true => {
            format!("{} (median {})", range(spread.fewest, spread.most, noun), count(spread.median))
        }
        false => range(spread.fewest, spread.most, noun),
    }
}

/// Describes a spread in parentheses, as in ` (1 to 12 items each)`, unless there is nothing that it is of.
fn each(spread: Spread, noun: &str) -> String {
    match spread.most {
        0 => String::new(),
        most => format!(" ({} each)", range(spread.fewest, most, noun)),
    }
}

/// Describes a range, as in `5 texts` or `6 to 12 rows`.
fn range(first: u64, last: u64, noun: &str) -> String {
    if first < last { format!("{} to {}", count(first), counted(last, noun)) } else { counted(last, noun) }
}

/// Describes what an item is to be told from, as in `with 5 texts` or `of 10 classes`.
fn candidates(record: &DatasetRecord) -> String {
    match record.classes.len() {
        0 => format!("with {}", span(&record.items.texts_per_item, "text")),
        classes => format!("of {}", counted(classes as u64, "class")),
    }
}

/// Lists keys of each side that matched nothing, if that is most of a side. The user can then easily see how the two
/// sides differ.
fn samples(record: &DatasetRecord) -> String {
    let join = &record.join;
    if 2 * join.images_matched >= join.images && 2 * join.rows_matched >= join.rows {
        return String::new();
    }
    let keys = sample_keys(&record.notes);
    keys.iter().map(|line| format!("  unmatched  {line}\n")).collect()
}

/// Gives an example of an image or a row that was left out for a reason, with the value that was refused.
pub(crate) fn such_as(notes: &SourceNotes, reason: &str) -> String {
    notes.reject_examples.get(reason).map_or(String::new(), |example| format!(", such as {example}"))
}

/// Lists a few keys of each side that matched nothing, in words.
pub(crate) fn sample_keys(notes: &SourceNotes) -> Vec<String> {
    let listed = |keys: &[String]| keys.iter().map(|key| shown(key)).collect::<Vec<_>>().join(", ");
    let sides = [
        ("images have keys such as", &notes.unmatched_image_keys),
        ("rows look for keys such as", &notes.unmatched_row_keys),
    ];
    sides
        .iter()
        .filter(|(_, keys)| !keys.is_empty())
        .map(|(words, keys)| format!("{words} {}", listed(keys)))
        .collect()
}

/// Describes what a user might not expect: files whose names are not those of images, rotations, 16-bit images, and
/// the reading of the labels.
fn notes(notes: &SourceNotes) -> String {
    let mut text = String::new();
    if !notes.passed_over.is_empty() {
        let named = |(extension, number): (&String, &u64)| match extension.as_str() {
            "" => format!("{} without an extension", count(*number)),
            extension => format!("{} .{extension}", count(*number)),
        };
        let files = notes.passed_over.values().sum();
        let are = agreed(files, "that is no image by its name", "that are no images by their names");
        let listed: Vec<String> = notes.passed_over.iter().map(named).collect();
        let _ = writeln!(text, "  passed by  {} {are}: {}", counted(files, "file"), listed.join(", "));
    }
    if notes.rotated_images > 0 {
        let images = counted(notes.rotated_images, "image");
        let _ = writeln!(
            text,
            "  rotated    {images} by EXIF, which is not applied: models see {} stored",
            agreed(notes.rotated_images, "it as it is", "them as they are")
        );
    }
    if notes.deep_images > 0 {
        let images = counted(notes.deep_images, "image");
        let _ = writeln!(text, "  16 bits    {images}, reduced to 8 bits as Pillow does");
    }
    if let Some(reading) = notes.label {
        let _ = writeln!(text, "  labels     each is {}", crate::label::words(reading));
    }
    text
}

/// Describes the changes, as in `  changed    since 0123456789ab: images: 1 added; rows: 5 added, 1 changed`.
fn changed(changes: &Changes) -> String {
    let since = changes.since.get(..12).unwrap_or(&changes.since);
    format!(
        "  changed    since dataset {since}: images: {}; rows: {}\n",
        difference(changes.images),
        difference(changes.rows)
    )
}

fn difference(difference: Difference) -> String {
    let Difference { added, removed, changed } = difference;
    let counts = [(added, "added"), (removed, "removed"), (changed, "changed")];
    let told: Vec<String> = counts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{} {word}", count(number)))
        .collect();
    if told.is_empty() { "the same".to_owned() } else { told.join(", ") }
}

/// Describes the moves, for example:
///
/// `  moved      3 items from test to train: 1 component ties together what was in several splits`
fn moved(changes: &Changes) -> String {
    let moves: Vec<String> = changes
        .moved
        .iter()
        .map(|step| format!("{} from {} to {}", counted(step.items, "item"), step.from, step.to))
        .collect();
    let moves = if moves.is_empty() { "no item".to_owned() } else { moves.join(", ") };
    let merges = match changes.merges {
        0 => String::new(),
        1 => ": 1 component ties together what was in several splits".to_owned(),
        several => format!(": {} components tie together what was in several splits", count(several)),
    };
    format!("  moved      {moves}{merges}\n")
}

/// Describes the range of a tally's keys, as in `5 texts` or `6 to 12 rows`.
fn span(tally: &BTreeMap<u64, u64>, noun: &str) -> String {
    let ends = tally.first_key_value().zip(tally.last_key_value());
    ends.map_or_else(|| counted(0, noun), |((first, _), (last, _))| range(*first, *last, noun))
}

/// Says how images that look alike can be kept in one split, where that is asked for by a word more.
fn advice(record: &DatasetRecord) -> &'static str {
    match record.plan.split.by {
        SplitBy::Component { .. } => " (`data.split.near_duplicates: together` keeps such images in one)",
        SplitBy::Group | SplitBy::Row | SplitBy::Column(_) => "",
    }
}

/// Describes what is in more than one split, kind by kind, with the first two images that look alike.
fn leaks(record: &DatasetRecord) -> String {
    let leaks = &record.leaks;
    let crossing = match leaks.by_kind().as_slice() {
        [] => "nothing crosses a split".to_owned(),
        kinds => format!("{} in more than one split", counted_all(kinds)),
    };
    let near = match leaks.near_duplicate_examples.first() {
        Some([one, other]) => format!("; {} looks like {}{}", shown(one), shown(other), advice(record)),
        None if !record.knows_near_duplicates() => "; near-duplicate images were not looked for".to_owned(),
        None => String::new(),
    };
    format!("{crossing}{near}")
}
