//! What a user can do about an error of the store, and which exit code it has.

use std::path::Path;

use cliptune_durable as durable;
use cliptune_terminal::{Diagnostic, Exit, format};

use crate::error::{Damage, MissingImages, StoreError};
use crate::foreign_run::is_named_so;
use crate::run::MODEL;
use crate::table_column::TableForm;
use crate::work;

impl Diagnostic for StoreError {
    fn hint(&self) -> Option<String> {
        self.advice()
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Interrupted { .. } => Exit::Interrupted,
            Self::Remote(error) => error.exit(),
            Self::NoImages { .. }
            | Self::ImagesTwice { .. }
            | Self::Glob { .. }
            | Self::NoStore { .. }
            | Self::NoTable { .. }
            | Self::NotAModel(_)
            | Self::NoBase { .. }
            | Self::NameTaken { .. }
            | Self::NoBest { .. }
            | Self::SqlSeconds { .. }
            | Self::NoColumn { .. }
            | Self::ColumnType { .. }
            | Self::NoWeights { .. }
            | Self::Foreign { .. }
            | Self::OtherContent { .. }
            | Self::Occupied { .. }
            | Self::NothingToRestoreTo { .. }
            | Self::AmbiguousBase { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}

impl StoreError {
    /// Returns advice on what the user can do about the error.
    fn advice(&self) -> Option<String> {
        let advice = match self {
            Self::Io(error) => return durable::advice(error).map(str::to_owned),
            Self::Durable(error) => return error.hint().map(str::to_owned),
            Self::Hub(error) => return error.hint(),
            Self::NoStore { .. } => {
                "--store or CLIPTUNE_STORE names another folder; `cliptune run` makes a store where there is none".to_owned()
            }
            Self::Json { .. }
            | Self::Damaged { .. }
            | Self::Version { .. }
            | Self::NewerLines { .. }
            | Self::Origin { .. }
            | Self::Table { .. } => return self.about_record(),
            Self::NoColumn { has, .. } => format!("it has {}", format::first_few(has)),
            Self::ColumnType { usable, .. } => other_column(usable),
            Self::ForeignTable { form, .. } => well_formed(*form).to_owned(),
            Self::Leak { .. } => "give both experiments the same images, groups and `data.split`, naming the same columns in \
                 `split.across`"
                .to_owned(),
            Self::SqlSeconds { .. } => "leave it unset, or give it a number from 1 on".to_owned(),
            Self::Foreign { .. } => "name a run that was trained here; `cliptune ls` says which were imported".to_owned(),
            Self::NoBest { .. } => {
                "name a run, or let the experiment's `score.splits` have validation and `cliptune run` it".to_owned()
            }
            Self::NoImages { .. }
            | Self::ImagesTwice { .. }
            | Self::ImageChanged { .. }
            | Self::Remote(_)
            | Self::Packed { .. }
            | Self::NoTableBeside { .. }
            | Self::NoTable { .. }
            | Self::Glob { .. }
            | Self::FileName { .. } => return self.about_source(),
            Self::NotAModel(_)
            | Self::ChangedModel { .. }
            | Self::NoBase { .. }
            | Self::UnknownBase { .. }
            | Self::AmbiguousBase { .. }
            | Self::NoWeights { .. } => return self.about_model(),
            Self::OtherContent { .. }
            | Self::Immovable { .. }
            | Self::Unreachable { .. }
            | Self::Occupied { .. }
            | Self::NothingToRestoreTo { .. } => return self.about_move(),
            Self::NameTaken { .. } => {
                "choose another one; `cliptune rename RUN --remove` takes a name away from a run".to_owned()
            }
            Self::Finished { .. }
            | Self::InUse { .. }
            | Self::Busy { .. }
            | Self::Interrupted { .. }
            | Self::TakenOver { .. }
            | Self::Gone { .. } => return self.about_other_process(),
        };
        Some(advice)
    }

    /// Returns advice on a record or a table of the store that cannot be read or written.
    fn about_record(&self) -> Option<String> {
        let advice = match self {
            Self::Damaged { source: Damage::NotAFolder, .. } => {
                "move it away: the folder of that name is made again where it is needed".to_owned()
            }
            Self::Json { path, .. } | Self::Damaged { path, .. } => restoring(path),
            Self::Version { found, supported, .. } if found > supported => {
                "use the cliptune that has written it, or a newer one; nothing of it is touched".to_owned()
            }
            Self::Version { path, .. } => older_version(path),
            Self::NewerLines { .. } => "they are left out; a newer cliptune reads them".to_owned(),
            Self::Origin { path } => restoring(path),
            Self::Table { action: "write", .. } => {
                "look at the free space and the permissions of the store".to_owned()
            }
            Self::Table { path, .. } => restoring(path),
            _ => return None,
        };
        Some(advice)
    }

    /// Returns advice on images and tables that a plan names.
    fn about_source(&self) -> Option<String> {
        let advice = match self {
            Self::NoImages { missing: MissingImages::Folder, .. } => {
                format!(
                    "data.images takes files ending in {} below that folder, or where there are none, .tar or .parquet files",
                    crate::image_kinds::EXTENSIONS.join(", ")
                )
            }
            Self::NoImages { .. } => {
                "data.images is relative to the experiment file; look at the path with cliptune check".to_owned()
            }
            Self::ImagesTwice { .. } => "name them once in data.images".to_owned(),
            Self::ImageChanged { .. } => {
                "put the old file back, or run the command again: `cliptune run` makes a new dataset of the files as they are".to_owned()
            }
            Self::Remote(error) => return error.hint(),
            Self::Packed { .. } => "`data.images` can name the files that are to be read, one by one or with a glob".to_owned(),
            Self::NoTableBeside { .. } => {
                "name it with `data.metadata`; a table that lies with the images is in the samples of `.tar` shards, in the rows of \
                 parquet files, or in one metadata.jsonl, metadata.csv or metadata.parquet in each folder, all of one kind"
                    .to_owned()
            }
            Self::NoTable { .. } => {
                "data.metadata is relative to the experiment file; look at the path with cliptune check".to_owned()
            }
            Self::Glob { .. } => "use *, ?, [a-z], {a,b} and ** as a whole folder name".to_owned(),
            Self::FileName { .. } => "rename the file".to_owned(),
            _ => return None,
        };
        Some(advice)
    }

    /// Returns advice on a model or its weights.
    fn about_model(&self) -> Option<String> {
        let advice = match self {
            Self::ChangedModel { .. } => {
                "put an intact copy of the model there; where the change is meant, `touch` the file that has changed"
                    .to_owned()
            }
            Self::NotAModel(error) => error.hint(),
            Self::NoBase { .. } => "run that experiment first, or name it on the same command line".to_owned(),
            Self::UnknownBase { .. } => "the warning about that experiment says why".to_owned(),
            Self::AmbiguousBase { reference, .. } => format!("name one by its seed: {reference}@0"),
            Self::NoWeights { run } => format!(
                "`cliptune restore {run}` brings them back while they are in the trash; once they are not, \
                 `cliptune rm {run}` and `cliptune run` train it again"
            ),
            _ => return None,
        };
        Some(advice)
    }

    /// Returns advice on what another process does or has done.
    fn about_other_process(&self) -> Option<String> {
        let advice = match self {
            Self::Finished { .. } => "run the command again".to_owned(),
            Self::InUse { .. } => "wait for it, or stop it first".to_owned(),
            Self::Busy { .. } => "--wait waits until that is done, and then does only what is left to do".to_owned(),
            Self::TakenOver { .. } => "nothing is lost: the other process goes on from the last checkpoint. A host that stood still, or \
                 could not reach the file system, looks like a dead one"
                .to_owned(),
            Self::Gone { .. } => {
                "whatever was trained is lost with it; the same command trains the run again. `cliptune rm` refuses to \
                 remove a run that a process works on"
                    .to_owned()
            }
            _ => return None,
        };
        Some(advice)
    }

    /// Returns advice on what was to be moved into the store, within it or out of it.
    fn about_move(&self) -> Option<String> {
        let advice = match self {
            Self::OtherContent { .. } => {
                "nothing was changed; new or changed data makes a new dataset: name it in the experiment"
                    .to_owned()
            }
            Self::Immovable { .. } => {
                "only what lies in the store itself can be moved to its trash; remove this by hand".to_owned()
            }
            Self::Unreachable { content, .. } => {
                format!(
                    "nothing was moved: copy {} there, or put a folder of the store in place of the link",
                    content.display()
                )
            }
            Self::Foreign { run } => {
                format!("`cliptune show {run}` says what it is; ls, query, compare and report take it, too")
            }
            Self::Occupied { .. } => {
                "nothing is ever overwritten: remove that first, or move it away".to_owned()
            }
            Self::NothingToRestoreTo { .. } => {
                "restore the run first; `cliptune restore --list` shows the trash".to_owned()
            }
            _ => return None,
        };
        Some(advice)
    }
}

/// Says what to do about a column that holds neither texts nor images.
fn other_column(usable: &[String]) -> String {
    const AS_TEXTS: &str =
        "its values can be written as texts first, one in each row, such as by CAST(… AS VARCHAR)";
    match usable {
        [] => format!("no column of this table does; {AS_TEXTS}"),
        usable => format!("these do: {}; or {AS_TEXTS}", format::first_few(usable)),
    }
}

/// Says how a table should be written.
fn well_formed(form: TableForm) -> &'static str {
    match form {
        TableForm::Parquet => "the file is damaged or no parquet file: put an intact copy there",
        TableForm::Csv => {
            "the first line names the columns, and every row has a value for each; quotes are doubled within quotes"
        }
        TableForm::Lines => "each line is one JSON object, such as {\"caption\": \"a cat\"}",
    }
}

/// Checks whether a file is of the scores of an imported run, which lie two folders below it. Nothing in the store makes them again.
fn is_of_import(path: &Path, name: &str) -> bool {
    matches!(name, "scores.json" | "predictions.parquet" | "choices.json")
        && path.ancestors().nth(3).is_some_and(is_named_so)
}

/// Says how the content of a damaged file can be restored. The advice never removes anything that cannot be made
/// again.
fn restoring(path: &Path) -> String {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let made_again = || "remove it: there is nothing in it, and it is made again".to_owned();
    let again = |command: &str| format!("`cliptune run` or `cliptune {command}` makes it again");
    match name {
        _ if is_of_import(path, name) => {
            "`cliptune import` of the same predictions for the same items makes it again".to_owned()
        }
        "foreign.json" => {
            "put an intact copy there; or remove the run with `cliptune rm` and import it again".to_owned()
        }
        "dataset.json" | "items.parquet" | "rejects.parquet" => again("ingest"),
        "scores.json" | "predictions.parquet" | "choices.json" | "precisions.json" => again("score"),
        "parity.json" => {
            format!("{}, from the run's weights, which are untouched", again("train"))
        }
        _ if name.ends_with(".onnx") => {
            format!("{}, from the run's weights, which are untouched", again("train"))
        }
        "run.json" => {
            "nothing else in its folder is touched, and the weights in onnx/ stay; `cliptune run` trains the experiment \
             again in another folder"
                .to_owned()
        }
        // They are only ever locked.
        ".lock" | "lock" => made_again(),
        _ if path.parent().is_some_and(|folder| folder.ends_with(work::FOLDER)) => made_again(),
        "labels.json" => {
            "it holds nothing but the run's own name, tags, note and pin: put an intact copy there, or move it away and \
             give them again"
                .to_owned()
        }
        "events.jsonl" | "system.jsonl" => {
            "nothing but these lines is lost: they are missing from the curves and from what `query` sees".to_owned()
        }
        "trashed.json" => {
            "it says where the folder `content` beside it came from: move that back by hand".to_owned()
        }
        "origin.json" => {
            "it says which datasets the model has seen: put an intact copy there, or make the folder again with `cliptune \
             soup` or `cliptune export`; without it the model counts as one that has seen none of them"
                .to_owned()
        }
        _ => {
            "put an intact copy of the file there; where there is none, move the run's folder out of the store, and \
             `cliptune run` trains it again"
                .to_owned()
        }
    }
}

/// Says what to do about a record that an older cliptune has written.
fn older_version(path: &Path) -> String {
    if path.file_name().is_none_or(|name| name != "run.json") {
        return restoring(path);
    }
    let model = path.with_file_name(MODEL);
    // A run that failed has none, and neither has one whose weights were removed.
    let model = match model.is_dir() {
        true => format!("until then the model is usable as {}, and ", model.display()),
        false => String::new(),
    };
    format!(
        "`cliptune run` trains the experiment again with this version, in another folder; {model}the cliptune that has written the \
         record still reads it"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_of_an_imported_run_are_imported_again_and_those_of_ours_scored() {
        let advice = |path: &str| restoring(Path::new(path));
        assert!(
            advice("runs/a/20260101T090000Z-0a1b2c-foreign/scores/test/scores.json")
                .contains("`cliptune import`")
        );
        assert!(
            advice("runs/a/20260101T090000Z-0a1b2c-s0/scores/test/scores.json").contains("`cliptune score`")
        );
        assert!(advice("lost-foreign.json").contains("move the run's folder"));
    }

    #[test]
    fn advice_on_an_old_run_names_its_model_only_where_it_has_one() {
        let folder = tempfile::tempdir().unwrap();
        let error = StoreError::Version { path: folder.path().join("run.json"), found: 1, supported: 2 };
        let advice = || error.advice().unwrap();
        assert!(!advice().contains("usable"), "{}", advice());
        let model = folder.path().join(MODEL);
        fs_err::create_dir(&model).unwrap();
        assert!(advice().contains(&format!("usable as {}", model.display())), "{}", advice());
        assert!(
            advice().ends_with("the cliptune that has written the record still reads it"),
            "{}",
            advice()
        );
    }
}
