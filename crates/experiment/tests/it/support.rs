//! Files in a folder of their own, and their outcome without the folder's name.

use std::path::{Path, PathBuf};

use cliptune_experiment::{Experiment, load};
use tempfile::TempDir;

/// The part of an experiment that most tests do not care about.
pub(crate) const REST: &str = "
data: { images: images, metadata: t.parquet, join: { metadata: file }, columns: { choices: c, label: l } }
model: { from: . }
";

/// A section `train` that is complete.
pub(crate) const TRAIN: &str = "
train: { objective: choice, epochs: 3, batch_size: 8, optimizer: { lr: 1e-3 } }
";

/// A folder of experiment files.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// Writes the files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Loads a file of the folder, or all with `"."`; the error is what a user sees.
    pub(crate) fn load(&self, name: &str, settings: &[&str]) -> Result<Vec<Experiment>, String> {
        let path = if name == "." { self.path().to_owned() } else { self.path().join(name) };
        load_at(path, self.path(), settings)
    }
}

/// Loads a path; the folder's own path is left out of errors.
pub(crate) fn load_at(path: PathBuf, folder: &Path, settings: &[&str]) -> Result<Vec<Experiment>, String> {
    let settings: Vec<String> = settings.iter().map(|text| (*text).to_owned()).collect();
    load(&[path], &settings).map_err(|error| {
        let absolute = fs_err::canonicalize(folder).unwrap();
        let text = error.rendered().replace(&format!("{}/", folder.display()), "");
        let text = text.replace(env!("CARGO_MANIFEST_DIR"), "/CRATE");
        text.replace(&absolute.display().to_string(), "FOLDER")
            .replace(&folder.display().to_string(), "FOLDER")
    })
}

/// The names in order.
pub(crate) fn names(experiments: &[Experiment]) -> Vec<&str> {
    experiments.iter().map(|experiment| experiment.name.as_str()).collect()
}

/// Texts that YAML has other ideas about, and texts that people write.
pub(crate) const TEXTS: &[&str] = &[
    "no",
    "on",
    "y",
    "~",
    "null",
    "True",
    "1",
    "1e3",
    "0x1F",
    "0o17",
    ".5",
    "+1",
    "-.inf",
    ".nan",
    "12:30",
    "1_000",
    "2001-01-01",
    "=",
    "<<",
    "---",
    "...",
    "- a",
    "a: b",
    "a #b",
    "# a",
    " a ",
    "\ta",
    "a\t",
    "*a",
    "&a",
    "!a",
    "%a",
    "@a",
    "`a`",
    "|",
    ">-",
    "?",
    "'a",
    "\"a\"",
    "[a]",
    "{a",
    "a,b",
    "猫 é",
    "\u{1f408}",
    "e\u{301}",
    "\u{202e}a",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{feff}a",
    "a\u{85}b",
    "a\u{2028}b",
    "a\u{a0}",
    "a\nb",
    "a\nb\n\n c",
    "a\tb",
    "a:",
    ":a",
    ">",
    "a\n\n b\n",
    "a\r\nb",
    "\n",
    "\\n",
    "a''b",
    "caption_choices",
    "list_sort(\"a b\")[1] || ', ' || x::VARCHAR",
    "regexp_extract(name, '^(\\d+)_', 1)",
    "CASE WHEN x > 1 THEN 'a' ELSE NULL END -- why",
    "run:x",
    "scratch",
    "../up",
    "a/../b",
    "x {y} z",
];
