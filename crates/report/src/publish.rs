//! Publishes a report's folder, which is either complete or absent.

use std::path::PathBuf;

use cliptune_durable::StagedFolder;
use cliptune_store::{Standing, Store};
use fs_err as fs;

use crate::error::ReportError;
use crate::json::INPUTS_KEY;
use crate::render::{PAGE, RESULTS, ReportFile};
use crate::summary;

/// Returns the name of a report on these files and folders: the name of the only one, or `report` if there are several.
pub fn report_name(paths: &[PathBuf]) -> Result<String, ReportError> {
    let [only] = paths else { return Ok("report".to_owned()) };
    // The paths `.` and `..` have no name of their own.
    let full = fs::canonicalize(only)?;
    let name = if full.is_dir() { full.file_name() } else { full.file_stem() };
    let name = name.and_then(|name| name.to_str()).filter(|name| !name.starts_with('.'));
    name.map(str::to_owned).ok_or_else(|| ReportError::Name(only.clone()))
}

/// Returns whether the report of that name is complete and made from exactly what is in the store now.
pub fn is_fresh(store: &Store, standings: &[Standing], name: &str) -> Result<bool, ReportError> {
    let folder = store.report_folder(name);
    let Ok(text) = cliptune_store::read_file(&folder.join(RESULTS)) else { return Ok(false) };
    // A results file that cannot be read is of another version or not ours, so the report is made again.
    let Ok(results) = serde_json::from_slice::<serde_json::Value>(&text) else { return Ok(false) };
    let recorded = results.get(INPUTS_KEY).and_then(serde_json::Value::as_str);
    Ok(recorded == Some(summary::inputs_hash(standings, name)?.as_str()) && folder.join(PAGE).is_file())
}

/// Writes all files beside the report's folder and then swaps the folders, so that a reader never sees half a report.
/// Returns the path of the page.
pub fn publish(store: &Store, name: &str, files: &[ReportFile]) -> Result<PathBuf, ReportError> {
    let staged = StagedFolder::beside(&store.report_folder(name))?;
    for file in files {
        fs::write(staged.path().join(&file.name), &file.bytes)?;
    }
    Ok(staged.replace()?.join(PAGE))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn file(name: &str, text: &str) -> ReportFile {
        ReportFile { name: name.to_owned(), bytes: text.as_bytes().to_vec() }
    }

    #[test]
    fn a_report_replaces_the_one_before_it_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        publish(&store, "demo", &[file(PAGE, "one"), file("old.svg", "")]).unwrap();
        let page = publish(&store, "demo", &[file(PAGE, "two")]).unwrap();
        assert_eq!(fs::read_to_string(&page).unwrap(), "two");
        let names = |folder: &Path| -> Vec<_> {
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
        };
        assert_eq!(names(page.parent().unwrap()), [PAGE]);
        assert_eq!(names(&folder.path().join("reports")), ["demo"]);
    }

    #[test]
    fn a_report_is_named_after_its_only_argument() {
        let folder = tempfile::tempdir().unwrap();
        let yaml = folder.path().join("tuned.yaml");
        fs::write(&yaml, "").unwrap();
        let inside = folder.path().join("demo");
        fs::create_dir(&inside).unwrap();
        assert_eq!(report_name(std::slice::from_ref(&yaml)).unwrap(), "tuned");
        assert_eq!(report_name(&[inside.join(".")]).unwrap(), "demo");
        assert_eq!(report_name(&[yaml, inside]).unwrap(), "report");
    }

    #[test]
    fn a_report_that_is_not_there_is_not_fresh() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert!(!is_fresh(&store, &[], "demo").unwrap());
    }
}
