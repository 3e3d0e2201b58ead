//! A project of DVC, or the folder of DVCLive: the metrics, parameters and plots that `dvc.yaml` names, or those that have the usual
//! names where it names none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cliptune_store::{Told, ToldPoint, Tool};
use serde_json::Value;

use super::error::ImportError;
use super::files::Files;
use super::flat::flatten;
use super::gathered::{Gathered, point};

/// The versions of `dvc.lock` that are known.
const LOCKS: [&str; 2] = ["1.0", "2.0"];
/// The names that files have where nobody gives them another: those of DVC and those of DVCLive.
const METRICS: [&str; 2] = ["metrics.json", "dvclive/metrics.json"];
const PARAMS: [&str; 2] = ["params.yaml", "dvclive/params.yaml"];
const PLOTS: [&str; 2] = ["plots", "dvclive/plots"];
/// The column of a plot that counts the steps.
const STEP: &str = "step";

/// The words for what is no finite number.
const NOT_FINITE: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// The files that a project names.
#[derive(Default)]
struct Named {
    metrics: BTreeSet<String>,
    params: BTreeSet<String>,
    plots: BTreeSet<String>,
    /// Those of all three kinds that `dvc.yaml` lists, and that do not only have a usual name.
    listed: BTreeSet<String>,
}

/// Reads the present state of a project.
pub(super) fn read(path: &Path) -> Result<Gathered, ImportError> {
    let mut files = Files::below(path);
    expect_known(&mut files)?;
    let named = named(&mut files)?;
    let mut told = Told::default();
    for file in &named.params {
        flatten(&mapped(&mut files, file)?, &mut told.settings);
    }
    let mut last = BTreeMap::new();
    for file in &named.metrics {
        flatten(&mapped(&mut files, file)?, &mut last);
    }
    for plot in &named.plots {
        plotted(&mut files, plot, &mut told.metrics)?;
    }
    for (name, value) in last {
        if let Some(value) = number(&value) {
            // What the metrics say counts, whether or not a plot ends with it.
            let points = told.metrics.entry(name).or_default();
            let step = points.iter().filter_map(|point| point.step).max();
            points.push(point(step, None, value));
        }
    }
    let left_out = left_out(&files, &named.listed)?;
    if told.metrics.is_empty() && told.settings.is_empty() {
        return Err(match left_out.is_empty() {
            true => ImportError::Unknown { path: path.to_path_buf() },
            false => ImportError::NothingThere { path: path.join("dvc.yaml"), left_out },
        });
    }
    let files = files.into_hashes();
    Gathered { tool: Tool::Dvc, tool_version: None, files, told, left_out }.bounded(path)
}

/// Returns a number of a file of metrics. JSON has no word for what is no number, and Python writes one all the same.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) if NOT_FINITE.contains(&text.as_str()) => text.parse().ok(),
        other => other.as_f64(),
    }
}

/// Refuses a project that another version of DVC has locked. Only the line of the version is looked at: there may be any number of
/// files in a lock.
fn expect_known(files: &mut Files) -> Result<(), ImportError> {
    let lock = files.text("dvc.lock")?.unwrap_or_default();
    let schema = lock.lines().find_map(|line| line.strip_prefix("schema:"));
    match schema.map(|schema| schema.trim().trim_matches(['\'', '"'])) {
        Some(schema) if !LOCKS.contains(&schema) => Err(ImportError::OtherVersion {
            path: files.root().join("dvc.lock"),
            tool: Tool::Dvc,
            found: format!("its schema is {schema}, and {} are known", LOCKS.join(" and ")),
        }),
        _ => Ok(()),
    }
}

