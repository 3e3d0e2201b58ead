//! `data`: images, a table, how they join, and how the items are split.

use super::{Context, columns, join, location, split};
use crate::plan::DataPlan;
use crate::shape::{Key, Shape};
use crate::yaml::Node;

/// The keys of `data`.
pub(super) const KEYS: &[Key] = &[
    Key::required(
        "images",
        Shape::Text("a folder, a glob or a `file://` address"),
        "the image files: a folder, a glob or a `file://` address",
    ),
    Key::required(
        "metadata",
        Shape::Text("a parquet, csv or jsonl file, or a glob of them"),
        "the table of texts: a parquet, csv or jsonl file, or a glob whose files are one table",
    ),
    Key::required("join", Shape::Map(join::KEYS), "which image belongs to which row"),
    Key::required("columns", Shape::Map(columns::KEYS), "what the columns of the table mean"),
    Key::optional(
        "where",
        Shape::Text("an SQL condition"),
        "an SQL condition over the joined row; rows that do not meet it are left out",
    ),
    Key::with_default(
        "deduplicate",
        Shape::Boolean,
        "true",
        "whether rows with the same group, texts and label become one item with a multiplicity",
    ),
    Key::with_default("split", Shape::Map(split::KEYS), "{}", "which items go to train, validation and test"),
];

/// Reads `data`.
pub(super) fn decode(node: &Node, context: &mut Context<'_>) -> Option<DataPlan> {
    let images = node.get("images").and_then(|images| location::path(images, context));
    let metadata = node.get("metadata").and_then(|table| location::table(table, context));
    let columns = node.get("columns").and_then(|columns| columns::decode(columns, context.problems));
    let split = node.get("split").and_then(|split| split::decode(split, context.problems));
    Some(DataPlan {
        images: images?,
        metadata: metadata?,
        join: join::decode(node.get("join")?)?,
        columns: columns?,
        filter: node.read("where"),
        deduplicate: node.read("deduplicate")?,
        split: split?,
    })
}
