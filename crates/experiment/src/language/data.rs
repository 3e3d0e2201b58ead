//! `data`: images, a table, how they join, and how the items are split.

use super::options::{FromValue, OptionType, Shaped};
use super::words::word;
use super::{Context, columns, join, location, split};
use crate::plan::{Access, DataPlan, Require, Sample, Verify};
use crate::shape::{Key, Shape};
use crate::yaml::Node;

const IMAGES: Shape = Shape::Text("a folder, a glob or an address");
const TABLE: Shape = Shape::Text("a parquet, csv or jsonl file, or a glob of them");

/// The keys of `data`.
pub(super) const KEYS: &[Key] = &[
    Key::required(
        "images",
        Shape::Either(&[IMAGES, Shape::set(&IMAGES, 1)]),
        "the image files: a folder, a glob or an address (`gs://`, `s3://`, `https://`, `file://`), or a list of them",
    ),
    Key::required(
        "metadata",
        Shape::Either(&[TABLE, Shape::set(&TABLE, 1)]),
        "the table of texts: a parquet, csv or jsonl file, or a glob or a list whose files are one table; each may be \
         an address (`gs://`, `s3://`, `https://`, `file://`)",
    ),
    Key::with_default("access", Access::SHAPE, "{}", "how remote sources are reached"),
    Key::required("join", Shape::Map(join::KEYS), "which image belongs to which row"),
    Key::required("columns", Shape::Map(columns::KEYS), "what the columns of the table mean"),
    Key::optional(
        "where",
        Shape::Text("an SQL condition"),
        "an SQL condition over the joined row; rows that do not meet it are left out",
    ),
    Key::optional("sample", Sample::SHAPE, "a few rows, drawn at random, instead of all"),
    Key::with_default(
        "deduplicate",
        Shape::Boolean,
        "true",
        "whether rows with the same group, texts and label become one item with a multiplicity",
    ),
    Key::with_default(
        "verify",
        word::<Verify>(),
        "whole",
        "how far each image is examined before it becomes part of an item",
    ),
    Key::with_default(
        "require",
        Require::SHAPE,
        "{}",
        "how much of the sources has to arrive in the dataset",
    ),
    Key::with_default("split", Shape::Map(split::KEYS), "{}", "which items go to train, validation and test"),
];

/// Reads `data`.
pub(super) fn decode(node: &Node, context: &mut Context<'_>) -> Option<DataPlan> {
    let images = node.get("images").and_then(|images| location::several(images, context));
    let metadata = node.get("metadata").and_then(|table| location::table(table, context));
    let access = node.get("access").and_then(|access| location::access(access, context));
    let require = node.get("require").and_then(|require| Require::from_value(require, context));
    let sample = Option::<Sample>::read(node, "sample", context);
    let columns = node.get("columns").and_then(|columns| columns::decode(columns, context.problems));
    let split = node.get("split").and_then(|split| split::decode(split, context.problems));
    let verify: Option<Verify> = node.read("verify");
    if let (Some(split), Some(verify)) = (&split, verify) {
        split::check_verified(node, split, verify, context.problems);
    }
    Some(DataPlan {
        images: images?,
        metadata: metadata?,
        access: access?,
        join: join::decode(node.get("join")?)?,
        columns: columns?,
        filter: node.read("where"),
        sample: sample?,
        deduplicate: node.read("deduplicate")?,
        verify: verify?,
        require: require?,
        split: split?,
    })
}