/// Returns the files that `dvc.yaml` names at its top or in its stages; those with the usual names of each kind that it names none of.
fn named(files: &mut Files) -> Result<Named, ImportError> {
    let project = files.yaml("dvc.yaml")?.unwrap_or_default();
    let stages = project.get("stages").and_then(Value::as_object).into_iter().flatten();
    let sections: Vec<&Value> = std::iter::once(&project).chain(stages.map(|(_, stage)| stage)).collect();
    let mut found = Named {
        metrics: listed(&sections, "metrics").collect(),
        // A stage lists keys of params.yaml, and other files with keys of theirs.
        params: listed(&sections, "params").filter(|path| is_params(path)).collect(),
        plots: listed_by(&sections, "plots", plots).collect(),
        listed: BTreeSet::new(),
    };
    // The name of a plot need not be that of a file, unless it is one of a table.
    let tables = found.plots.iter().filter(|path| is_table(path));
    found.listed = found.metrics.iter().chain(&found.params).chain(tables).cloned().collect();
    found.metrics.retain(|path| has_values(path));
    found.params.retain(|path| has_values(path));
    if found.metrics.is_empty() {
        found.metrics = usual(&METRICS);
    }
    let with_keys: Vec<&&Value> =
        sections.iter().skip(1).filter(|stage| stage.get("params").is_some()).collect();
    if found.params.is_empty() || !with_keys.is_empty() {
        found.params.extend(usual(&PARAMS));
    }
    found.params.extend(with_keys.into_iter().map(|stage| in_its_folder(stage, PARAMS[0])));
    if found.plots.is_empty() {
        found.plots = usual(&PLOTS);
    }
    Ok(found)
}

/// Returns the files of a kind that some sections name.
fn listed<'v>(sections: &'v [&'v Value], kind: &'static str) -> impl Iterator<Item = String> + 'v {
    listed_by(sections, kind, paths)
}

/// Returns the files that `paths` finds in what some sections say under a key.
fn listed_by<'v>(
    sections: &'v [&'v Value],
    kind: &'static str,
    paths: fn(&Value) -> Vec<String>,
) -> impl Iterator<Item = String> + 'v {
    sections.iter().flat_map(move |section| {
        let own = section.get(kind).map(paths).unwrap_or_default();
        own.into_iter().map(|path| in_its_folder(section, &path)).collect::<Vec<_>>()
    })
}

/// Returns the path of a file of a stage, which is below the folder that the stage works in, if it names one.
fn in_its_folder(stage: &Value, path: &str) -> String {
    match stage.get("wdir").and_then(Value::as_str).map(|folder| folder.trim_end_matches('/')) {
        None | Some("." | "") => path.to_owned(),
        Some(folder) => format!("{folder}/{path}"),
    }
}

