//! `cliptune show`.

mod foreign;
mod pair;
mod recipe;

use std::path::{Path, PathBuf};

use cliptune_experiment::Split;
use cliptune_store::{AnyRun, Base, Outcome, Precisions, Run, Scores, Store, StoreError};
use cliptune_terminal::{Column, CommonArgs, Exit, Table, format};
use fs_err as fs;

use crate::error::CliError;
use crate::selection::{any_run, one_run, short, warn_of};
use crate::usage;
use crate::view::RunView;
use crate::wording;

/// Show a run, what makes it again, or how two runs differ
///
/// One run: settings, scores, provenance, files. Two runs: side by side, what differs between them. With --yaml: an
/// experiment file that makes the run again, with what has to be there, from the run's record alone.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run as `cliptune ls` lists it, with or without its experiment; its own name; its folder; an
    /// experiment with a seed (tuned@0); the run of an experiment that is best on the validation split (tuned@best); or the
    /// beginning of one of these, when only one run begins like that
    run: String,

    /// A second run to compare it with
    other: Option<String>,

    /// Show what two runs have in common, too
    #[arg(long, requires = "other")]
    all: bool,

    /// Print an experiment file that makes the run again, with absolute paths; with =FILE, write it there, with paths
    /// relative to it where both lie in the folder that holds the store
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    #[arg(conflicts_with_all = ["other", "json"])]
    yaml: Option<Option<PathBuf>>,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let store = Store::open(&common.store)?;
    let run = match any_run(&store, &args.run)? {
        AnyRun::Foreign(run) if args.other.is_none() && args.yaml.is_none() => {
            return foreign::show(&run, &store, &printer);
        }
        AnyRun::Foreign(run) => return Err(StoreError::Foreign { run: run.id() }.into()),
        AnyRun::Own(run) => *run,
    };
    if let Some(other) = &args.other {
        return pair::show([&run, &one_run(&store, other)?], &store, args.all, &printer);
    }
    if let Some(file) = &args.yaml {
        return recipe::show(&run, &store, file.as_deref(), &printer);
    }
    let view = RunView::of(&run, &store);
    view.damage().iter().for_each(|error| warn_of(error, &printer));
    match printer.is_json() {
        true => printer.json(&view),
        false => printer.data(&text(&run, &view)?),
    }
    Ok(Exit::Done)
}

fn text(run: &Run, view: &RunView<'_>) -> Result<String, CliError> {
    let found = view.found_join().map(ToString::to_string);
    let plan = wording::plan_as_found(&run.record().plan, found);
    let mut sections = vec![section(view.id(), &facts(run, view)), section("plan", &plan)];
    sections.extend(scores(view));
    sections.extend(view.precisions().map(precisions));
    sections.push(section("files", &files(run.folder())?));
    Ok(sections.join("\n"))
}

/// Formats a title, followed by one line for each fact.
fn section(title: &str, facts: &[(impl AsRef<str>, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.as_ref().len()).max().unwrap_or_default();
    let lines = facts.iter().map(|(name, value)| format!("  {:width$}  {value}\n", name.as_ref()));
    format!("{title}\n{}", lines.collect::<String>())
}

fn facts(run: &Run, view: &RunView<'_>) -> Vec<(&'static str, String)> {
    let record = run.record();
    let made = &record.provenance;
    let mut facts = vec![("folder", short(run.folder()).to_string()), ("status", status(run, view))];
    if view.weights_removed() {
        let back = format!("`cliptune restore {}` brings them back while they are in the trash", view.id());
        facts.push(("model", format!("its weights were removed; {back}")));
    }
    let said = view.labels().facts();
    facts.extend(said.into_iter().map(|(name, text)| (name, format::visible(&text))));
    facts.extend(run.seconds().map(|seconds| ("time", usage::time(seconds, view.time_split()))));
    facts.extend(usage::facts(record.end.as_ref().and_then(|end| end.peak_memory), run.usage().as_ref()));
    facts.push(("started", record.started.clone()));
    facts.push(("seed", record.seed.to_string()));
    if !record.plan.axes.is_empty() {
        facts.push(("settings", wording::axes(&record.plan.axes)));
    }
    facts.push(("dataset", record.dataset.clone()));
    facts.push(("weights", base(&record.base)));
    facts.push(("key", record.key.clone()));
    facts.push(("made by", format!("cliptune {}, binary {}", made.cliptune, made.binary)));
    let threads = format::counted(made.threads as u64, "thread");
    let shared = made.processes.map(|processes| format!(" in each of {processes} processes"));
    let shared = shared.unwrap_or_default();
    facts.push(("made on", format!("{}, {}, {threads}{shared}", made.host, made.device)));
    facts.extend(made.git_commit.clone().map(|commit| ("commit", commit)));
    facts
}

fn status(run: &Run, view: &RunView<'_>) -> String {
    match run.record().end.as_ref().map(|end| &end.outcome) {
        Some(Outcome::Failed { message }) => format!("{}: {message}", view.status()),
        _ => match view.kept() {
            Some(kept) => format!("{}, kept {kept}", view.status()),
            None => view.status_and_worker(),
        },
    }
}

fn base(base: &Base) -> String {
    match base {
        Base::Scratch => "random".to_owned(),
        Base::Folder { hash } => format!("a folder with the hash {hash}"),
        Base::Hub { id, commit, .. } => format!("{id}, commit {commit}"),
        Base::Run { run, .. } => format!("from {run}"),
    }
}

fn scores(view: &RunView<'_>) -> Vec<String> {
    let looks = |split| view.test_looks().filter(|_| split == Split::Test);
    view.scores().values().map(|scores| score_section(scores, looks(scores.split))).collect()
}

fn score_section(scores: &Scores, looks: Option<&str>) -> String {
    let mut table = Table::new([Column::left(""), Column::left(""), Column::left("")]);
    for (metric, estimate) in &scores.metrics.0 {
        table.row(["", metric, &format::estimate(estimate.value, estimate.low, estimate.high)]);
    }
    for control in &scores.controls {
        for (metric, estimate) in &control.metrics.0 {
            let name = format!("{metric} with {}", control.control.described());
            table.row(["", &name, &format::estimate(estimate.value, estimate.low, estimate.high)]);
        }
    }
    let looks = looks.map(|looks| {
        format!("  the test split of this dataset was scored {looks}; choose by the validation split\n")
    });
    let rows: String = table.to_string().lines().skip(1).map(|line| format!("{line}\n")).collect();
    let parity = scores.parity.as_ref().map(|parity| {
        format!(
            "  parity with libtorch: {}, largest difference of a logit {:.1e}\n",
            format::counted(parity.n_items as u64, "item"),
            parity.max_logit_difference
        )
    });
    format!(
        "{}: {}, {}, {}\n{rows}{}{}",
        scores.split,
        format::counted(scores.n_items as u64, "item"),
        format::counted(scores.n_groups as u64, "group"),
        scores.remarks(),
        looks.unwrap_or_default(),
        parity.unwrap_or_default(),
    )
}

fn precisions(precisions: &Precisions) -> String {
    let summaries = precisions.reduced.iter().map(|reduced| {
        let summary = precisions.summary(reduced);
        (reduced.precision.as_str(), summary)
    });
    section("precisions", &summaries.collect::<Vec<_>>())
}

/// Lists all files of a run with their sizes, sorted by path.
fn files(folder: &Path) -> Result<Vec<(String, String)>, CliError> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path: PathBuf = entry?.path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push((below(folder, &path), format::bytes(fs::metadata(&path)?.len()))),
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn below(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}
