//! Describes datasets in sentences.

use cliptune_experiment::{SplitBy, TaskKind};
use cliptune_store::DatasetRecord;
use cliptune_terminal::format::counted;

/// Returns the name of a kind of item.
pub(crate) fn kind(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Choice => "choice",
        TaskKind::Pairs => "pairs",
        TaskKind::Classes => "classes",
    }
}

/// Returns a description of how a dataset was split.
pub(crate) fn split_rule(dataset: &DatasetRecord) -> String {
    let seed = dataset.plan.split.seed;
    match &dataset.plan.split.by {
        SplitBy::Component { across } if across.is_empty() => {
            format!("split by connected component of groups and the texts they share, seed {seed}")
        }
        SplitBy::Component { across } => {
            format!("split by connected component of groups and shared {}, seed {seed}", across.join(", "))
        }
        SplitBy::Group => format!("split by group, seed {seed}"),
        SplitBy::Row => format!("split by row, seed {seed}"),
        SplitBy::Column(column) => format!("split as the column {column} says"),
    }
}

/// Returns a sentence that says what a dataset is.
pub(crate) fn dataset_sentence(dataset: &DatasetRecord) -> String {
    let items = &dataset.items;
    let leaks = &dataset.leaks;
    let crossing = match leaks.groups + leaks.images + leaks.texts {
        0 => "Nothing crosses a split border".to_owned(),
        _ => format!(
            "{}, {} and {} cross split borders",
            counted(leaks.groups, "group"),
            counted(leaks.images, "image"),
            counted(leaks.texts, "text")
        ),
    };
    format!(
        "{} from {}, {}. {crossing}.",
        counted(items.items, "item"),
        counted(items.groups, "group"),
        split_rule(dataset)
    )
}
