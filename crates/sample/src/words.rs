//! What the terminal and the page both say.

use cliptune_clip::image::Picture;
use cliptune_terminal::format;
use serde_json::Value;

use crate::sample::{Outcome, Place, Row, Sample, SampleImage, Texts};

/// The digits of a dataset's hash that tell it from others.
const DIGITS: usize = 12;

/// The most letters of a value. What is longer, such as the bytes of an image, is for JSON.
const LONGEST: usize = 4_000;

/// The most elements of a list, beside the right one.
const ELEMENTS: usize = 100;

/// Describes an image: its size in pixels, if it can be decoded, and in bytes.
pub(crate) fn image(image: &SampleImage, decoded: Result<&Picture, &String>) -> String {
    let bytes = format::bytes(image.size);
    match decoded {
        Ok(Picture { size: [width, height], .. }) => format!("{width} × {height}, {bytes}"),
        Err(problem) => format!("{bytes}; no picture: {}", format::visible(problem)),
    }
}

/// Says what a row is called and what became of it, or of the image alone.
pub(crate) fn outcome(sample: &Sample) -> String {
    let row = sample.row.as_ref().map(|row| format!("row {}: ", format::visible(&row.name)));
    let became = match &sample.outcome {
        Outcome::Item { item_id, place } => format!("item {item_id}{}", place_of(place.as_ref())),
        Outcome::Rejected { reason, detail } if detail.is_empty() => format!("rejected, {reason}"),
        Outcome::Rejected { reason, detail } => format!("rejected, {reason}: {}", format::visible(detail)),
        Outcome::Unknown => "how its label is read is not decided".to_owned(),
    };
    row.unwrap_or_default() + &became
}

fn place_of(place: Option<&Place>) -> String {
    let short = |dataset: &str| dataset.chars().take(DIGITS).collect::<String>();
    match place {
        None => ", in no dataset yet".to_owned(),
        Some(Place { dataset, split: Some(split) }) => format!(" in {split} of dataset {}", short(dataset)),
        Some(Place { dataset, split: None }) => {
            format!(", which dataset {} does not have: its sources have changed", short(dataset))
        }
    }
}

/// One value of a row as it is shown.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) value: Shown,
}

/// A value as it is shown.
pub(crate) enum Shown {
    One(String),
    /// The elements of a list.
    List(List),
}

/// The elements of a list as they are shown: not all of many.
pub(crate) struct List {
    /// The elements that are shown, with their indices.
    pub(crate) elements: Vec<(usize, String)>,
    /// The index of the right one.
    pub(crate) right: Option<usize>,
    /// The number of elements that are left out.
    pub(crate) others: usize,
}

impl List {
    /// Lists the first elements and the right one.
    fn new<T>(all: &[T], right: Option<usize>, shown: impl Fn(&T) -> String) -> Self {
        let elements: Vec<(usize, String)> = all
            .iter()
            .enumerate()
            .filter(|(at, _)| *at < ELEMENTS || right == Some(*at))
            .map(|(at, element)| (at, shown(element)))
            .collect();
        Self { right, others: all.len() - elements.len(), elements }
    }

    /// Says how many elements are left out, if any are.
    pub(crate) fn left_out(&self) -> Option<String> {
        (self.others > 0).then(|| format!("… ({} more)", format::count(self.others as u64)))
    }
}

/// Returns the fields of a row. Where the texts are no column of their own, they follow the columns.
pub(crate) fn fields(row: &Row) -> Vec<Field> {
    let read = |column: &(String, Value)| row.texts.as_ref().filter(|texts| holds(column, texts));
    let mut fields: Vec<Field> = row
        .columns
        .iter()
        .map(|column| {
            let value =
                read(column).map_or_else(|| value_of(&column.1), |texts| read_value(&column.1, texts));
            Field { name: format::visible(&column.0), value }
        })
        .collect();
    if let Some(texts) =
        row.texts.as_ref().filter(|texts| !row.columns.iter().any(|column| holds(column, texts)))
    {
        fields.push(Field { name: format!("= {}", format::visible(&texts.from)), value: listed(texts) });
    }
    fields
}

/// Checks whether a column holds just the texts that the experiment reads: as a list, as JSON, or as the only one.
fn holds((name, value): &(String, Value), texts: &Texts) -> bool {
    let is_list = |values: &[Value]| {
        values.iter().map(Value::as_str).eq(texts.texts.iter().map(|text| Some(text.as_str())))
    };
    *name == texts.from
        && match value {
            Value::Array(values) => is_list(values),
            Value::String(text) if texts.texts == [text.as_str()] => true,
            Value::String(json) => {
                serde_json::from_str(json).is_ok_and(|values: Vec<Value>| is_list(&values))
            }
            _ => false,
        }
}

/// Returns the value of a column that holds the texts.
fn read_value(value: &Value, texts: &Texts) -> Shown {
    match value {
        Value::String(text) if texts.texts == [text.as_str()] => Shown::One(plain(value)),
        _ => listed(texts),
    }
}

fn listed(texts: &Texts) -> Shown {
    Shown::List(List::new(&texts.texts, texts.right, |text| cut(text)))
}

fn value_of(value: &Value) -> Shown {
    match value {
        Value::Array(values) => Shown::List(List::new(values, None, plain)),
        value => Shown::One(plain(value)),
    }
}

/// Returns a value on one line. A text is shown without quotes, and a missing value as NULL.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::String(text) => cut(text),
        value => cut(&value.to_string()),
    }
}

/// Returns the beginning of a text, with the number of letters where some are left out.
fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => format::visible(text),
        Some((end, _)) => {
            let letters = format::count(text.chars().count() as u64);
            format!("{}… ({letters} characters)", format::visible(&text[..end]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_end_has_one_and_the_right_element() {
        let list = List::new(&["a"; 1_000], Some(700), |text| (*text).to_owned());
        assert_eq!(list.elements.last(), Some(&(700, "a".to_owned())));
        assert_eq!(list.left_out().unwrap_or_default(), "… (899 more)");
        assert_eq!(List::new(&["a"; 100], None, |text| (*text).to_owned()).left_out(), None);
    }

    #[test]
    fn a_value_that_nobody_can_read_is_cut() {
        let shown = plain(&Value::from("ü".repeat(LONGEST + 1)));
        assert_eq!(shown, format!("{}… (4,001 characters)", "ü".repeat(LONGEST)));
        let whole = "ü".repeat(LONGEST);
        assert_eq!(plain(&Value::from(whole.clone())), whole);
    }
}
