//! Reads the plans of experiments from files and folders.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::document::{Reader, canonical};
use crate::error::LoadError;
use crate::origins::Origins;
use crate::overrides::Setting;
use crate::plan::Experiment;
use crate::point::Known;
use crate::problem::{Problem, Problems};
use crate::reference::{Loaded, order};
use crate::source::Sources;
use crate::sweep;
use crate::values::ExperimentName;
use crate::yaml::Node;

/// Reads experiment files and folders, applies the settings (`key.path=value`, as given to `--set`), and puts every
/// experiment after those that it starts from. A folder stands for the `*.yaml` and `*.yml` files directly in it,
/// sorted.
///
/// If `model.from: run:NAME` names an experiment that was not given, it is looked for in the folder of the file that
/// names it, and is returned too.
///
/// # Errors
/// Returns everything that is wrong with any of the files in one error.
pub fn load(paths: &[PathBuf], settings: &[String]) -> Result<Vec<Experiment>, LoadError> {
    let mut sources = Sources::default();
    let mut problems = Problems::default();
    let experiments = load_into(paths, settings, &mut sources, &mut problems);
    if problems.is_empty() { Ok(experiments) } else { Err(LoadError::new(sources, problems)) }
}

fn load_into(
    paths: &[PathBuf],
    settings: &[String],
    sources: &mut Sources,
    problems: &mut Problems,
) -> Vec<Experiment> {
    let mut settings: Vec<Setting> =
        settings.iter().filter_map(|text| Setting::read(text, sources, problems)).collect();
    let files: Vec<PathBuf> = paths.iter().flat_map(|path| files(path, problems)).collect();
    let mut loader = Loader {
        origins: Origins::of(&files),
        reader: Reader::new(sources, problems),
        settings: &mut settings,
        seen: HashSet::new(),
    };
    let mut loaded = Vec::new();
    for file in files {
        loaded.extend(loader.load(file));
    }
    loader.add_bases(&mut loaded);
    if !loaded.is_empty() {
        settings.iter().for_each(|setting| setting.report_unused(problems));
    }
    order(loaded.into_iter().map(|(_, one)| one).collect(), problems)
}

struct Loader<'a> {
    origins: Origins,
    reader: Reader<'a>,
    settings: &'a mut [Setting],
    /// The canonical paths of the experiments, so that one given twice is loaded once.
    seen: HashSet<PathBuf>,
}

impl Loader<'_> {
    fn load(&mut self, file: PathBuf) -> Option<(PathBuf, Loaded)> {
        if !self.seen.insert(canonical(&file)) {
            return None;
        }
        let document = self.reader.document(&file)?;
        let name = name(&document);
        let description = document.read("description");
        let known = Known { sources: self.reader.sources, origins: &self.origins };
        let runs = sweep::runs(document, self.settings, known, self.reader.problems);
        let experiment = name.clone().filter(|_| !runs.plans.is_empty()).map(|(name, _)| Experiment {
            name,
            file: file.clone(),
            description,
            plans: runs.plans,
            settings: runs.taken,
            declared: runs.declared,
        });
        Some((file, Loaded { name, experiment, references: runs.references }))
    }

    /// Loads the experiments that others start from and that were not given. Each is looked for in the folder of the
    /// file that names it.
    fn add_bases(&mut self, loaded: &mut Vec<(PathBuf, Loaded)>) {
        let mut index = 0;
        while let Some((file, one)) = loaded.get(index) {
            index += 1;
            let known = |name: &ExperimentName| loaded.iter().any(|(_, one)| one.is_named(name));
            let wanted: Vec<_> =
                one.references.iter().map(|(_, to)| &to.experiment).filter(|name| !known(name)).collect();
            let neighbours = if wanted.is_empty() { Vec::new() } else { neighbours(file) };
            let found: Vec<PathBuf> = neighbours
                .into_iter()
                .filter(|(_, name)| wanted.contains(&name))
                .map(|(file, _)| file)
                .collect();
            for file in found {
                loaded.extend(self.load(file));
            }
        }
    }
}

impl Loaded {
    fn is_named(&self, name: &ExperimentName) -> bool {
        self.name.as_ref().is_some_and(|(own, _)| own == name)
    }
}

/// Reads the name without reporting problems, which is left to the decoder.
fn name(document: &Node) -> Option<(ExperimentName, crate::source::Span)> {
    let name = document.read::<String>("name")?;
    Some((ExperimentName::try_from(name).ok()?, document.get("name")?.span))
}

/// Finds the experiments in the folder of a file, with their names. Problems in these files are ignored: they matter
/// only once one of the files is needed.
fn neighbours(file: &Path) -> Vec<(PathBuf, ExperimentName)> {
    let (mut sources, mut problems) = (Sources::default(), Problems::default());
    let folder = file.parent().unwrap_or(Path::new(""));
    let files = yaml_files(folder).unwrap_or_default();
    let mut reader = Reader::new(&mut sources, &mut problems);
    files.into_iter().filter_map(|file| Some((file.clone(), name(&reader.tree(&file, None)?)?.0))).collect()
}

fn files(path: &Path, problems: &mut Problems) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    match yaml_files(path) {
        Ok(files) if files.is_empty() => {
            problems.add(Problem::nowhere(format!(
                "no experiments (*.yaml or *.yml) in the folder `{}`",
                path.display()
            )));
            files
        }
        Ok(files) => files,
        Err(error) => {
            problems.add(Problem::nowhere(error.to_string()));
            Vec::new()
        }
    }
}

/// Lists the experiment files directly in a folder, sorted.
pub(crate) fn yaml_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    // The parent of a bare file name such as `tuned.yaml` is the empty path.
    let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut files = Vec::new();
    for entry in fs_err::read_dir(listed)? {
        let name = entry?.file_name();
        let path = folder.join(name);
        let yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        if yaml && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
