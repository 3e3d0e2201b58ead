//! From joined rows to items and rejects.

use std::collections::{HashMap, HashSet};

use cliptune_experiment::{DataPlan, Split, SplitBy, TaskKind};
use cliptune_store::{ImageFile, Item, Reason, Reject, Side};

use crate::headers::Header;
use crate::join::{Joined, JoinedRow};
use crate::label;

/// What the two sides became.
#[derive(Default)]
pub(crate) struct Sorted {
    /// Items; their split is that of the column, or not yet decided.
    pub(crate) items: Vec<Item>,
    pub(crate) rejects: Vec<Reject>,
    /// Rows that `where` left out.
    pub(crate) filtered: u64,
}

/// The sources of a dataset, as far as they are known before its items.
pub(crate) struct Sides<'a> {
    pub(crate) plan: &'a DataPlan,
    pub(crate) images: &'a [ImageFile],
    pub(crate) headers: &'a [Header],
    pub(crate) joined: &'a Joined,
}

/// Why a row is in no item.
type Refusal = (Reason, String);

impl Sides<'_> {
    /// Sorts every image and row into items, rejects and filtered rows.
    pub(crate) fn sort(&self) -> Sorted {
        let mut sorted = Sorted { rejects: self.image_rejects(), ..Sorted::default() };
        let mut known = HashMap::new();
        for row in &self.joined.rows {
            if !row.kept {
                sorted.filtered += 1;
                continue;
            }
            match self.item(row) {
                Ok(item) => add(&mut sorted.items, &mut known, item, self.plan.deduplicate),
                Err((reason, detail)) => {
                    sorted.rejects.push(Reject { side: Side::Row, key: row_id(row), reason, detail });
                }
            }
        }
        sorted
    }

    fn image_rejects(&self) -> Vec<Reject> {
        let ambiguous: HashSet<usize> = self.joined.ambiguous_images.iter().copied().collect();
        let lonely: HashSet<usize> = self.joined.images_without_row.iter().copied().collect();
        let reject = |(number, header): (usize, &Header)| {
            let (reason, detail) = match header {
                _ if lonely.contains(&number) => (Reason::ImageWithoutRow, String::new()),
                _ if ambiguous.contains(&number) => (Reason::ImageKeyAmbiguous, String::new()),
                Err(problem) => (Reason::ImageUnreadable, problem.clone()),
                Ok(_) => return None,
            };
            Some(Reject { side: Side::Image, key: self.images[number].relative.clone(), reason, detail })
        };
        self.headers.iter().enumerate().filter_map(reject).collect()
    }

    fn item(&self, row: &JoinedRow) -> Result<Item, Refusal> {
        let (image, (width, height)) = self.image(row)?;
        if self.plan.columns.id.is_some() && row.id.is_none() {
            return Err((Reason::NoId, String::new()));
        }
        let id = row_id(row);
        let group = group(self.plan, image, row).ok_or((Reason::NoGroup, String::new()))?.to_owned();
        let texts = texts(self.plan.columns.task.kind(), row)?;
        let label = label_of(row, &texts)?;
        let apart = (!self.plan.deduplicate).then_some(id.as_str());
        Ok(Item {
            item_id: item_id(&group, &image.hash, &texts, label, apart),
            ids: vec![id.clone()],
            id,
            group,
            split: split(self.plan, row)?,
            image: image.relative.clone(),
            image_hash: image.hash.clone(),
            width,
            height,
            texts,
            label,
            vocabulary: row.vocabulary.iter().flatten().cloned().collect(),
        })
    }

    fn image(&self, row: &JoinedRow) -> Result<(&ImageFile, (u32, u32)), Refusal> {
        match (row.image, row.images) {
            (Some(number), _) => match &self.headers[number] {
                Ok(size) => Ok((&self.images[number], *size)),
                Err(_) => Err((Reason::RowImageUnreadable, self.images[number].relative.clone())),
            },
            (None, 0) => Err((Reason::RowWithoutImage, String::new())),
            (None, several) => Err((Reason::RowImageAmbiguous, format!("{several} images"))),
        }
    }
}

/// What must not cross a split with this row: the column's value, or the image itself.
pub(crate) fn group<'a>(plan: &DataPlan, image: &'a ImageFile, row: &'a JoinedRow) -> Option<&'a str> {
    match &plan.columns.group {
        Some(_) => row.group.as_deref(),
        None => Some(&image.relative),
    }
}

/// The row's own identifier, or its number.
fn row_id(row: &JoinedRow) -> String {
    row.id.clone().unwrap_or_else(|| row.row.to_string())
}

/// Adds an item, or counts it as one more copy of an item that is there.
///
/// A copy that a column puts into another split stays apart: the leak is the author's, and has to show.
fn add(
    items: &mut Vec<Item>,
    known: &mut HashMap<(String, Split), usize>,
    mut item: Item,
    deduplicate: bool,
) {
    let mut repeated = 1_usize;
    let first = item.item_id.clone();
    while let Some(&index) = known.get(&(item.item_id.clone(), item.split)) {
        if deduplicate {
            items[index].ids.append(&mut item.ids);
            extend_distinct(&mut items[index].vocabulary, item.vocabulary);
            return;
        }
        // Two rows that are the same even in their identifier.
        repeated += 1;
        item.item_id = digest([first.as_str(), &repeated.to_string()].into_iter());
    }
    known.insert((item.item_id.clone(), item.split), items.len());
    items.push(item);
}

fn extend_distinct(list: &mut Vec<String>, more: Vec<String>) {
    for text in more {
        if !list.contains(&text) {
            list.push(text);
        }
    }
}

fn texts(task: TaskKind, row: &JoinedRow) -> Result<Vec<String>, Refusal> {
    let refuse = |reason| Err((reason, String::new()));
    let Some(listed) = &row.texts else { return refuse(Reason::ChoicesMissing) };
    let Some(texts) = listed.iter().cloned().collect::<Option<Vec<String>>>() else {
        return refuse(if task == TaskKind::Pairs { Reason::TextEmpty } else { Reason::ChoicesWithNull });
    };
    if task == TaskKind::Choice && texts.len() < 2 {
        return refuse(Reason::ChoicesTooFew);
    }
    if texts.iter().any(|text| text.trim().is_empty()) {
        return refuse(Reason::TextEmpty);
    }
    let mut seen = HashSet::new();
    match texts.iter().find(|text| !seen.insert(*text)) {
        Some(repeated) => Err((Reason::ChoicesRepeated, repeated.clone())),
        None => Ok(texts),
    }
}

fn label_of(row: &JoinedRow, texts: &[String]) -> Result<usize, Refusal> {
    let label = row.label.as_ref().ok_or((Reason::LabelMissing, String::new()))?;
    label::index(label, texts).ok_or_else(|| (Reason::LabelNotAmongChoices, label.clone()))
}

fn split(plan: &DataPlan, row: &JoinedRow) -> Result<Split, Refusal> {
    let SplitBy::Column(_) = plan.split.by else { return Ok(Split::Train) };
    let value = row.split.clone().unwrap_or_default();
    let found = Split::ALL.into_iter().find(|split| split.as_str() == value);
    found.ok_or((Reason::SplitUnknown, value))
}

fn item_id(group: &str, image_hash: &str, texts: &[String], label: usize, apart: Option<&str>) -> String {
    let label = label.to_string();
    let texts = texts.iter().map(String::as_str);
    digest([group, image_hash].into_iter().chain(texts).chain([label.as_str()]).chain(apart))
}

/// The first 16 digits of BLAKE3 over parts, each with its length, so that no two lists of parts run together.
fn digest<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
