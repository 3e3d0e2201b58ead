//! What a file says about its columns and where their values lie.

use cliptune_store::thrift::{Kind as Coded, Thrift};

use crate::columns::{Column, Kind};
use cliptune_store::parquet_format::physical;
use cliptune_store::parquet_format::repetition::{OPTIONAL, REPEATED};

/// The most values that a column is read with.
const MOST: usize = 1 << 20;

/// How the values of a column are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    Texts,
    /// Whole numbers of 32 bits.
    Halves,
    /// Whole numbers of 64 bits.
    Wholes,
    Numbers,
    Truths,
}

/// How a column is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StoredColumn {
    pub(super) values: Stored,
    /// Whether each row has a list of values.
    pub(super) is_list: bool,
}

/// Where the values of a column lie.
pub(super) struct Place {
    /// The number of the method that they are compressed with.
    pub(super) codec: usize,
    /// The number of values, missing ones included.
    pub(super) count: usize,
    pub(super) start: usize,
    pub(super) size: usize,
}

/// What a file says about itself.
pub(super) struct Footer {
    pub(super) rows: usize,
    pub(super) stored: Vec<StoredColumn>,
    /// The places of all columns in each group of rows.
    pub(super) groups: Vec<Vec<Place>>,
}

/// One element of a schema.
#[derive(Default)]
struct Element<'a> {
    physical: Option<usize>,
    repetition: usize,
    name: &'a [u8],
    children: usize,
}

/// Reads the footer of a file with these columns. Returns `None` for any other file.
pub(super) fn read(thrift: &mut Thrift<'_>, columns: &[Column]) -> Option<Footer> {
    let (mut rows, mut elements, mut groups) = (None, Vec::new(), Vec::new());
    thrift.fields(|thrift, field, kind| match (field, kind) {
        (2, Coded::List) => thrift.structs(|thrift| {
            elements.push(element(thrift)?);
            Some(())
        }),
        (3, Coded::Integer) => {
            rows = Some(size(thrift)?);
            Some(())
        }
        (4, Coded::List) => thrift.structs(|thrift| {
            groups.push(group(thrift)?);
            Some(())
        }),
        // It is encrypted.
        (8, _) => None,
        _ => thrift.skip(kind),
    })?;
    let stored = stored(&elements, columns)?;
    let is_whole = groups.iter().all(|group| group.len() == stored.len());
    // However many groups say that they lie in one place.
    let is_small = |column: usize| groups.iter().map(|group| group[column].count).sum::<usize>() <= MOST;
    (is_whole && (0..stored.len()).all(is_small)).then_some(Footer { rows: rows?, stored, groups })
}

pub(super) fn size(thrift: &mut Thrift<'_>) -> Option<usize> {
    usize::try_from(thrift.integer()?).ok()
}

fn element<'a>(thrift: &mut Thrift<'a>) -> Option<Element<'a>> {
    let mut element = Element::default();
    thrift.fields(|thrift, field, kind| {
        match (field, kind) {
            (1, Coded::Integer) => element.physical = Some(size(thrift)?),
            (3, Coded::Integer) => element.repetition = size(thrift)?,
            (4, Coded::Binary) => element.name = thrift.binary()?,
            (5, Coded::Integer) => element.children = size(thrift)?,
            _ => thrift.skip(kind)?,
        }
        Some(())
    })?;
    Some(element)
}

/// Returns how columns are stored, if a schema has exactly these.
fn stored(elements: &[Element<'_>], columns: &[Column]) -> Option<Vec<StoredColumn>> {
    let mut elements = elements.iter();
    let root = elements.next()?;
    let stored = columns.iter().map(|column| {
        let first = elements.next().filter(|first| first.name == column.name.as_bytes())?;
        let item = match column.kind {
            Kind::Wholes => Some(Kind::Whole),
            Kind::Numbers => Some(Kind::Number),
            _ => None,
        };
        let Some(item) = item else {
            return Some(StoredColumn { values: first.values(column.kind)?, is_list: false });
        };
        let is_list = first.has(OPTIONAL) && elements.next()?.has(REPEATED);
        let values = elements.next()?.values(item)?;
        is_list.then_some(StoredColumn { values, is_list })
    });
    let stored = stored.collect::<Option<Vec<_>>>()?;
    (root.children == columns.len() && elements.next().is_none()).then_some(stored)
}

impl Element<'_> {
    /// Checks whether this has one child, and no values of its own.
    fn has(&self, repetition: usize) -> bool {
        self.physical.is_none() && self.children == 1 && self.repetition == repetition
    }

    /// Returns how values are stored that may be missing, if they are of a kind.
    fn values(&self, kind: Kind) -> Option<Stored> {
        let stored = match (kind, self.physical?) {
            (Kind::Truth, physical::BOOLEAN) => Stored::Truths,
            (Kind::Whole, physical::INT32) => Stored::Halves,
            (Kind::Whole, physical::INT64) => Stored::Wholes,
            (Kind::Number, physical::DOUBLE) => Stored::Numbers,
            (Kind::Text, physical::BYTE_ARRAY) => Stored::Texts,
            _ => return None,
        };
        (self.repetition == OPTIONAL && self.children == 0).then_some(stored)
    }
}

fn group(thrift: &mut Thrift<'_>) -> Option<Vec<Place>> {
    let mut places = Vec::new();
    thrift.fields(|thrift, field, kind| match (field, kind) {
        (1, Coded::List) => thrift.structs(|thrift| {
            places.push(column(thrift)?);
            Some(())
        }),
        _ => thrift.skip(kind),
    })?;
    Some(places)
}

fn column(thrift: &mut Thrift<'_>) -> Option<Place> {
    let mut found = None;
    thrift.fields(|thrift, field, kind| match (field, kind) {
        (3, Coded::Struct) => {
            found = Some(place(thrift)?);
            Some(())
        }
        // Its values lie in another file, or are encrypted.
        (1 | 8 | 9, _) => None,
        _ => thrift.skip(kind),
    })?;
    found
}

fn place(thrift: &mut Thrift<'_>) -> Option<Place> {
    let [mut codec, mut count, mut length, mut data, mut dictionary] = [None; 5];
    thrift.fields(|thrift, field, kind| {
        let number = match (field, kind) {
            (4, Coded::Integer) => &mut codec,
            (5, Coded::Integer) => &mut count,
            (7, Coded::Integer) => &mut length,
            (9, Coded::Integer) => &mut data,
            (11, Coded::Integer) => &mut dictionary,
            _ => return thrift.skip(kind),
        };
        *number = Some(size(thrift)?);
        Some(())
    })?;
    let start = dictionary.into_iter().chain(data).min()?;
    Some(Place { codec: codec?, count: count.filter(|count| *count <= MOST)?, start, size: length? })
}
