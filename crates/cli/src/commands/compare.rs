//! `cliptune compare`.

mod machine;
mod page;
mod sides;
mod text;

use std::collections::BTreeSet;
use std::io::{IsTerminal, stdout};
use std::path::PathBuf;

use cliptune_compare::{Comparison, Verdict, correct};
use cliptune_experiment::Split;
use cliptune_store::{Store, TestLooks};
use cliptune_terminal::{CommonArgs, Exit};

use crate::error::{CliError, ComparisonError, OptionError};
use crate::selection::refuse_settings;
use sides::{Side, sides_of};

/// Say whether one experiment or run is better than another, and how sure that is
///
/// The first one is the baseline, and the others are compared with it on the same items: what differs in the settings, on which
/// items they agree, the difference in each metric with its 95 % interval over groups (and over seeds, where there are several),
/// and a verdict, corrected for the number of comparisons. An experiment with a matrix stands for all of its settings; its folds
/// are one comparison. docs/scoring.md says how intervals and tests are made.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Experiments, runs as `cliptune show` takes them, or experiment files and folders of them; the first is the baseline
    #[arg(required_unless_present = "predictions", value_name = "EXPERIMENT")]
    names: Vec<String>,

    /// Predictions of anybody else, in parquet, as JSON lines or as CSV: id, group, label, and predicted or probabilities
    #[arg(long, value_name = "FILE", num_args = 1..)]
    predictions: Vec<PathBuf>,

    /// The split whose items are compared
    #[arg(long, default_value = "test", value_parser = split)]
    split: Split,

    /// The metric that is judged: accuracy, for pairs image_to_text_recall@1, or another of the table
    #[arg(long, value_name = "METRIC")]
    metric: Option<String>,

    /// List the items that were won and lost against the baseline
    #[arg(long)]
    items: bool,

    /// Write a page to standard output, with the images of these items and what was answered
    #[arg(long, requires = "items", conflicts_with = "json")]
    html: bool,

    /// End with exit code 4 when the verdict on a side is "worse"; with a MARGIN, when it is and the metric is worse by more
    /// than that, such as 0.01
    #[arg(long, value_name = "MARGIN", num_args = 0..=1, default_missing_value = "0", value_parser = margin)]
    fail_if_worse: Option<f64>,
}

pub(super) fn split(text: &str) -> Result<Split, String> {
    let known = || Split::ALL.into_iter();
    let named = known().find(|split| split.as_str() == text);
    named.ok_or_else(|| format!("one of {}", known().map(Split::as_str).collect::<Vec<_>>().join(", ")))
}

fn margin(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|margin| margin.is_finite() && *margin >= 0.0);
    let advice =
        "a margin is a number that is not negative, such as 0.01; write names before --fail-if-worse";
    number.ok_or_else(|| advice.to_owned())
}

/// The sides of a call, and how each but the first compares with it.
pub(super) struct Compared {
    split: Split,
    baseline: Side,
    others: Vec<(Side, Comparison)>,
    /// How often the test split was looked at, where that is what is compared and a side has runs.
    looks: Option<TestLooks>,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    if args.html && stdout().is_terminal() {
        return Err(OptionError::PageOnTerminal { command: "cliptune compare A B --items" }.into());
    }
    let store = Store::open(&common.store)?;
    let (baseline, others) = sides_of(args, &store, common, &printer)?;
    let others = others.into_iter().map(|side| {
        let comparison = compare(&side, &baseline, args.metric.as_deref())?;
        Ok((side, comparison))
    });
    let mut others = others.collect::<Result<Vec<_>, CliError>>()?;
    correct(others.iter_mut().map(|(_, comparison)| &mut comparison.judged));
    let looks = test_looks(
        &store,
        args.split,
        std::iter::once(&baseline).chain(others.iter().map(|(side, _)| side)),
    )?;
    let compared = Compared { split: args.split, baseline, others, looks };
    match () {
        () if args.html => printer.document(&page::page(&compared, &store)?),
        () if printer.is_json() => printer.json(&machine::document(&compared, args.items)),
        () => text::print(&compared, args.items, &printer),
    }
    let is_worse = |margin| compared.others.iter().any(|(_, comparison)| is_worse(comparison, margin));
    Ok(if args.fail_if_worse.is_some_and(is_worse) { Exit::Worse } else { Exit::Done })
}

/// Returns how often the test split of the runs' dataset was looked at; in a cross-validation those of all folds.
fn test_looks<'a>(
    store: &Store,
    split: Split,
    sides: impl Iterator<Item = &'a Side>,
) -> Result<Option<TestLooks>, CliError> {
    let datasets: BTreeSet<&str> = sides.flat_map(Side::datasets).collect();
    match split == Split::Test && !datasets.is_empty() {
        true => Ok(Some(store.test_looks(datasets)?)),
        false => Ok(None),
    }
}

fn compare(side: &Side, baseline: &Side, metric: Option<&str>) -> Result<Comparison, CliError> {
    let (name, against) = (|| side.name.clone(), || baseline.name.clone());
    if side.task != baseline.task {
        return Err(ComparisonError::OtherTask { name: name(), baseline: against() }.into());
    }
    let compared = Comparison::of(side.task, &side.answers, &baseline.answers, metric);
    compared.map_err(|source| {
        let source = Box::new(source);
        ComparisonError::Compare { side: name(), baseline: against(), source }.into()
    })
}

fn is_worse(comparison: &Comparison, margin: f64) -> bool {
    comparison.judged.verdict == Verdict::Worse && comparison.judged.loss() > margin
}

/// Refuses `--set` where no experiment file is named.
pub(super) fn expect_files(common: &CommonArgs, has_files: bool) -> Result<(), CliError> {
    if has_files { Ok(()) } else { refuse_settings(common) }
}
