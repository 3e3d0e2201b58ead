//! Guesses in words.

use cliptune_experiment::{Label, Task};
use cliptune_terminal::format::visible;

use crate::proposal::{Parts, SplitColumn};

/// Says what an item is, and which columns say so.
pub fn in_words(items: &Task) -> String {
    match items {
        Task::Choice { choices, label: Label { column, declared } } => {
            let read = declared.map(|reading| format!(" ({})", reading.as_str())).unwrap_or_default();
            let (choices, column) = (visible(choices), visible(column));
            format!(
                "an image with several texts, one of which is right: choices {choices}, label {column}{read}"
            )
        }
        Task::Pairs { text } => format!("an image with its caption: text {}", visible(text)),
        Task::Classes { class, .. } => format!("an image of a class: classes {}", visible(class)),
    }
}

/// Says where the split of a row comes from.
pub fn split_in_words(split: &SplitColumn) -> String {
    let column = visible(&split.column);
    match split.names {
        Parts::Splits => format!("as the table says: {column}"),
        Parts::Folds => format!("by the folds of the table: {column}"),
    }
}

/// Returns the line that a report has under an experiment's name.
pub(crate) fn description(items: &Task) -> &'static str {
    match items {
        Task::Choice { .. } => "Tuned to choose the right text of several for each image",
        Task::Pairs { .. } => "Tuned to find images and their captions by each other",
        Task::Classes { .. } => "Tuned to tell the class of each image",
    }
}
