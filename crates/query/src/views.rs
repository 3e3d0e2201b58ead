//! The views, and the only description of their columns.

use std::fmt::Write as _;

use cliptune_store::PREDICTION_COLUMNS;
use cliptune_terminal::did_you_mean;

use crate::columns::Kind::{Number, Text, Texts, Time, Truth, Whole};
use crate::columns::{Column, Kind, column};
use crate::runs_view::RUNS;

/// The tables that SQL can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// One row for each run.
    Runs,
    /// One row for each setting of a run.
    Settings,
    /// One row for each metric of a split of a run.
    Metrics,
    /// One row for each event of a run.
    Events,
    /// One row for each prediction of a run.
    Predictions,
    /// One row for each item of a dataset.
    Items,
    /// One row for each image or row that a dataset has left out.
    Rejects,
    /// One row for each period of a run: what it used of its machine.
    System,
}

const SETTINGS: &[Column] = &[
    column("run", Text, "The run, as in `runs`."),
    column("key", Text, "The dotted key, such as `train.optimizer.lr`. Defaults are there, too."),
    column("value", Text, "The value as YAML has it; a list as `[0,1]`."),
    column("number", Number, "The value as a number, where it is one."),
];

const METRICS: &[Column] = &[
    column("run", Text, "The run, as in `runs`."),
    column(
        "split",
        Text,
        "The split that was scored: `train`, `validation` or `test`; missing where another tool computed the metric, which does not say.",
    ),
    column("metric", Text, "The metric, such as `accuracy`."),
    column("value", Number, "The value; missing where it could not be computed."),
    column("low", Number, "The lower end of the 95 % interval."),
    column("high", Number, "The upper end of the 95 % interval."),
    column(
        "method",
        Text,
        "The method by which the interval was made; `told by` and the tool where there is none, because another tool computed the metric.",
    ),
    column(
        "chance",
        Number,
        "What guessing reaches in this metric on this split; missing where there is no such thing.",
    ),
    column("n_items", Whole, "The number of items that were scored."),
    column("n_groups", Whole, "The number of groups that these items come from."),
];

const EVENTS: &[Column] = &[
    column("run", Text, "The run, as in `runs`."),
    column("seq", Whole, "The position in the log, counted from 0."),
    column("time", Time, "The moment, in UTC."),
    column(
        "type",
        Text,
        "The kind of event: `started`, `step`, `epoch`, `resumed`, `diverged`, `interpolated`, `interrupted` or `finished`.",
    ),
    column("epoch", Whole, "The epoch; 0 is the model before training."),
    column(
        "step",
        Whole,
        "The number of optimiser steps. After a crash some are repeated; the last one counts.",
    ),
    column("loss", Number, "The mean loss of the step's batch."),
    column("learning_rate", Number, "The learning rate of the step."),
    column("grad_norm", Number, "The global gradient norm before clipping."),
    column("logit_scale", Number, "exp(logit_scale) after the step."),
    column("items_per_second", Number, "The throughput of the step."),
    column("validation_loss", Number, "The mean loss over the validation split."),
    column(
        "validation_accuracy",
        Number,
        "The accuracy, or recall@1 from image to text, on the validation split.",
    ),
    column("best", Truth, "Whether the epoch was the best one so far."),
    column("alpha", Number, "The position between the starting weights (0) and the tuned ones (1)."),
    column("seconds", Number, "The seconds spent on the run so far."),
    column("reason", Text, "What happened, where training diverged."),
];

/// Returns the columns of the files of predictions, after those that say which file it is.
fn predictions() -> Vec<Column> {
    let origin =
        [column("run", Text, "The run, as in `runs`."), column("split", Text, "The split that was scored.")];
    let own = PREDICTION_COLUMNS.iter().map(|own| column(own.name, Kind::of(own.kind), own.about));
    origin.into_iter().chain(own).collect()
}

const ITEMS: &[Column] = &[
    column("dataset", Text, "The hash of the dataset, as in `runs`."),
    column("item_id", Text, "The identity of the item's content."),
    column("id", Text, "The first row that the item was made from."),
    column("ids", Texts, "All rows that the item was made from."),
    column("group", Text, "What must not cross a split. It is a word of SQL: write `\"group\"`."),
    column("split", Text, "The split."),
    column("fold", Whole, "The fold of a cross-validation."),
    column("folder", Whole, "The number of the images folder, from 0."),
    column("image", Text, "The image file, or the path through the archive that it lies in."),
    column("image_hash", Text, "What the image is known by."),
    column("width", Whole, "The width of the image in pixels."),
    column("height", Whole, "The height of the image in pixels."),
    column("texts", Texts, "The candidate texts."),
    column("label", Whole, "The index of the right text or class."),
    column("multiplicity", Whole, "The number of rows that the item was made from."),
    column("vocabulary", Texts, "Texts for a tokenizer that is trained from scratch."),
];

const REJECTS: &[Column] = &[
    column("dataset", Text, "The hash of the dataset, as in `runs`."),
    column("side", Text, "`image` or `row`."),
    column("key", Text, "The image's path, or the row's identifier."),
    column("join_key", Text, "The value that the join compared."),
    column("reason", Text, "The reason."),
    column("detail", Text, "The decoder's message, or the value that was refused."),
];

