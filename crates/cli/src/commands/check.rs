//! `cliptune check`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cliptune_experiment::{Experiment, Plan, spelled};
use cliptune_terminal::{CommonArgs, Exit, format};
use serde::Serialize;
use serde_json::Value;

use crate::error::CliError;
use crate::joins::Joins;
use crate::selection::{Selection, short};
use crate::wording;

/// Validate experiments and show what they would do; touches nothing
///
/// All errors of all files come at once, each with its line and what was probably meant. Settings that nobody declares are
/// listed as defaults. Where the table is there, its header is looked at: columns that it does not have and SQL that does not
/// fit are errors, as for `ingest`. Where an experiment does not say how images and table join, both are looked at.
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
    /// The keys of the settings that nobody declares.
    defaults: Vec<String>,
    /// The join that was found, where the experiment declares none and its sources are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    found_join: Option<&'a Value>,
    runs: &'a [Plan],
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let experiments = Selection::load(&args.experiments, common)?.experiments;
    let joins = match Joins::of(&experiments, &args.experiments, common)? {
        Ok(joins) => joins,
        Err(exit) => return Ok(exit),
    };
    if printer.is_json() {
        let documents: Vec<_> = experiments.iter().map(|one| document(one, &joins)).collect();
        printer.json(&documents);
    } else if args.resolved {
        printer.document(&resolved(&experiments)?);
    } else {
        let texts: Vec<String> = experiments.iter().map(|one| text(one, joins.said(one))).collect();
        printer.data(&texts.join("\n"));
    }
    Ok(Exit::Done)
}

fn document<'a>(experiment: &'a Experiment, joins: &'a Joins) -> Document<'a> {
    Document {
        name: experiment.name.as_str(),
        file: &experiment.file,
        description: experiment.description.as_deref(),
        defaults: experiment.defaults().into_iter().map(|(key, _)| key).collect(),
        found_join: joins.found(experiment),
        runs: &experiment.plans,
    }
}

/// Renders every run as one YAML document.
fn resolved(experiments: &[Experiment]) -> Result<String, CliError> {
    let plans = experiments.iter().flat_map(|experiment| &experiment.plans);
    let documents = plans.map(Plan::to_yaml).collect::<Result<Vec<_>, _>>()?;
    Ok(documents.join("---\n"))
}

fn text(experiment: &Experiment, join: Option<&str>) -> String {
    let mut text = experiment.name.to_string();
    // Writing to a String cannot fail.
    if let Some(description) = &experiment.description {
        let _ = write!(text, ": {}", format::visible(description));
    }
    let mut lines = vec![("file", short(&experiment.file).to_string()), ("runs", runs(experiment))];
    let plan = experiment.plans.first();
    lines.extend(plan.map(|plan| wording::plan_as_found(plan, join.map(str::to_owned))).unwrap_or_default());
    let defaults = wording::defaults(experiment).into_iter().enumerate();
    lines.extend(defaults.map(|(at, line)| (if at == 0 { "defaults" } else { "" }, line)));
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
