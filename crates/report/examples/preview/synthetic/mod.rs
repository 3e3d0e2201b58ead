//! Invented runs with realistic numbers: what the preview shows and what the tests draw.

mod boards;
mod dataset;
mod gallery;
pub(crate) mod hostile;
pub(crate) mod many;
mod noise;
mod plans;
mod runs;

use cliptune_experiment::{Objective, Seed, Tune};
use cliptune_report::data::{Entry, ReportData, RunSummary};

use boards::{choice_board, pairs_board};
use dataset::dataset;
use gallery::{gallery, pairs};

use plans::{pairs_plan, plan, train};
use runs::{NOTHING, Shape, entry, tuned};

const DATASET: &str = "3f6c1f0a8f3e4f7ba1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f5061728";

/// A report like that of the demo: a pretrained model, the same without further training, and three ways to tune it.
pub(crate) fn report() -> ReportData {
    let entries = vec![
        entry(
            "pretrain",
            pairs_plan(),
            1,
            Shape { first: 3.45, last: 1.9, accuracy: (0.01, 0.19), epochs: 12 },
        ),
        entry(
            "zero-shot",
            plan("zero-shot", None),
            1,
            Shape { first: 1.52, last: 1.52, accuracy: (0.31, 0.31), epochs: 0 },
        ),
        tuned("tuned", Tune::Full, 1.52, 0.74, 0.71),
        tuned("locked-image", Tune::LockedImage { unlocked_layers: 0 }, 1.52, 0.96, 0.62),
        tuned("projections", Tune::Projections, 1.52, 1.41, 0.35),
        Entry {
            runs: vec![RunSummary::missing(Seed(0), None)],
            ..entry(
                "from-scratch",
                plan("from-scratch", Some(train(Objective::Choice, Tune::Full))),
                1,
                NOTHING,
            )
        },
    ];
    let data = ReportData {
        name: "demo".to_owned(),
        arguments: vec!["experiments/demo".to_owned()],
        options: Vec::new(),
        subject: "51ab".repeat(16),
        home: "40e3".repeat(16),
        asked_baseline: None,
        inputs: "9b1d".repeat(16),
        boards: vec![choice_board(), pairs_board()],
        foreign: Vec::new(),
        datasets: vec![dataset()],
        gallery: Some(gallery()),
        pairs: Some(pairs()),
        entries,
    };
    data.with_roles()
}

/// A report of experiments that have not run.
#[allow(dead_code, reason = "the tests use it, the preview does not")]
pub(crate) fn nothing_run() -> ReportData {
    let full = report();
    let bare = |mut entry: Entry| {
        entry.runs = vec![RunSummary::missing(Seed(0), None)];
        entry
    };
    ReportData {
        boards: Vec::new(),
        datasets: Vec::new(),
        gallery: None,
        pairs: None,
        entries: full.entries.into_iter().map(bare).collect(),
        ..full
    }
}
