//! Describes datasets in sentences.

use cliptune_experiment::{NearDuplicates, SplitBy, TaskKind};
use cliptune_store::DatasetRecord;
use cliptune_terminal::format::{counted, counted_all};

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
        SplitBy::Component { across, near_duplicates } => {
            let shared = match across.as_slice() {
                [] => "the texts they share".to_owned(),
                across => format!("shared {}", across.join(", ")),
            };
            let near = match near_duplicates {
                NearDuplicates::Report => "",
                NearDuplicates::Together => " and of images that look alike",
            };
            format!("split by connected component of groups and {shared}{near}, seed {seed}")
        }
        SplitBy::Group => format!("split by group, seed {seed}"),
        SplitBy::Row => format!("split by row, seed {seed}"),
        SplitBy::Column(column) => format!("split as the column {column} says"),
    }
}

/// Returns sentences that say what a dataset is.
pub(crate) fn dataset_sentence(dataset: &DatasetRecord) -> String {
    let items = &dataset.items;
    let crossing = match dataset.leaks.by_kind().as_slice() {
        [] => "Nothing crosses a split border".to_owned(),
        [(1, only)] => format!("1 {only} crosses a split border"),
        leaks => format!("{} cross split borders", counted_all(leaks)),
    };
    let join = dataset.notes.join.as_ref().map(|found| format!(" The join is {found}."));
    format!(
        "{} from {}, {}. {crossing}.{}",
        counted(items.items, "item"),
        counted(items.groups, "group"),
        split_rule(dataset),
        join.unwrap_or_default()
    )
}
