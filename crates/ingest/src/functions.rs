//! The functions in Rust that our SQL calls: rules that SQL cannot state exactly, each over a column at a time.

use std::error::Error;
use std::sync::Arc;

use cliptune_experiment::{LabelReading, TaskKind};
use cliptune_store::ImageFile;
use cliptune_terminal::format::counted;
use duckdb::arrow::array::{
    Array, ArrayRef, AsArray, ListArray, ListBuilder, RecordBatch, StringArray, StringBuilder, UInt64Array,
};
use duckdb::arrow::datatypes::{DataType, Field, Int32Type, Int64Type, UInt64Type};
use duckdb::vscalar::{ArrowFunctionSignature, VArrowScalar};

use crate::database::Database;
use crate::encoded::{EncodedTexts, encoded, encoded_texts};
use crate::error::IngestError;
use crate::facts::Facts;
use crate::identity;
use crate::label::{self, Spelling};
use crate::saying::Saying;
use crate::shown::shown;
use crate::texts::{self, listed};

/// The rules that the functions follow, which are the same for a whole dataset.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    /// The kind of items.
    pub(crate) task: Option<TaskKind>,
    /// How labels are spelled.
    pub(crate) spelling: Spelling,
    /// How labels are read, once that is decided.
    pub(crate) reading: Option<LabelReading>,
}

/// Registers what does not depend on how labels are read.
pub(crate) fn register(database: &Database) -> Result<(), IngestError> {
    database.register::<Listed>("cliptune_listed", &())?;
    database.register::<Shown>("cliptune_shown", &())?;
    database.register::<Distinct>("cliptune_distinct", &())?;
    database.register::<Said>("cliptune_said", &())?;
    database.register::<Again>("cliptune_again", &())?;
    database.register::<Lot>("cliptune_lot", &())
}

/// Registers what depends on how labels are spelled.
pub(crate) fn register_facts(database: &Database, rules: &Rules) -> Result<(), IngestError> {
    database.register::<Facts>("cliptune_facts", rules)
}

/// Registers what depends on how labels are read.
pub(crate) fn register_labels(database: &Database, rules: &Rules) -> Result<(), IngestError> {
    database.register::<LabelDetail>("cliptune_label_detail", rules)
}

/// Registers what looks up images by their numbers.
pub(crate) fn register_images(database: &Database, images: &[ImageFile]) -> Result<(), IngestError> {
    let images = Arc::new(images.to_vec());
    database.register::<ItemIdentity>("cliptune_item", &images)?;
    database.register::<ImagePath>("cliptune_image_path", &images)?;
    database.register::<ImageHash>("cliptune_image_hash", &images)
}

/// The SQL of the fingerprints of the texts of a list that say something.
pub(crate) fn said(texts: &str) -> String {
    format!("cliptune_said({})", encoded(texts))
}

type Given = Result<Arc<dyn Array>, Box<dyn Error>>;

pub(crate) fn text() -> DataType {
    DataType::Utf8
}

pub(crate) fn list_of(of: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", of, true)))
}

fn exact(parameters: &[DataType], gives: DataType) -> Vec<ArrowFunctionSignature> {
    vec![ArrowFunctionSignature::exact(parameters.to_vec(), gives)]
}