fn usual(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Returns the names in a list of files, each of which is a text or a map with settings of its own; or in a map.
fn paths(list: &Value) -> Vec<String> {
    let keys = |value: &Value| value.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect();
    match list {
        Value::String(path) => vec![path.clone()],
        Value::Array(list) => list.iter().flat_map(paths).collect(),
        other => keys(other),
    }
}

/// Returns the names in a list of plots, and those of the tables that their axes are from: `acc: { y: { plots/acc.tsv: acc } }`.
fn plots(list: &Value) -> Vec<String> {
    fn tables(value: &Value) -> Vec<String> {
        let below = value.as_object().into_iter().flatten();
        below
            .flat_map(|(key, value)| {
                let own = is_table(key).then(|| key.clone());
                own.into_iter().chain(tables(value)).collect::<Vec<_>>()
            })
            .collect()
    }
    let entries = if let Value::Array(list) = list { list.as_slice() } else { std::slice::from_ref(list) };
    entries
        .iter()
        .flat_map(|entry| paths(entry).into_iter().chain(tables(entry)).collect::<Vec<_>>())
        .collect()
}

fn is_table(path: &str) -> bool {
    path.ends_with(".tsv")
}

fn has_values(path: &str) -> bool {
    [".json", ".yaml", ".yml"].iter().any(|extension| path.ends_with(extension))
}

/// Checks whether something in a list of parameters is a file: one of those that DVC reads them from.
fn is_params(path: &str) -> bool {
    has_values(path) || [".toml", ".py"].iter().any(|extension| path.ends_with(extension))
}

/// Says of each of some listed files why nothing was read of it, if that is so.
fn left_out(files: &Files, listed: &BTreeSet<String>) -> Result<Vec<String>, ImportError> {
    let mut left_out = Vec::new();
    for path in listed {
        // What is not read may lie anywhere, and is not looked for.
        if !has_values(path) && !is_table(path) {
            left_out.push(format!("{path} is neither JSON nor YAML"));
        } else if !files.is_there(path)? {
            left_out.push(format!("{path} is not there"));
        }
    }
    Ok(left_out)
}

/// Reads a file of values; nothing where it is not there.
fn mapped(files: &mut Files, file: &str) -> Result<Value, ImportError> {
    let read = if file.ends_with(".json") { files.json(file)? } else { files.yaml(file)? };
    Ok(read.unwrap_or_default())
}

/// Reads the values of metrics by step from a plot, or from all plots in a folder: tables with tabulators, which have a column of steps.
fn plotted(
    files: &mut Files,
    plot: &str,
    metrics: &mut BTreeMap<String, Vec<ToldPoint>>,
) -> Result<(), ImportError> {
    if is_table(plot) {
        let name = plot.rsplit('/').next().unwrap_or(plot);
        return tabulated(files, plot, name.trim_end_matches(".tsv"), metrics);
    }
    // Pictures, and plots of other forms, hold no steps.
    if plot.contains('.') {
        return Ok(());
    }
    for below in files.list(plot)?.into_iter().filter(|below| is_table(below)) {
        let name = below.trim_end_matches(".tsv");
        // DVCLive keeps metrics in a folder of that name among other plots.
        let name = name.strip_prefix("metrics/").unwrap_or(name);
        tabulated(files, &format!("{plot}/{below}"), name, metrics)?;
    }
    Ok(())
}

/// Reads a table: each of its columns but the steps and the times is a metric, whose name is that of the file and of the column, once
/// where both are the same.
fn tabulated(
    files: &mut Files,
    file: &str,
    name: &str,
    metrics: &mut BTreeMap<String, Vec<ToldPoint>>,
) -> Result<(), ImportError> {
    let Some(text) = files.text(file)? else { return Ok(()) };
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').map(str::trim).collect();
    let Some(steps) = header.iter().position(|column| *column == STEP) else { return Ok(()) };
    let is_value = |at: usize| at != steps && header[at] != "timestamp";
    let values: Vec<usize> = (0..header.len()).filter(|&at| is_value(at)).collect();
    for (at, line) in lines.enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let problem = || files.unreadable(file, format!("line {} does not fit its first line", at + 2));
        let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
        if cells.len() != header.len() {
            return Err(problem());
        }
        let step = cells[steps].parse().map_err(|_| problem())?;
        for &value in &values {
            // A cell without a number, such as an answer in a confusion matrix, is none of a metric.
            let Ok(number) = cells[value].parse() else { continue };
            let is_named = name.rsplit('/').next() == Some(header[value]);
            let own = if is_named { name.to_owned() } else { format!("{name}/{}", header[value]) };
            metrics.entry(own).or_default().push(point(Some(step), None, number));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use fs_err as fs;

    use super::*;

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn what_a_project_names_is_read() {
        let folder = project(&[
            (
                "dvc.yaml",
                "stages:\n  train:\n    cmd: python train.py\n    params:\n    - lr\n    - other.yaml: [depth]\n    \
                 metrics:\n    - out/scores.json: {cache: false}\n    plots:\n    - out/acc.tsv: {x: step}\n    - a.png\n\
                 plots:\n- loss:\n    x: {out/train.tsv: step}\n    y: {out/train.tsv: loss}\n",
            ),
            ("dvc.lock", "schema: '2.0'\nstages: {}\n"),
            ("params.yaml", "lr: 1e-5\ntrain: {tune: full}\n"),
            ("other.yaml", "depth: 3\n"),
            ("metrics.json", "{\"not\": 1}"),
            ("out/scores.json", "{\"test\": {\"accuracy\": 0.75}, \"note\": \"text\"}"),
            ("out/acc.tsv", "step\tacc\n0\t0.5\n1\t0.625\n"),
            ("out/train.tsv", "step\tloss\n0\t0.5\n1\t\n"),
        ]);
        let told = read(folder.path()).unwrap().told;
        let keys: Vec<&str> = told.settings.keys().map(String::as_str).collect();
        assert_eq!(keys, ["depth", "lr", "train.tune"]);
        let last: Vec<(&str, f64)> = told.last_metrics().collect();
        assert_eq!(last, [("acc", 0.625), ("test.accuracy", 0.75), ("train/loss", 0.5)]);
        assert_eq!(told.metrics["acc"].len(), 2);
    }

    #[test]
    fn what_is_listed_and_not_read_is_told() {
        let listing = "stages:\n  train:\n    cmd: x\n    params:\n    - lr\n    - more.toml: [depth]\n    - ../train.py: [width]\n    \
                       metrics: [scores.json]\n    plots: [acc.tsv, a.png]\nplots:\n- train/loss: {x: step, y: {loss.tsv: loss}}\n";
        let folder =
            project(&[("dvc.yaml", listing), ("params.yaml", "lr: 1\n"), ("more.toml", "depth = 3\n")]);
        let found = read(folder.path()).unwrap();
        let expected = [
            "../train.py is neither JSON nor YAML",
            "acc.tsv is not there",
            "loss.tsv is not there",
            "more.toml is neither JSON nor YAML",
            "scores.json is not there",
        ];
        assert_eq!(found.left_out, expected);
        let nothing = project(&[("dvc.yaml", listing)]);
        let said = read(nothing.path()).unwrap_err();
        assert!(said.to_string().contains("scores.json is not there"), "{said}");
    }

    #[test]
    fn the_folder_of_dvclive_is_read_by_its_usual_names() {
        let folder = project(&[
            ("metrics.json", "{\"train\": {\"loss\": 0.1}, \"step\": 1, \"lost\": NaN}"),
            ("params.yaml", "lr: 1\n"),
            ("plots/metrics/train/loss.tsv", "step\tloss\n0\t0.2\n1\t0.1\n"),
        ]);
        let found = read(folder.path()).unwrap();
        assert_eq!(found.told.metrics["train/loss"].len(), 2);
        assert_eq!(found.told.metrics["train.loss"].len(), 1);
        assert!(found.told.metrics["lost"][0].value.is_nan(), "as Python writes it");
        assert_eq!(found.files.len(), 3);
    }

    #[test]
    fn a_stage_may_work_in_a_folder_of_its_own() {
        let folder = project(&[
            (
                "dvc.yaml",
                "stages:\n  train:\n    wdir: ./model\n    cmd: python train.py\n    params: [lr]\n    metrics: [scores.json]\n",
            ),
            ("model/params.yaml", "lr: 1\n"),
            ("model/scores.json", "{\"accuracy\": 0.5}"),
        ]);
        let told = read(folder.path()).unwrap().told;
        assert_eq!(told.last_metrics().collect::<Vec<_>>(), [("accuracy", 0.5)]);
        assert_eq!(told.settings.len(), 1);
    }

    #[test]
    fn what_the_metrics_say_is_the_last_value_of_a_plot_in_any_order() {
        let folder = project(&[
            ("metrics.json", "{\"loss\": 0.25}"),
            ("plots/loss.tsv", "step\tloss\n3\t0.5\n1\t0.75\n"),
        ]);
        let told = read(folder.path()).unwrap().told;
        assert_eq!(told.last_metrics().collect::<Vec<_>>(), [("loss", 0.25)]);
        assert_eq!(told.metrics["loss"].len(), 3);
    }

    #[test]
    fn another_version_a_torn_table_and_paths_outside_are_named() {
        let said = |files: &[(&str, &str)]| read(project(files).path()).unwrap_err().to_string();
        assert!(said(&[("dvc.lock", "schema: '9.0'\n")]).contains("its schema is 9.0"));
        let torn = said(&[("metrics.json", "{}"), ("plots/a.tsv", "step\ta\n0\t1\n1")]);
        assert!(torn.contains("line 3 does not fit"), "{torn}");
        let outside = said(&[("dvc.yaml", "metrics: [../secret.json]\n")]);
        assert!(outside.contains("does not lie in the folder"), "{outside}");
        assert!(said(&[("params.yaml", "a: &a [1]\nb: *a\n")]).contains("params.yaml"));
        assert!(said(&[("metrics.json", "{\"a\": ")]).contains("metrics.json"));
    }
}
