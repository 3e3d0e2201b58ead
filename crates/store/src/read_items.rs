//! Reads the columns of `items.parquet` that are asked for, batch by batch.

use std::path::{Path, PathBuf};

use cliptune_experiment::Split;
use duckdb::arrow::array::{Array, AsArray, Int32Array, ListArray, RecordBatch, StringArray};
use duckdb::arrow::datatypes::Int32Type;
use duckdb::{Connection, params};

use crate::error::{Damage, StoreError};
use crate::items::{Items, Part};
use crate::parquet::{literal_path, open_database, sql_name};

/// Reads some parts of the items of some splits. Each split's items are in the order of the file.
///
/// `classes` is the number of classes that the label of an item without texts counts.
pub(crate) fn read_items(
    path: &Path,
    splits: &[Split],
    parts: &[Part],
    classes: usize,
    folders: Vec<PathBuf>,
) -> Result<Items, StoreError> {
    let failed = |source| StoreError::Table { action: "read", path: path.to_path_buf(), source };
    let database = open_database().map_err(failed)?;
    let mut reader = Reader { items: Items::default(), parts, classes };
    reader.items.images.folders = folders;
    for split in splits {
        let flaw = reader.read(&database, path, *split).map_err(failed)?;
        if let Some(flaw) = flaw {
            return Err(StoreError::damaged(path, Damage::Contradiction(flaw)));
        }
    }
    Ok(reader.items)
}

/// The columns of a part.
fn columns(part: Part) -> &'static [&'static str] {
    match part {
        Part::Identity => &["item_id", "id"],
        Part::Rows => &["ids"],
        Part::Group => &["group"],
        Part::Image => &["folder", "image", "image_hash"],
        Part::Size => &["width", "height"],
        Part::Texts => &["texts", "label"],
        Part::Vocabulary => &["vocabulary"],
    }
}

/// A description of what is wrong with a table.
type Flaw = String;

struct Reader<'a> {
    items: Items,
    parts: &'a [Part],
    classes: usize,
}

impl Reader<'_> {
    /// Reads the items of one split. The result is what is wrong with one of them, if anything is.
    fn read(&mut self, database: &Connection, path: &Path, split: Split) -> duckdb::Result<Option<Flaw>> {
        let names = self.parts.iter().flat_map(|part| columns(*part)).map(|name| sql_name(name));
        let names: Vec<String> = std::iter::once("split".to_owned()).chain(names).collect();
        let mut statement =
            database.prepare(&format!("SELECT {} FROM read_parquet(?) WHERE split = ?", names.join(", ")))?;
        for batch in statement.stream_arrow(params![literal_path(path), split.as_str()])? {
            if let Err(flaw) = self.add(&batch, split) {
                return Ok(Some(flaw));
            }
        }
        Ok(None)
    }

    fn add(&mut self, batch: &RecordBatch, split: Split) -> Result<(), Flaw> {
        let first = self.items.splits.len();
        self.items.splits.extend(std::iter::repeat_n(split, batch.num_rows()));
        for part in self.parts {
            self.add_part(batch, *part)?;
        }
        match self.parts.contains(&Part::Texts) {
            true => self.check_labels(first),
            false => Ok(()),
        }
    }

    fn add_part(&mut self, batch: &RecordBatch, part: Part) -> Result<(), Flaw> {
        let items = &mut self.items;
        match part {
            Part::Identity => {
                texts(batch, "item_id")?.iter().for_each(|id| items.item_ids.push(id.unwrap_or_default()));
                texts(batch, "id")?.iter().for_each(|id| items.ids.push(id.unwrap_or_default()));
            }
            Part::Rows => each_list(batch, "ids", |ids| {
                items.rows.push(ids);
            })?,
            Part::Group => {
                let groups = texts(batch, "group")?;
                items
                    .groups
                    .extend(groups.iter().map(|group| items.group_names.number(group.unwrap_or_default())));
            }
            Part::Image => self.add_images(batch)?,
            Part::Size => {
                let sizes = [numbers(batch, "width")?, numbers(batch, "height")?];
                let size = |at| sizes.map(|side| side.is_valid(at).then(|| side.value(at).cast_unsigned()));
                items.sizes.extend((0..batch.num_rows()).map(size));
            }
            Part::Texts => {
                each_list(batch, "texts", |texts| {
                    items.texts.push(texts.map(|text| items.text_names.number(text)));
                })?;
                // A missing or negative label is beyond all texts.
                let label =
                    |label: Option<i32>| label.and_then(|label| label.try_into().ok()).unwrap_or(u32::MAX);
                items.labels.extend(numbers(batch, "label")?.iter().map(label));
            }
            Part::Vocabulary => each_list(batch, "vocabulary", |texts| {
                items.vocabulary.push(texts.map(|text| items.text_names.number(text)));
            })?,
        }
        Ok(())
    }

    fn add_images(&mut self, batch: &RecordBatch) -> Result<(), Flaw> {
        let (folders, names) = (numbers(batch, "folder")?, texts(batch, "image")?);
        let identities = texts(batch, "image_hash")?;
        for at in 0..batch.num_rows() {
            let identity = identities.value(at).parse().map_err(|error| format!("an image: {error}"))?;
            let folder = u32::try_from(folders.value(at)).unwrap_or(u32::MAX);
            let file = self.items.images.file(folder, names.value(at), identity);
            self.items.files.push(file);
        }
        Ok(())
    }

    /// Checks that the labels of the items from `first` on are indices of their texts, which every reader relies on.
    fn check_labels(&self, first: usize) -> Result<(), Flaw> {
        for (item, at) in self.items.all().iter().skip(first).zip(first..) {
            let (candidates, what) = match item.text_numbers().len() {
                0 if self.classes > 0 => (self.classes, "classes"),
                texts => (texts, "texts"),
            };
            if item.label() >= candidates {
                let label = item.label();
                return Err(format!(
                    "item {} has the label {label} and {candidates} {what}",
                    name(item.item_id(), at)
                ));
            }
        }
        Ok(())
    }
}

/// Returns the identity of an item, or its place where identities are not read.
fn name(item_id: &str, at: usize) -> String {
    if item_id.is_empty() { format!("number {at}") } else { item_id.to_owned() }
}

fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray, Flaw> {
    let column = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    column.ok_or_else(|| format!("the column {name} does not hold texts"))
}

fn numbers<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a Int32Array, Flaw> {
    let column = batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int32Type>());
    column.ok_or_else(|| format!("the column {name} does not hold numbers"))
}

/// Calls a function with the texts of each list of a column.
fn each_list(
    batch: &RecordBatch,
    name: &str,
    mut take: impl FnMut(&mut dyn Iterator<Item = &str>),
) -> Result<(), Flaw> {
    let flaw = || format!("the column {name} does not hold lists of texts");
    let lists: &ListArray =
        batch.column_by_name(name).and_then(|column| column.as_list_opt::<i32>()).ok_or_else(flaw)?;
    let values = lists.values().as_string_opt::<i32>().ok_or_else(flaw)?;
    for ends in lists.value_offsets().windows(2) {
        let (start, end) = (ends[0] as usize, ends[1] as usize);
        take(&mut (start..end).map(|at| values.value(at)));
    }
    Ok(())
}