/// Returns the text in a row of a column.
pub(crate) fn text_at(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

/// Returns the texts of the list in a row of a column.
fn texts_at(column: &ListArray, row: usize) -> Option<Vec<Option<&str>>> {
    let texts = column.values().as_string::<i32>();
    let [start, end] =
        [column.value_offsets()[row], column.value_offsets()[row + 1]].map(|offset| offset as usize);
    column.is_valid(row).then(|| (start..end).map(|at| text_at(texts, at)).collect())
}

fn text_lists<'a, T: AsRef<str> + 'a>(lists: impl Iterator<Item = Option<Vec<Option<T>>>>) -> ArrayRef {
    let mut built = ListBuilder::new(StringBuilder::new());
    for list in lists {
        let is_list = list.is_some();
        list.into_iter().flatten().for_each(|text| built.values().append_option(text));
        built.append(is_list);
    }
    Arc::new(built.finish())
}

/// The texts of a JSON array, or NULL for anything else.
struct Listed;

impl VArrowScalar for Listed {
    type State = ();

    fn invoke((): &(), input: RecordBatch) -> Given {
        let json = input.column(0).as_string::<i32>();
        Ok(text_lists((0..input.num_rows()).map(|row| text_at(json, row).and_then(listed))))
    }

    fn signatures() -> Vec<ArrowFunctionSignature> {
        exact(&[text()], list_of(text()))
    }
}

/// A value in quotes, as messages show it.
struct Shown;

impl VArrowScalar for Shown {
    type State = ();

    fn invoke((): &(), input: RecordBatch) -> Given {
        let values = input.column(0).as_string::<i32>();
        Ok(Arc::new(values.iter().map(|value| value.map(shown)).collect::<StringArray>()))
    }

    fn signatures() -> Vec<ArrowFunctionSignature> {
        exact(&[text()], text())
    }
}

/// The distinct texts of a list, in the order in which they first occur.
struct Distinct;

impl VArrowScalar for Distinct {
    type State = ();

    fn invoke((): &(), input: RecordBatch) -> Given {
        let lists = input.column(0).as_list::<i32>();
        Ok(text_lists(
            (0..input.num_rows()).map(|row| texts_at(lists, row).map(|list| texts::distinct(&list))),
        ))
    }

    fn signatures() -> Vec<ArrowFunctionSignature> {
        exact(&[list_of(text())], list_of(text()))
    }
}

/// The fingerprints of the texts of a list that say something. NULL says nothing.
struct Said;

impl VArrowScalar for Said {
    type State = ();

    fn invoke((): &(), input: RecordBatch) -> Given {
        let lists = EncodedTexts::of(input.column(0))?;
        let mut said = Saying::default();
        let mut listed = Vec::new();
        for row in 0..input.num_rows() {
            lists.read(row, &mut listed);
            let present: Vec<&str> = listed.iter().copied().flatten().collect();
            said.push(Some(&present));
        }
        Ok(said.finish())
    }

    fn signatures() -> Vec<ArrowFunctionSignature> {
        exact(&[encoded_texts()], list_of(DataType::UInt64))
    }
}

/// The identity of an item: of its group, its image's content, its texts and its label, and of the row's identifier
/// where rows stay apart. An image without the name of a group is a group of its own.
struct ItemIdentity;

impl VArrowScalar for ItemIdentity {
    type State = Arc<Vec<ImageFile>>;

    fn invoke(images: &Self::State, input: RecordBatch) -> Given {
        let groups = input.column(0).as_string_opt::<i32>();
        let [image, said, label, apart] = [0, 1, 2, 3].map(|place| place + usize::from(groups.is_some()));
        let numbers = input.column(image).as_primitive::<Int32Type>();
        let (said, labels) =
            (input.column(said).as_list::<i32>(), input.column(label).as_primitive::<Int32Type>());
        let apart = (input.num_columns() > apart).then(|| input.column(apart).as_string::<i32>());
        let (texts, offsets) = (said.values().as_primitive::<UInt64Type>().values(), said.value_offsets());
        // The rows of an image often follow each other.
        let (mut last, mut hash) = (None, String::new());
        let identity = |row: usize| {
            if numbers.is_null(row) || said.is_null(row) || labels.is_null(row) {
                return None;
            }
            let number = usize::try_from(numbers.value(row)).ok()?;
            let image = images.get(number)?;
            if last.replace(number) != Some(number) {
                hash = image.identity.to_string();
            }
            let group = match groups {
                Some(groups) => text_at(groups, row)?.into(),
                None => image.name(),
            };
            let texts = &texts[offsets[row] as usize..offsets[row + 1] as usize];
            let apart = apart.and_then(|names| text_at(names, row));
            Some(identity::item(&group, &hash, texts, labels.value(row), apart))
        };
        Ok(Arc::new((0..input.num_rows()).map(identity).collect::<UInt64Array>()))
    }

    fn signatures() -> Vec<ArrowFunctionSignature> {
        let parts = [text(), DataType::Int32, list_of(DataType::UInt64), DataType::Int32, text()];
        let signatures = [&parts[..4], &parts, &parts[1..4], &parts[1..]];
        signatures.into_iter().flat_map(|parts| exact(parts, DataType::UInt64)).collect()
    }
}

/// The identity of one more row that is the same as another even in its identifier.
struct Again;

impl VArrowScalar for Again {
    type State = ();

    fn invoke((): &(), input: RecordBatch) -> Given {
        let first = input.column(0).as_primitive::<UInt64Type>();
        let copies = input.column(1).as_primitive::<Int64Type>();
        let given = first.iter().zip(copies).map(|(first, copy)| Some(identity::again(first?, copy?)));
        Ok(Arc::new(given.collect::<UInt64Array>()))
    }

    fn signatures() -> Vec<ArrowFunctionSignature> {
        exact(&[DataType::UInt64, DataType::Int64], DataType::UInt64)
    }
}

/// The lot of a row in a draw of rows with a seed.
struct Lot;

impl VArrowScalar for Lot {
    type State = ();

    fn invoke((): &(), input: RecordBatch) -> Given {
        let [rows, seeds] = [0, 1].map(|column| input.column(column).as_primitive::<Int64Type>());
        let given = rows.iter().zip(seeds).map(|(row, seed)| Some(identity::lot(row?, seed?)));
        Ok(Arc::new(given.collect::<UInt64Array>()))
    }

    fn signatures() -> Vec<ArrowFunctionSignature> {
        exact(&[DataType::Int64, DataType::Int64], DataType::UInt64)
    }
}

/// The label that cannot be read, as messages show it.
struct LabelDetail;

impl VArrowScalar for LabelDetail {
    type State = Rules;

    fn invoke(rules: &Rules, input: RecordBatch) -> Given {
        let (labels, texts) =
            (input.column(0).as_string::<i32>(), input.column(1).as_primitive::<Int64Type>());
        let detail = |row: usize| {
            let (label, reading) = (text_at(labels, row)?, label::words(rules.reading?));
            Some(format!(
                "{}, read as {reading}, of {}",
                shown(label),
                counted(texts.value(row).cast_unsigned(), "text")
            ))
        };
        Ok(Arc::new((0..input.num_rows()).map(detail).collect::<StringArray>()))
    }

    fn signatures() -> Vec<ArrowFunctionSignature> {
        exact(&[text(), DataType::Int64], text())
    }
}

/// Gives a text for each image in the first column.
fn of_images<'a, T: AsRef<str>>(
    images: &'a [ImageFile],
    input: &RecordBatch,
    give: impl Fn(&'a ImageFile) -> T,
) -> Given {
    let numbers = input.column(0).as_primitive::<Int32Type>();
    let image = |number: Option<i32>| images.get(usize::try_from(number?).ok()?);
    Ok(Arc::new(numbers.iter().map(|number| image(number).map(&give)).collect::<StringArray>()))
}

/// The path of an image.
struct ImagePath;

impl VArrowScalar for ImagePath {
    type State = Arc<Vec<ImageFile>>;

    fn invoke(images: &Self::State, input: RecordBatch) -> Given {
        of_images(images, &input, |image| &*image.relative)
    }

    fn signatures() -> Vec<ArrowFunctionSignature> {
        exact(&[DataType::Int32], text())
    }
}

/// What an image is known by.
struct ImageHash;

impl VArrowScalar for ImageHash {
    type State = Arc<Vec<ImageFile>>;

    fn invoke(images: &Self::State, input: RecordBatch) -> Given {
        of_images(images, &input, |image| image.identity.to_string())
    }

    fn signatures() -> Vec<ArrowFunctionSignature> {
        exact(&[DataType::Int32], text())
    }
}
