//! How a parquet file describes its columns.

use cliptune_store::thrift::Fields;

use crate::columns::{Column, Kind};
use cliptune_store::parquet_format::repetition::{OPTIONAL, REPEATED};
use cliptune_store::parquet_format::{converted, physical};

/// The names of what a list consists of.
const LIST: &str = "list";
const ELEMENT: &str = "element";

/// One element of a schema, which lists a tree with the root first and children behind their parents.
pub(super) enum Element {
    /// The rows, with the number of their columns.
    Rows(usize),
    /// Values, which may be missing, with their name.
    Values(&'static str, Kind),
    /// A list, which may be missing, with its name.
    List(&'static str),
    /// The places of a list.
    Places,
}

/// Returns the elements of columns.
pub(super) fn elements(columns: &[Column]) -> Vec<Element> {
    let of_column = |column: &Column| match of_list(column.kind) {
        Some(kind) => vec![Element::List(column.name), Element::Places, Element::Values(ELEMENT, kind)],
        None => vec![Element::Values(column.name, column.kind)],
    };
    std::iter::once(Element::Rows(columns.len())).chain(columns.iter().flat_map(of_column)).collect()
}

/// Returns the names that lead to the values of a column.
pub(super) fn path(column: &Column) -> Vec<&'static str> {
    match of_list(column.kind) {
        Some(_) => vec![column.name, LIST, ELEMENT],
        None => vec![column.name],
    }
}

/// Returns the kind of what is in a list of numbers.
fn of_list(kind: Kind) -> Option<Kind> {
    match kind {
        Kind::Wholes => Some(Kind::Whole),
        Kind::Numbers => Some(Kind::Number),
        _ => None,
    }
}

/// Returns the number of the type that values are stored as.
pub(super) fn physical(kind: Kind) -> usize {
    match kind {
        Kind::Truth => physical::BOOLEAN,
        Kind::Whole | Kind::Wholes | Kind::Time => physical::INT64,
        Kind::Number | Kind::Numbers => physical::DOUBLE,
        _ => physical::BYTE_ARRAY,
    }
}

impl Element {
    pub(super) fn write(&self, fields: &mut Fields<'_>) {
        match self {
            Self::Rows(columns) => {
                fields.text(4, "rows");
                fields.i32(5, *columns);
            }
            Self::Values(name, kind) => values(fields, name, *kind),
            Self::List(name) => {
                fields.i32(3, OPTIONAL);
                fields.text(4, name);
                fields.i32(5, 1);
                fields.i32(6, converted::LIST);
            }
            Self::Places => {
                fields.i32(3, REPEATED);
                fields.text(4, LIST);
                fields.i32(5, 1);
            }
        }
    }
}

fn values(fields: &mut Fields<'_>, name: &str, kind: Kind) {
    fields.i32(1, physical(kind));
    fields.i32(3, OPTIONAL);
    fields.text(4, name);
    match kind {
        Kind::Text => fields.i32(6, converted::UTF8),
        // Microseconds that are not adjusted to any time zone.
        Kind::Time => fields.structure(10, |fields| {
            fields.structure(8, |fields| {
                fields.truth(1, false);
                fields.structure(2, |unit| unit.structure(2, |_| {}));
            });
        }),
        _ => {}
    }
}
