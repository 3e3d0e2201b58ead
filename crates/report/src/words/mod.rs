//! The sentences of a report, as plain text, so that the page, the Markdown and the terminal say the same.

mod dataset;
mod finding;
mod gallery;
mod labels;
mod method;
mod notes;

pub(crate) use cliptune_compare::p_value;
pub(crate) use dataset::{dataset_sentence, kind, split_rule};
pub(crate) use finding::finding;
pub use finding::headline;
pub(crate) use gallery::{gallery_choice, gallery_names, letter, stratum};
pub(crate) use labels::{
    accuracy_title, board_heading, extent, interval_caption, loss_caption, machine_caption, metric,
    metric_long, objective, validation_caption,
};
pub(crate) use method::method;
pub(crate) use notes::{notes, warnings};
