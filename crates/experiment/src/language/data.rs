//! `data`: images, a table, how they join, and how the items are split.

use super::options::{FromValue, OptionType, Shaped};
use super::words::word;
use super::{Context, columns, join, location, split};
use crate::plan::{Access, DataPlan, Join, Require, Sample, TableSource, Verify};
use crate::shape::{Key, Shape};
use crate::yaml::Node;

const IMAGES: Shape = Shape::Text("a folder, a glob or an address");
const TABLE: Shape =
    Shape::Text("a parquet, csv, jsonl, arrow, sqlite, duckdb or tar file, or a glob of them");
const TABLES: Shape = Shape::Either(&[TABLE, Shape::set(&TABLE, 1)]);

/// The keys of a table that is one of several in a database.
const IN_DATABASE: &[Key] = &[
    Key::required("file", TABLES, "the sqlite or duckdb file, or several with the same table"),
    Key::optional("table", Shape::Text("a name"), "the table; when absent, the database has only one"),
];

/// The keys of `data`.
pub(super) const KEYS: &[Key] = &[
    Key::required(
        "images",
        Shape::Either(&[IMAGES, Shape::set(&IMAGES, 1)]),
        "the image files: a folder, a glob or an address (`gs://`, `s3://`, `https://`, `file://`), or a list of them; \
         `.tar` shards and `.parquet` files stand for the images in them",
    ),
    Key::place(
        "metadata",
        Shape::Either(&[TABLE, Shape::set(&TABLE, 1), Shape::Map(IN_DATABASE)]),
        "the table of texts: a parquet, csv, jsonl, arrow, sqlite, duckdb or tar file, or a glob or a list whose files \
         are one table; each may be an address (`gs://`, `s3://`, `https://`, `file://`); when absent, the table lies with \
         the images",
    ),
    Key::with_default("access", Access::SHAPE, "{}", "how remote sources are reached"),
    Key::optional(
        "join",
        Shape::Map(join::KEYS),
        "which image belongs to which row; when absent, the column whose values name the images is found, and a table that \
         lies with the images is joined by its column `image`",
    ),
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
    let metadata = match node.get("metadata") {
        Some(table) => location::table(table, context),
        None => Some(TableSource::beside()),
    };
    let join = join(node);
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
        join: join?,
        columns: columns?,
        filter: node.read("where"),
        sample: sample?,
        deduplicate: node.read("deduplicate")?,
        verify: verify?,
        require: require?,
        split: split?,
    })
}

/// Reads how images and rows join. A table that lies with the images says so itself, and of another one it can be found.
fn join(node: &Node) -> Option<Option<Join>> {
    match (node.get("join"), node.entry_of("metadata")) {
        (Some(join), _) => join::decode(join).map(Some),
        (None, None) => Some(Some(Join::beside())),
        (None, Some(_)) => Some(None),
    }
}
