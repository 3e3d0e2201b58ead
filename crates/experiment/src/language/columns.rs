//! `data.columns`: what the columns of the table mean.

use super::words::word;
use crate::plan::{Columns, Label, LabelReading, Task, Template, Templates};
use crate::problem::{Problem, Problems};
use crate::shape::{Key, Shape};
use crate::values::Impossible;
use crate::yaml::{Entry, FromNode, Node};

/// The name of a column, or an SQL expression over the row.
pub(super) const COLUMN: Shape = Shape::Text("a column or an SQL expression");

/// One or several columns.
pub(super) const SEVERAL: Shape = Shape::Either(&[COLUMN, Shape::set(&COLUMN, 0)]);

/// A prompt with a gap for the name of a class.
const TEMPLATE: Shape = Shape::Text("a text with `{}` in it");

/// The keys of `data.columns`.
pub(super) const KEYS: &[Key] = &[
    Key::optional("choices", COLUMN, "the list of candidate texts; it needs `label` beside it"),
    Key::optional(
        "label",
        Shape::Either(&[COLUMN, Shape::Map(LABEL)]),
        "the right one of `choices`: whole numbers are indices from 0, texts are the right text itself or a letter \
         from A; a map says which of these they are",
    ),
    Key::optional("text", COLUMN, "the image's own caption; instead of `choices` and `label`"),
    Key::optional(
        "classes",
        COLUMN,
        "the image's class, to be told from all classes of the data; instead of `choices` and `label`, or `text`",
    ),
    Key::optional(
        "templates",
        Shape::Either(&[TEMPLATE, Shape::set(&TEMPLATE, 1)]),
        "the prompts that stand together for a class, each with `{}` for its name; `a photo of a {}` when absent",
    ),
    Key::optional("id", COLUMN, "the row's own identifier; the row number when absent"),
    Key::optional("group", COLUMN, "what must not cross a split; the image when absent"),
    Key::with_default(
        "vocabulary",
        SEVERAL,
        "[]",
        "further text columns whose words a tokenizer trained from scratch should know",
    ),
];

/// The keys of a label that declares how its values are read.
const LABEL: &[Key] = &[
    Key::required("column", COLUMN, "the column or SQL expression that gives the label"),
    Key::optional(
        "is",
        word::<LabelReading>(),
        "what its values are; the column's type and values decide when absent",
    ),
];

/// Reads `data.columns`.
pub(super) fn decode(node: &Node, problems: &mut Problems) -> Option<Columns> {
    Some(Columns {
        task: task(node, problems)?,
        id: node.read("id"),
        group: node.read("group"),
        vocabulary: node.read("vocabulary")?,
    })
}

fn task(node: &Node, problems: &mut Problems) -> Option<Task> {
    match (node.entry_of("classes"), node.entry_of("templates")) {
        (Some(classes), _) => classified(node, classes, problems),
        (None, Some(templates)) => problems.refuse(
            Problem::at(templates.key_span, "`templates` without `classes`")
                .label("expected `classes` beside it: the column with the image's class"),
        ),
        (None, None) => spelled_out(node, problems),
    }
}

/// Reads the task of rows that have a class.
fn classified(node: &Node, classes: &Entry, problems: &mut Problems) -> Option<Task> {
    for other in ["choices", "label", "text"].iter().filter_map(|key| node.entry_of(key)) {
        problems.add(
            Problem::at(other.key_span, format!("both `classes` and `{}`", other.key))
                .label("expected either `classes`, or `choices` and `label`, or `text`")
                .related(classes.key_span, "the item's class is named here")
                .maybe_help(super::inherited_advice(other, classes)),
        );
    }
    let templates = match node.get("templates") {
        Some(written) => templates(written, problems)?,
        None => Templates::default(),
    };
    Some(Task::Classes { class: node.read("classes")?, templates })
}

fn templates(node: &Node, problems: &mut Problems) -> Option<Templates> {
    let single = std::slice::from_ref(node);
    let written = node.items().unwrap_or(single);
    Templates::new(written.iter().filter_map(|written| template(written, problems)).collect())
}

fn template(node: &Node, problems: &mut Problems) -> Option<Template> {
    let written = String::from_node(node)?;
    match written.parse() {
        Ok(template) => Some(template),
        Err(Impossible(expected)) => problems.refuse(
            Problem::at(node.span, format!("no template for the names of classes: `{written}`"))
                .label(expected),
        ),
    }
}

/// Reads the task of rows that have their texts beside the image.
fn spelled_out(node: &Node, problems: &mut Problems) -> Option<Task> {
    match (node.entry_of("choices"), node.entry_of("label"), node.entry_of("text")) {
        (Some(_), Some(_), None) => {
            Some(Task::Choice { choices: node.read("choices")?, label: label(node.get("label")?)? })
        }
        (None, None, Some(_)) => Some(Task::Pairs { text: node.read("text")? }),
        (None, None, None) => problems.refuse(
            Problem::at(node.span, "`data.columns` does not say what is to be learned")
                .label("expected `choices` and `label`, or `text`, or `classes`"),
        ),
        (Some(choices), None, _) => problems.refuse(
            Problem::at(choices.key_span, "`choices` without `label`")
                .label("expected `label` beside it: the column that says which text is right"),
        ),
        (None, Some(label), _) => problems.refuse(
            Problem::at(label.key_span, "`label` without `choices`")
                .label("expected `choices` beside it: the column with the candidate texts"),
        ),
        (Some(choices), _, Some(text)) => problems.refuse(
            Problem::at(text.key_span, "both `text` and `choices`")
                .label("expected either `text`, or `choices` and `label`")
                .related(choices.key_span, "the item's candidate texts are named here")
                .maybe_help(super::inherited_advice(choices, text)),
        ),
    }
}

fn label(node: &Node) -> Option<Label> {
    match String::from_node(node) {
        Some(column) => Some(Label { column, declared: None }),
        None => Some(Label { column: node.read("column")?, declared: node.read("is") }),
    }
}
