//! `data.join`: which image belongs to which row.

use crate::plan::{ImageKey, Join};
use crate::shape::{Key, Shape};
use crate::yaml::{FromNode, Node};

/// The keys of `data.join`.
pub(super) const KEYS: &[Key] = &[
    Key::with_default(
        "image",
        Shape::Either(&[Shape::Text("`path`, `name`, `stem` or an SQL expression"), Shape::Map(SQL)]),
        "name",
        "the key of an image file: its `path` below the folder, its `name`, its `stem` or an SQL expression over \
         `path`, `name`, `stem`, `extension` and `size`",
    ),
    Key::required(
        "metadata",
        Shape::Text("a column or an SQL expression"),
        "the key of a table row: a column or an SQL expression over the row",
    ),
];

const SQL: &[Key] = &[Key::required(
    "sql",
    Shape::Text("an SQL expression"),
    "the SQL expression, which may be spelled like one of the words, such as `name`",
)];

/// Reads `data.join`.
pub(super) fn decode(node: &Node) -> Option<Join> {
    Some(Join { image: image(node.get("image")?)?, metadata: node.read("metadata")? })
}

fn image(node: &Node) -> Option<ImageKey> {
    if let Some(sql) = node.read("sql") {
        return Some(ImageKey::Sql(sql));
    }
    Some(match String::from_node(node)?.as_str() {
        "path" => ImageKey::Path,
        "name" => ImageKey::Name,
        "stem" => ImageKey::Stem,
        sql => ImageKey::Sql(sql.to_owned()),
    })
}
