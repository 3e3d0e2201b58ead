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
pub fn publish(request: &Request, files: &[ReportFile]) -> Result<PathBuf, ReportError> {
    let staged = StagedFolder::beside(&request.folder)?;
    for file in files {
        fs::write(staged.path().join(&file.name), &file.bytes)?;
    }
    Ok(staged.replace()?.join(PAGE))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use cliptune_store::Store;

    use super::*;
    use crate::request::Options;

    fn file(name: &str, text: &str) -> ReportFile {
        ReportFile { name: name.to_owned(), bytes: text.as_bytes().to_vec() }
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
        publish(&request, &[file(PAGE, "one"), file("old.svg", "")]).unwrap();
        let page = publish(&request, &[file(PAGE, "two")]).unwrap();
        assert_eq!(fs::read_to_string(&page).unwrap(), "two");
        let names = |folder: &Path| -> Vec<_> {
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
        };
        assert_eq!(names(page.parent().unwrap()), [PAGE]);
        assert_eq!(names(&folder.path().join("runs/reports")), ["demo"]);
    }

    #[test]
    fn a_report_that_is_not_there_is_not_fresh() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_fresh(&[], &request(folder.path())).unwrap());
    }
}
