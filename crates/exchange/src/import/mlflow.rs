//! A run in the folders of MLflow: `meta.yaml`, and a file for each of its `params`, `metrics` and `tags`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cliptune_store::{Told, ToldPoint, Tool};
use fs_err as fs;
use serde_json::Value;

use super::error::ImportError;
use super::files::Files;
use super::flat::value_of;
use super::gathered::{Gathered, point, text_of, time};

const META: &str = "meta.yaml";
/// The tag with the commit that a run was made from.
pub(super) const COMMIT: &str = "mlflow.source.git.commit";
/// The tag with the name of a run.
pub(super) const NAME: &str = "mlflow.runName";
/// The tag with who made a run.
pub(super) const USER: &str = "mlflow.user";
/// The state of a run that was not deleted.
pub(super) const ACTIVE: &str = "active";

/// Reads a run. `path` is its folder, or has folders of runs further down, one of which `run` names.
pub(super) fn read(path: &Path, run: Option<&str>) -> Result<Gathered, ImportError> {
    let folder = chosen(path, run)?;
    let mut files = Files::below(&folder);
    let meta = files.yaml(META)?.ok_or_else(|| files.unreadable(META, "it is not there"))?;
    let field = |key: &str| meta.get(key).and_then(text_of);
    // An identity of digits that is not quoted is a number, and the folder has its name.
    let of_folder = || folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let own = ["run_id", "run_uuid"].iter().find_map(|key| meta.get(key).filter(|id| !id.is_null()));
    let id = own.and_then(|id| if id.is_string() { text_of(id) } else { of_folder() });
    let id = id.ok_or_else(|| files.unreadable(META, "it names no run_id, as that of a run does"))?;
    if field("lifecycle_stage").is_some_and(|stage| stage != ACTIVE) {
        return Err(ImportError::Deleted { path: folder, run: id });
    }
    let params = texts(&mut files, "params")?;
    let tags = texts(&mut files, "tags")?;
    let metrics = metrics(&mut files)?;
    let moment = |key: &str| meta.get(key).and_then(Value::as_i64).and_then(time);
    let told = Told {
        name: field("run_name").or_else(|| tags.get(NAME).cloned()),
        user: field("user_id").or_else(|| tags.get(USER).cloned()),
        status: field("status").map(|status| status_word(&status)),
        started: moment("start_time"),
        ended: moment("end_time"),
        commit: field("source_version").or_else(|| tags.get(COMMIT).cloned()),
        settings: params.into_iter().map(|(key, text)| (key, value_of(&text))).collect(),
        metrics,
        tags,
        id: Some(id),
    };
    let (files, left_out) = (files.into_hashes(), Vec::new());
    Gathered { tool: Tool::Mlflow, tool_version: None, files, told, left_out }.bounded(path)
}

/// Returns MLflow's word for the number of a status; older versions wrote the word itself.
fn status_word(status: &str) -> String {
    let word = match status {
        "1" => "RUNNING",
        "2" => "SCHEDULED",
        "3" => "FINISHED",
        "4" => "FAILED",
        "5" => "KILLED",
        other => other,
    };
    word.to_owned()
}

/// Returns the folder of the run that is meant.
fn chosen(path: &Path, run: Option<&str>) -> Result<PathBuf, ImportError> {
    let mut runs = runs_in(path)?;
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let known: Vec<String> = runs.iter().map(name).collect();
    let Some(run) = run else {
        return match runs.len() {
            1 => Ok(runs.swap_remove(0)),
            0 => Err(ImportError::Unknown { path: path.to_path_buf() }),
            _ => Err(ImportError::SeveralRuns { path: path.to_path_buf(), runs: known }),
        };
    };
    let found = known.iter().position(|one| one == run);
    let no_run =
        || ImportError::NoRun { path: path.to_path_buf(), run: run.to_owned(), known: known.clone() };
    found.map(|at| runs.swap_remove(at)).ok_or_else(no_run)
}

