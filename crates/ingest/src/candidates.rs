//! Turns joined rows into items and rejects.

use std::collections::{HashMap, HashSet};

use cliptune_clip::image::Inspection;
use cliptune_experiment::{DataPlan, LabelReading, Split, SplitBy, Task, TaskKind};
use cliptune_store::{ImageFile, Item, JoinSide, Reason, Reject};

use crate::error::IngestError;
use crate::headers::Header;
use crate::join::Joined;
use crate::label::{self, Labelled};
use crate::row::JoinedRow;
use crate::shown::{shown, shown_list};

/// The result of sorting the two sides of the join.
#[derive(Default)]
pub(crate) struct Sorted {
    /// The items. Their split is the one that the split column gives, or is not decided yet.
    pub(crate) items: Vec<Item>,
    pub(crate) rejects: Vec<Reject>,
    /// The number of rows that `where` left out.
    pub(crate) filtered: u64,
}

/// The sources of a dataset, as far as they are known before its items are made.
pub(crate) struct JoinedSources<'a> {
    pub(crate) plan: &'a DataPlan,
    pub(crate) images: &'a [ImageFile],
    pub(crate) headers: &'a [Header],
    pub(crate) joined: &'a Joined,
}

/// The reason why a row is in no item, and the value that was refused.
type Refusal = (Reason, String);

/// The text that stands for a missing value.
const MISSING: &str = "NULL";

impl JoinedSources<'_> {
    /// Decides how all labels are read; `None` for pairs.
    pub(crate) fn reading(&self) -> Result<Option<LabelReading>, IngestError> {
        let Task::Choice { label, .. } = &self.plan.columns.task else { return Ok(None) };
        let with_image = self.joined.rows.iter().filter(|row| row.kept && row.image.is_some());
        let labelled: Vec<(String, &str, Vec<String>)> = with_image
            .filter_map(|row| Some((row_id(row), row.label.as_deref()?, texts(TaskKind::Choice, row).ok()?)))
            .collect();
        let labelled: Vec<Labelled<'_>> =
            labelled.iter().map(|(row, label, texts)| Labelled { row: row.clone(), label, texts }).collect();
        label::decide(label, self.joined.spelling, &labelled).map(Some)
    }

    /// Sorts every image and row into items, rejects and filtered rows.
    pub(crate) fn sort(&self, reading: Option<LabelReading>) -> Sorted {
        let mut sorted = Sorted { rejects: self.image_rejects(), ..Sorted::default() };
        let mut known = HashMap::new();
        for row in &self.joined.rows {
            if !row.kept {
                sorted.filtered += 1;
                continue;
            }
            match self.item(row, reading) {
                Ok(item) => add(&mut sorted.items, &mut known, item, self.plan.deduplicate),
                Err((reason, detail)) => sorted.rejects.push(Reject {
                    side: JoinSide::Row,
                    key: row_id(row),
                    join_key: row.key.clone(),
                    reason,
                    detail,
                }),
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
            Some(Reject {
                side: JoinSide::Image,
                key: self.images[number].relative.to_string(),
                join_key: self.joined.image_keys[number].clone(),
                reason,
                detail,
            })
        };
        self.headers.iter().enumerate().filter_map(reject).collect()
    }

    fn item(&self, row: &JoinedRow, reading: Option<LabelReading>) -> Result<Item, Refusal> {
        let (image, Inspection { width, height, .. }) = self.image(row)?;
        if self.plan.columns.id.is_some() && row.id.is_none() {
            return Err((Reason::NoId, MISSING.to_owned()));
        }
        let id = row_id(row);
        let group = group(self.plan, image, row).ok_or((Reason::NoGroup, MISSING.to_owned()))?.to_owned();
        let texts = texts(self.plan.columns.task.kind(), row)?;
        let label = reading.map_or(Ok(0), |reading| self.label(row, reading, &texts))?;
        let apart = (!self.plan.deduplicate).then_some(id.as_str());
        Ok(Item {
            item_id: item_id(&group, &image.identity.to_string(), &texts, label, apart),
            ids: vec![id.clone()],
            id,
            group,
            split: split(self.plan, row)?,
            folder: image.folder,
            image: image.relative.to_string(),
            image_hash: image.identity,
            width: Some(width),
            height: Some(height),
            texts,
            label,
            vocabulary: row.vocabulary.iter().flatten().cloned().collect(),
        })
    }

    fn label(&self, row: &JoinedRow, reading: LabelReading, texts: &[String]) -> Result<usize, Refusal> {
        let label = row.label.as_ref().ok_or((Reason::LabelMissing, MISSING.to_owned()))?;
        label::index(reading, self.joined.spelling, label, texts).ok_or_else(|| {
            let detail =
                format!("{}, read as {}, of {} texts", shown(label), label::words(reading), texts.len());
            (Reason::LabelNotAmongChoices, detail)
        })
    }

    fn image(&self, row: &JoinedRow) -> Result<(&ImageFile, Inspection), Refusal> {
        match (row.image, row.images) {
            (Some(number), _) => match &self.headers[number] {
                Ok(inspection) => Ok((&self.images[number], *inspection)),
                Err(_) => Err((Reason::RowImageUnreadable, self.images[number].relative.to_string())),
            },
            (None, 0) if row.key.is_none() => Err((Reason::RowWithoutImage, "the key is missing".to_owned())),
            (None, 0) => Err((Reason::RowWithoutImage, String::new())),
            (None, several) => Err((Reason::RowImageAmbiguous, format!("{several} images"))),
        }
    }
}

/// Returns what must not cross a split with this row: the value of the group column, or else the image itself.
pub(crate) fn group<'a>(plan: &DataPlan, image: &'a ImageFile, row: &'a JoinedRow) -> Option<&'a str> {
    match &plan.columns.group {
        Some(_) => row.group.as_deref(),
        None => Some(&image.relative),
    }
}

/// Returns the row's own identifier, or else its number.
fn row_id(row: &JoinedRow) -> String {
    row.id.clone().unwrap_or_else(|| row.row.to_string())
}

/// Adds an item, or counts it as one more copy of an item that already exists.
///
/// A copy that a column puts into another split stays a separate item. The author of the column caused this leak, and
/// it has to show.
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
        // The two rows are the same even in their identifier.
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
    let Some(listed) = &row.texts else {
        return Err((Reason::ChoicesMissing, row.no_list.as_deref().map_or(MISSING.to_owned(), shown)));
    };
    let refuse = |reason| Err((reason, shown_list(listed)));
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

fn split(plan: &DataPlan, row: &JoinedRow) -> Result<Split, Refusal> {
    let SplitBy::Column(_) = plan.split.by else { return Ok(Split::Train) };
    let value = row.split.as_deref();
    let found = Split::ALL.into_iter().find(|split| value == Some(split.as_str()));
    found.ok_or_else(|| (Reason::SplitUnknown, value.unwrap_or(MISSING).to_owned()))
}

fn item_id(group: &str, image_hash: &str, texts: &[String], label: usize, apart: Option<&str>) -> String {
    let label = label.to_string();
    let texts = texts.iter().map(String::as_str);
    digest([group, image_hash].into_iter().chain(texts).chain([label.as_str()]).chain(apart))
}

/// Returns the first 16 hexadecimal digits of the BLAKE3 of some parts. Each part is hashed with its length, so that
/// different lists of parts never run together.
fn digest<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
