//! `dvc.yaml`: a stage for each tool, and the plots.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cliptune_experiment::{ModelSource, Plan, relative};
use cliptune_store::{Store, split_glob};
use cliptune_terminal::shell_word;
use fs_err as fs;
use serde_json::{Map, Value, json};

use super::plots::Plot;
use super::{METRICS, PARAMS};

/// Where a stage exports the new run before it puts its metrics and plots in place.
const EXPORTED: &str = "exported";

/// Returns the pipeline that makes a run of this plan again in the folder `place`. `experiments` are the files of those that it starts
/// from.
///
/// What a tool leaves in the store is no output of its stage, because DVC would remove it before the next time. In its place stands what
/// the tool says in JSON, which is the same as long as nothing was made anew.
pub(super) fn of(plan: &Plan, store: &Store, place: &Path, experiments: &[String], plots: &[Plot]) -> Value {
    let seen = |path: &Path| seen(path, store, place);
    let sources = sources(plan).iter().map(|path| seen(path)).collect::<Vec<_>>();
    let root = fs::canonicalize(store.root()).unwrap_or_else(|_| store.root().to_path_buf());
    let root = seen(&root);
    let store = shell_word(&root);
    let command = |tool: &str| templated(&format!("cliptune {tool} {PARAMS} --store {store}"));
    let mut tables: Vec<&str> = plots.iter().map(|plot| plot.file.as_str()).collect();
    tables.dedup();
    json!({
        "stages": {
            "ingest": {
                "cmd": format!("{} --json > dataset.json", command("ingest")),
                "deps": sources.iter().map(|path| templated(path)).collect::<Vec<_>>(),
                "params": ["data"],
                "outs": [uncached("dataset.json")],
            },
            "train": {
                "cmd": format!("{} --json > run.json", command("train")),
                "deps": dependencies(plan, experiments, &seen),
                "params": params_of_training(plan),
                "outs": [uncached("run.json")],
            },
            "score": {
                "cmd": [
                    command("score"),
                    format!("rm -rf {EXPORTED}"),
                    format!("{} --as dvc --to {EXPORTED}", command("export")),
                    format!("mv {EXPORTED}/{METRICS} {METRICS}"),
                    format!("if [ -d {EXPORTED}/plots ]; then mkdir -p plots && mv {EXPORTED}/plots/* plots/; fi"),
                    format!("rm -rf {EXPORTED}"),
                ],
                "deps": ["dataset.json", "run.json"],
                "params": ["score"],
                "outs": tables.iter().map(|file| uncached(file)).collect::<Vec<_>>(),
                "metrics": [uncached(METRICS)],
            },
        },
        "plots": plots.iter().map(plot).collect::<Vec<_>>(),
    })
}

/// Returns a file that git keeps and DVC does not copy.
fn uncached(file: &str) -> Value {
    Value::Object(Map::from_iter([(file.to_owned(), json!({ "cache": false }))]))
}

fn plot(plot: &Plot) -> Value {
    let y = Map::from_iter([(plot.file.clone(), json!(plot.column))]);
    Value::Object(Map::from_iter([(plot.name.to_owned(), json!({ "x": "step", "y": y }))]))
}

/// Returns what the training needs: the dataset, the experiments that it starts from, and the model if that is a folder.
fn dependencies(plan: &Plan, experiments: &[String], seen: &impl Fn(&Path) -> String) -> Vec<String> {
    let model = match &plan.model.from {
        ModelSource::Folder(folder) => Some(templated(&seen(folder))),
        _ => None,
    };
    let dataset = std::iter::once("dataset.json".to_owned());
    dataset.chain(experiments.iter().cloned()).chain(model).collect()
}

/// Returns the sections of the plan that decide the training and the export. One without a training has none for it.
fn params_of_training(plan: &Plan) -> Vec<&'static str> {
    let train = plan.train.is_some().then_some("train");
    ["model"].into_iter().chain(train).chain(["export", "seeds"]).collect()
}

/// Returns the files and folders that the dataset is made of, as far as they are on this machine, each once. DVC
/// knows no wildcards: the folder above stands for them.
fn sources(plan: &Plan) -> BTreeSet<PathBuf> {
    let mut data = plan.data.clone();
    data.local_paths_mut().map(|path| split_glob(path).0).collect()
}

/// Returns a path as it is seen from the folder: relative where both are in the same project.
fn seen(path: &Path, store: &Store, place: &Path) -> String {
    let project = store.surroundings();
    let is_inside = path.starts_with(&project) && place.starts_with(&project);
    let path = if is_inside { relative(path, place) } else { path.to_path_buf() };
    path.display().to_string()
}

/// Returns a text in which DVC replaces nothing.
fn templated(text: &str) -> String {
    text.replace("${", r"\${")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_it_was_to_dvc() {
        assert_eq!(templated("${HOME}"), r"\${HOME}");
    }
}
