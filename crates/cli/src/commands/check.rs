//! `cliptune check`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cliptune_experiment::{Experiment, Plan, spelled};
use cliptune_terminal::{CommonArgs, Exit};
use serde::Serialize;

use crate::error::CliError;
use crate::selection::{Selection, short};
use crate::wording;

/// Validate experiments and show what they would do; touches nothing
///
/// All errors of all files come at once, each with its line and what was probably meant.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Experiment files, or folders of them
    #[arg(required = true, value_name = "EXPERIMENT")]
    experiments: Vec<PathBuf>,

    /// Show each run as YAML with every default filled in
    #[arg(long, conflicts_with = "json")]
    resolved: bool,
}

/// An experiment as `--json` prints it.
#[derive(Serialize)]
struct Document<'a> {
    name: &'a str,
    file: &'a Path,
    description: Option<&'a str>,
    runs: &'a [Plan],
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let experiments = Selection::load(&args.experiments, common)?.experiments;
    if printer.is_json() {
        printer.json(&experiments.iter().map(document).collect::<Vec<_>>());
    } else if args.resolved {
        printer.document(&resolved(&experiments)?);
    } else {
        let texts: Vec<String> = experiments.iter().map(text).collect();
        printer.data(&texts.join("\n"));
    }
    Ok(Exit::Done)
}

fn document(experiment: &Experiment) -> Document<'_> {
    Document {
        name: experiment.name.as_str(),
        file: &experiment.file,
        description: experiment.description.as_deref(),
        runs: &experiment.plans,
    }
}

/// Renders every run as one YAML document.
fn resolved(experiments: &[Experiment]) -> Result<String, CliError> {
    let plans = experiments.iter().flat_map(|experiment| &experiment.plans);
    let documents = plans.map(Plan::to_yaml).collect::<Result<Vec<_>, _>>()?;
    Ok(documents.join("---\n"))
}

fn text(experiment: &Experiment) -> String {
    let mut text = experiment.name.to_string();
    // Writing to a String cannot fail.
    if let Some(description) = &experiment.description {
        let _ = write!(text, ": {description}");
    }
    let mut lines = vec![("file", short(&experiment.file).to_string()), ("runs", runs(experiment))];
    lines.extend(experiment.plans.first().map(wording::plan).unwrap_or_default());
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, value) in lines {
        let _ = write!(text, "\n  {name:width$}  {value}");
    }
    text + "\n"
}

/// Returns how many runs there are and what they vary: `6: seeds 0, 1, 2; train.optimizer.lr 5e-6, 1e-5`.
fn runs(experiment: &Experiment) -> String {
    let mut values: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut seeds = Vec::new();
    for plan in &experiment.plans {
        remember(&mut seeds, plan.seed.to_string());
        for (axis, value) in &plan.axes {
            remember(values.entry(axis).or_default(), spelled(value));
        }
    }
    let noun = if seeds.len() == 1 { "seed" } else { "seeds" };
    let mut text = format!("{}: {noun} {}", experiment.plans.len(), seeds.join(", "));
    for (axis, values) in values {
        let _ = write!(text, "; {axis} {}", values.join(", "));
    }
    text
}

fn remember(values: &mut Vec<String>, value: String) {
    if !values.contains(&value) {
        values.push(value);
    }
}