/// Returns the folders of runs at a path: itself, or those of its experiments, or of all experiments.
fn runs_in(path: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let is_run = |path: &Path| ["params", "metrics", "tags"].iter().any(|part| path.join(part).is_dir());
    let has_meta = |path: &Path| path.join(META).is_file();
    if has_meta(path) && is_run(path) {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut found = Vec::new();
    let mut open = vec![(path.to_path_buf(), 0)];
    while let Some((folder, depth)) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let below = entry.path();
            match () {
                () if !entry.file_type()?.is_dir() => {}
                () if has_meta(&below) && is_run(&below) => found.push(below),
                () if has_meta(&below) && depth == 0 => open.push((below, 1)),
                () => {}
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Reads a folder whose files each hold the text of a key.
fn texts(files: &mut Files, folder: &str) -> Result<BTreeMap<String, String>, ImportError> {
    let mut found = BTreeMap::new();
    for key in files.list(folder)? {
        let text = files.text(&format!("{folder}/{key}"))?.unwrap_or_default();
        found.insert(key, text);
    }
    Ok(found)
}

/// Reads the metrics, each a file with lines of a time in milliseconds, a value and a step.
fn metrics(files: &mut Files) -> Result<BTreeMap<String, Vec<ToldPoint>>, ImportError> {
    let mut found = BTreeMap::new();
    for key in files.list("metrics")? {
        let relative = format!("metrics/{key}");
        let text = files.text(&relative)?.unwrap_or_default();
        let mut points = Vec::new();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let problem = || {
                let expected = "a time in milliseconds, a value and a step";
                files.unreadable(&relative, format!("line {} is not {expected}: a line may be torn", at + 1))
            };
            points.push(point_of(line).ok_or_else(problem)?);
        }
        found.insert(key, points);
    }
    Ok(found)
}

/// Reads a line of a metric. The oldest versions wrote no step, and the newest ones write what a metric is of behind it.
fn point_of(line: &str) -> Option<ToldPoint> {
    let mut parts = line.split_whitespace();
    let (milliseconds, value) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let step = parts.next().map(str::parse).transpose().ok()?;
    Some(point(step, Some(milliseconds), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    const RUN: [(&str, &str); 6] = [
        (
            "meta.yaml",
            "artifact_uri: file:///x\nend_time: 1700000060000\nentry_point_name: ''\nexperiment_id: '0'\n\
             lifecycle_stage: active\nrun_id: 0a1b2c3d\nrun_name: clean-cat\nrun_uuid: 0a1b2c3d\nsource_version: ''\n\
             start_time: 1700000000000\nstatus: 3\ntags: []\nuser_id: ada\n",
        ),
        ("params/train/lr", "1e-5"),
        ("params/tune", "full"),
        ("metrics/val_accuracy", "1700000000500 0.5 0\n1700000001000 0.625 1\n"),
        ("metrics/loss", "1700000001000 NaN 1\n"),
        ("tags/mlflow.source.git.commit", "abc"),
    ];

    #[test]
    fn a_run_is_read_with_its_settings_metrics_and_tags() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &RUN);
        let found = read(folder.path(), None).unwrap();
        let told = &found.told;
        assert_eq!(
            (told.id.as_deref(), told.name.as_deref(), told.user.as_deref(), told.status.as_deref()),
            (Some("0a1b2c3d"), Some("clean-cat"), Some("ada"), Some("FINISHED"))
        );
        assert_eq!(told.started.as_deref(), Some("2023-11-14T22:13:20.000Z"));
        assert_eq!((told.commit.as_deref(), told.settings.len()), (Some("abc"), 2));
        assert_eq!(told.settings["train/lr"], serde_json::json!(1e-5));
        assert_eq!(told.metrics["val_accuracy"][1], point(Some(1), Some(1_700_000_001_000), 0.625));
        assert!(told.metrics["loss"][0].value.is_nan());
        assert_eq!(found.files.len(), RUN.len());
    }

    #[test]
    fn files_that_are_small_one_by_one_may_be_too_much_together() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &RUN);
        for number in 0..9 {
            let file = fs::File::create(folder.path().join(format!("tags/note{number}"))).unwrap();
            file.set_len(15 << 20).unwrap();
        }
        let said = read(folder.path(), None).unwrap_err().to_string();
        assert!(said.ends_with("has more than 128 MiB of files"), "{said}");
    }

    #[test]
    fn of_several_runs_one_has_to_be_named() {
        let folder = tempfile::tempdir().unwrap();
        for run in ["one", "two"] {
            write(&folder.path().join("0").join(run), &RUN);
        }
        write(folder.path(), &[("0/meta.yaml", "experiment_id: '0'\n")]);
        assert!(
            matches!(read(folder.path(), None), Err(ImportError::SeveralRuns { runs, .. }) if runs == ["one", "two"])
        );
        assert!(read(folder.path(), Some("two")).is_ok());
        assert!(matches!(read(folder.path(), Some("three")), Err(ImportError::NoRun { .. })));
    }

    #[test]
    fn what_is_damaged_deleted_or_a_link_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let said = |name: &str, text: &str| {
            write(folder.path(), &RUN);
            write(folder.path(), &[(name, text)]);
            read(folder.path(), None).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(said("metrics/loss", "1700000001000\n").contains("line 1 is not a time"));
        assert!(said("meta.yaml", "").contains("names no run_id"));
        assert!(said("meta.yaml", "run_id: a\nlifecycle_stage: deleted\n").contains("was deleted there"));
        write(folder.path(), &RUN);
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join("params/host")).unwrap();
        assert!(read(folder.path(), None).unwrap_err().to_string().contains("it is no regular file"));
    }
}
