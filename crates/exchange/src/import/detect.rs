//! What lies at a path, by its content; of comma-separated text by its name.

use std::io::Read;
use std::path::{Path, PathBuf};

use cliptune_durable::open_regular;
use cliptune_store::Tool;
use fs_err as fs;

use super::error::ImportError;

/// The first bytes of a database of SQLite.
const SQLITE: &[u8; 16] = b"SQLite format 3\0";
/// The database that MLflow makes where it is told nothing else.
const DATABASE: &str = "mlflow.db";
/// What the names of tables of comma-separated text end with.
const TABLES: [&str; 2] = ["csv", "tsv"];
/// The files that make a folder a project of DVC, or the folder of DVCLive.
const OF_DVC: [&str; 5] = ["dvc.yaml", "metrics.json", "params.yaml", "dvclive", ".dvc"];

/// What lies at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A table of predictions.
    Predictions(PathBuf),
    /// A folder of MLflow: that of a run, or one that has runs further down.
    MlflowFolder(PathBuf),
    /// A database of MLflow.
    MlflowDatabase(PathBuf),
    /// A project of DVC.
    Dvc(PathBuf),
}

impl Form {
    /// Looks at a path. `from` is what somebody says that it is.
    pub(super) fn of(path: &Path, from: Option<Tool>) -> Result<Self, ImportError> {
        let about = match fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ImportError::Nothing { path: path.to_path_buf() });
            }
            about => about?,
        };
        if about.is_file() && about.len() == 0 {
            return Err(ImportError::Empty { path: path.to_path_buf() });
        }
        let forms = if about.is_dir() { of_folder(path) } else { of_file(path, from)? };
        let mut forms: Vec<Self> =
            forms.into_iter().filter(|form| from.is_none_or(|from| form.tool() == from)).collect();
        match forms.len() {
            0 => Err(match from {
                Some(tool) => ImportError::NotOf { path: path.to_path_buf(), tool },
                None => ImportError::Unknown { path: path.to_path_buf() },
            }),
            1 => Ok(forms.swap_remove(0)),
            _ => Err(ImportError::Ambiguous { path: path.to_path_buf() }),
        }
    }

    /// Returns the tool that it is of.
    pub(super) fn tool(&self) -> Tool {
        match self {
            Self::Predictions(_) => Tool::Predictions,
            Self::MlflowFolder(_) | Self::MlflowDatabase(_) => Tool::Mlflow,
            Self::Dvc(_) => Tool::Dvc,
        }
    }
}

fn of_folder(path: &Path) -> Vec<Form> {
    let database = path.join(DATABASE);
    let mlflow = match () {
        () if is_sqlite(&database) => Some(Form::MlflowDatabase(database)),
        () if has_runs(path) => Some(Form::MlflowFolder(path.to_path_buf())),
        () => None,
    };
    let is_dvc = OF_DVC.iter().any(|name| path.join(name).exists());
    mlflow.into_iter().chain(is_dvc.then(|| Form::Dvc(path.to_path_buf()))).collect()
}

/// Checks whether a folder is one of MLflow's: that of a run or an experiment, which has `meta.yaml`, or that of all experiments.
fn has_runs(path: &Path) -> bool {
    let is_one = |path: &Path| path.join("meta.yaml").is_file();
    let below = || fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
    is_one(path) || below().any(|entry| is_one(&entry.path()))
}

fn of_file(path: &Path, from: Option<Tool>) -> Result<Vec<Form>, ImportError> {
    let folder = || path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // Nothing in a text tells that it is comma-separated.
    let is_table =
        path.extension().is_some_and(|own| TABLES.iter().any(|known| own.eq_ignore_ascii_case(known)));
    let mut beginning = Vec::new();
    open_regular(path)?.take(64).read_to_end(&mut beginning)?;
    let is_line = beginning.trim_ascii_start().starts_with(b"{")
        || beginning
            .strip_prefix(b"\xEF\xBB\xBF")
            .is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"));
    let form = match name {
        _ if beginning.starts_with(SQLITE) => Form::MlflowDatabase(path.to_path_buf()),
        "meta.yaml" => Form::MlflowFolder(folder().to_path_buf()),
        "dvc.yaml" => Form::Dvc(folder().to_path_buf()),
        _ if from == Some(Tool::Predictions) || is_table || is_line || beginning.starts_with(b"PAR1") => {
            Form::Predictions(path.to_path_buf())
        }
        _ => return Ok(Vec::new()),
    };
    Ok(vec![form])
}

fn is_sqlite(path: &Path) -> bool {
    let mut beginning = [0; SQLITE.len()];
    let is_read = open_regular(path).is_ok_and(|mut file| file.read_exact(&mut beginning).is_ok());
    is_read && beginning == *SQLITE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_is_is_told_by_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["run", "project", "both", "nothing"] {
            fs::create_dir(at(name)).unwrap();
        }
        fs::write(at("lines.txt"), "\u{feff}{\"id\": 1}\n").unwrap();
        fs::write(at("table.bin"), "PAR1 and more").unwrap();
        fs::write(at("some.csv"), "id,label\n").unwrap();
        fs::write(at("some.db"), "SQLite format 3\0 and more").unwrap();
        fs::write(at("run/meta.yaml"), "run_id: a\n").unwrap();
        fs::write(at("project/dvc.yaml"), "stages: {}\n").unwrap();
        for name in ["meta.yaml", "dvc.yaml"] {
            fs::write(at("both").join(name), "").unwrap();
        }
        let of = |name: &str, from| Form::of(&at(name), from);
        assert_eq!(of("lines.txt", None).unwrap(), Form::Predictions(at("lines.txt")));
        assert_eq!(of("table.bin", None).unwrap(), Form::Predictions(at("table.bin")));
        assert_eq!(of("some.csv", None).unwrap(), Form::Predictions(at("some.csv")));
        assert_eq!(of("some.db", None).unwrap(), Form::MlflowDatabase(at("some.db")));
        assert_eq!(of("run", None).unwrap(), Form::MlflowFolder(at("run")));
        assert_eq!(of("run/meta.yaml", None).unwrap(), Form::MlflowFolder(at("run")));
        assert_eq!(of("project", None).unwrap(), Form::Dvc(at("project")));
        assert!(matches!(of("both", None), Err(ImportError::Ambiguous { .. })));
        assert_eq!(of("both", Some(Tool::Dvc)).unwrap(), Form::Dvc(at("both")));
        fs::write(at("some.txt"), "id,label\n").unwrap();
        for name in ["nothing", "some.txt"] {
            assert!(matches!(of(name, None), Err(ImportError::Unknown { .. })), "{name}");
        }
        assert!(matches!(of("run", Some(Tool::Dvc)), Err(ImportError::NotOf { tool: Tool::Dvc, .. })));
        fs::write(at("nothing.jsonl"), "").unwrap();
        assert!(matches!(of("nothing.jsonl", Some(Tool::Predictions)), Err(ImportError::Empty { .. })));
        assert!(matches!(of("missing", None), Err(ImportError::Nothing { .. })));
    }
}
