//! Publishes a report's folder, which is either complete or absent.

use std::path::PathBuf;

use cliptune_durable::StagedFolder;
use cliptune_store::Standing;
use fs_err as fs;

use crate::error::ReportError;
use crate::json::INPUTS_KEY;
use crate::render::{PAGE, RESULTS, ReportFile};
use crate::request::Request;
use crate::summary;

/// Returns whether the report is complete and made from exactly what is in the store now.
pub fn is_fresh(standings: &[Standing], request: &Request) -> Result<bool, ReportError> {
    let Ok(text) = cliptune_store::read_file(&request.folder.join(RESULTS)) else { return Ok(false) };
    // A results file that cannot be read is of another version or not ours, so the report is made again.
    let Ok(results) = serde_json::from_slice::<serde_json::Value>(&text) else { return Ok(false) };
    let recorded = results.get(INPUTS_KEY).and_then(serde_json::Value::as_str);
    Ok(recorded == Some(summary::inputs_hash(standings, request)?.as_str())
        && request.folder.join(PAGE).is_file())
}

/// Writes all files beside the report's folder and then swaps the folders, so that a reader never sees half a report.
/// Returns the path of the page.
///
/// # Errors
/// Returns an error when the folder holds another report by now, or anything that no report wrote, or cannot be written.
pub fn publish(request: &Request, files: &[ReportFile]) -> Result<PathBuf, ReportError> {
    let staged = StagedFolder::beside(&request.folder)?;
    for file in files {
        fs::write(staged.path().join(&file.name), &file.bytes)?;
    }
    request.expect_replaceable()?;
    Ok(staged.replace()?.join(PAGE))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use cliptune_store::Store;

    use super::*;
    use crate::json::FILES_KEY;
    use crate::request::Options;

    fn file(name: &str, text: &str) -> ReportFile {
        ReportFile { name: name.to_owned(), bytes: text.as_bytes().to_vec() }
    }

    /// The results of a report with these files.
    fn results(files: &[&str]) -> ReportFile {
        let files: Vec<&str> = files.iter().copied().chain([RESULTS]).collect();
        file(RESULTS, &serde_json::json!({ FILES_KEY: files }).to_string())
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }

    fn request(folder: &Path) -> Request {
        let store = Store::open(&folder.join("runs")).unwrap();
        Request::of(
            &store,
            &[folder.to_path_buf()],
            &[],
            &Options { name: Some("demo".to_owned()), ..Options::default() },
        )
        .unwrap()
    }

    #[test]
    fn a_report_replaces_the_one_before_it_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let request = request(folder.path());
        publish(&request, &[file(PAGE, "one"), file("old.svg", ""), results(&[PAGE, "old.svg"])]).unwrap();
        let page = publish(&request, &[file(PAGE, "two"), results(&[PAGE])]).unwrap();
        assert_eq!(fs::read_to_string(&page).unwrap(), "two");
        assert_eq!(names(page.parent().unwrap()), [PAGE, RESULTS]);
        assert_eq!(names(&folder.path().join("runs/reports")), ["demo"]);
    }

    #[test]
    fn what_comes_into_the_folder_while_a_report_is_made_stays() {
        let folder = tempfile::tempdir().unwrap();
        let request = request(folder.path());
        publish(&request, &[file(PAGE, "one"), results(&[PAGE])]).unwrap();
        fs::write(request.folder.join("notes.txt"), "mine").unwrap();
        let refused = publish(&request, &[file(PAGE, "two"), results(&[PAGE])]).unwrap_err().to_string();
        assert!(refused.ends_with("runs/reports/demo holds notes.txt, which no report wrote"), "{refused}");
        assert_eq!(names(&request.folder), [PAGE, "notes.txt", RESULTS]);
        assert_eq!(fs::read_to_string(request.folder.join(PAGE)).unwrap(), "one");
        assert_eq!(names(&folder.path().join("runs/reports")), ["demo"]);
    }

    #[test]
    fn a_report_that_is_not_there_is_not_fresh() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_fresh(&[], &request(folder.path())).unwrap());
    }
}
