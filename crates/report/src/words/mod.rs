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
pub(crate) use gallery::{gallery_choice, gallery_names, letter, pairs_choice, pairs_names, stratum};
pub(crate) use labels::{
    accuracy_title, board_heading, drawn_rule, extent, interval_caption, loss_caption, machine_caption,
    metric, metric_in_words, metric_long, named_rule, objective, overview_caption, places_caption,
    reliability_caption, risk_caption, sweep_caption, validation_caption,
};
pub(crate) use method::method;
pub(crate) use notes::{first_notes, notes, warnings};