const SYSTEM: &[Column] = &[
    column("run", Text, "The run, as in `runs`."),
    column("time", Time, "The moment at which the period ended, in UTC."),
    column("seconds", Number, "The seconds spent on the run by then."),
    column("over", Number, "The length of the period in seconds: 2 at first, 60 in a run of many hours."),
    column("step", Whole, "The number of optimiser steps by then."),
    column("cpu", Number, "The share of all processors in use, by whatever process."),
    column("processors", Number, "The number of processors that the run's process kept busy."),
    column("processors_limit", Number, "The number of processors that it may use."),
    column("memory", Whole, "The memory of the process in bytes, at its most."),
    column("memory_peak", Whole, "The most memory that the process has had since it began."),
    column("memory_used", Whole, "The memory in use in the container, or else in the machine."),
    column("memory_limit", Whole, "The memory that the container may use, or else the machine's."),
    column("disk", Whole, "The free bytes of the store's disk, at their least."),
    column("read", Whole, "The bytes that the process had the disks read in the period."),
    column("written", Whole, "The bytes that the process had the disks write in the period."),
    column("joules", Number, "The energy that the machine's processors took in the period."),
    column("gpu", Number, "The share of the time in which the GPU was computing."),
    column("gpu_memory", Whole, "The memory of the GPU in use, in bytes, at its most."),
    column("gpu_memory_limit", Whole, "The memory of the GPU in bytes."),
    column("watts", Number, "The mean power of the GPU."),
    column("gpu_joules", Number, "The energy that the GPU took in the period."),
    column("gpu_temperature", Number, "The temperature of the GPU in degrees Celsius, at its highest."),
];

impl View {
    /// All views, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Runs,
        Self::Settings,
        Self::Metrics,
        Self::Events,
        Self::Predictions,
        Self::Items,
        Self::Rejects,
        Self::System,
    ];

    /// Returns the name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Settings => "settings",
            Self::Metrics => "metrics",
            Self::Events => "events",
            Self::Predictions => "predictions",
            Self::Items => "items",
            Self::Rejects => "rejects",
            Self::System => "system",
        }
    }

    /// Returns the view with a name, in whatever case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.name().eq_ignore_ascii_case(name))
    }

    /// Returns the name of the view that a misspelled one may mean.
    pub(crate) fn similar(name: &str) -> Option<&'static str> {
        let names = Self::ALL.map(Self::name);
        did_you_mean(name, &names).and_then(Self::named).map(Self::name)
    }

    /// Returns a sentence about the rows.
    pub fn about(self) -> &'static str {
        match self {
            Self::Runs => "One row for each run.",
            Self::Settings => "One row for each setting of each run.",
            Self::Metrics => {
                "One row for each metric of each scored split of each run, and for the last value of each metric that another tool computed of an imported run."
            }
            Self::Events => {
                "One row for each event of each run. What a kind of event does not have is missing."
            }
            Self::Predictions => "One row for each item of each scored split of each run.",
            Self::Items => "One row for each item of each dataset.",
            Self::Rejects => {
                "One row for each row that its dataset refused, and for each image that no row can use."
            }
            Self::System => {
                "One row for each period of each run: what it used of its machine. What the machine does not tell is missing."
            }
        }
    }

    /// Returns the columns in order.
    pub fn columns(self) -> Vec<Column> {
        match self {
            Self::Runs => RUNS.iter().map(|(column, _)| *column).collect(),
            Self::Settings => SETTINGS.to_vec(),
            Self::Metrics => METRICS.to_vec(),
            Self::Events => EVENTS.to_vec(),
            Self::Predictions => predictions(),
            Self::Items => ITEMS.to_vec(),
            Self::Rejects => REJECTS.to_vec(),
            Self::System => SYSTEM.to_vec(),
        }
    }
}

/// Returns the documentation of all views and their columns in Markdown.
pub fn reference() -> String {
    let mut text = String::new();
    for view in View::ALL {
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            "\n### `{}`\n\n{}\n\n| column | type | |\n|---|---|---|\n",
            view.name(),
            view.about()
        );
        for Column { name, kind, about } in view.columns() {
            let _ = writeln!(text, "| `{name}` | {} | {about} |", kind.sql());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Set to anything, it makes the test write the section instead of comparing it.
    const UPDATE: &str = "CLIPTUNE_UPDATE_DOCS";
    const START: &str = "<!-- The rest is generated from the views. -->\n";

    #[test]
    fn the_documentation_has_every_column() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/query.md");
        let text = fs_err::read_to_string(file).unwrap();
        let (written, _) = text.split_once(START).unwrap();
        let current = format!("{written}{START}{}", reference());
        if std::env::var_os(UPDATE).is_some() {
            fs_err::write(file, &current).unwrap();
        } else {
            assert!(text == current, "docs/query.md is out of date: run this test with {UPDATE}=1");
        }
    }

    #[test]
    fn names_are_unique_and_sentences_are_sentences() {
        for view in View::ALL {
            let columns = view.columns();
            for (at, column) in columns.iter().enumerate() {
                assert!(columns[..at].iter().all(|other| other.name != column.name), "{}", column.name);
                assert!(column.about.ends_with('.') && !column.about.contains('|'), "{}", column.about);
            }
        }
    }
}
