//! Embeds any number of images or texts into a table that other programs read and `search` scans.
//!
//! [`Inputs`] lists what is embedded. A journal keeps what is done, so that a call that was interrupted goes on; the
//! table is made of it in the end. Memory holds a few images, and a few dozen bytes for every input.

mod distinct;
mod images;
mod inputs;
pub(crate) mod journal;
pub(crate) mod table;
mod texts;

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use cliptune_durable::{AtomicFile, parent};
use cliptune_encode::known;
use cliptune_encode::matrix::Matrix;
use cliptune_encode::model::Model;
use cliptune_encode::runtime::Runtime;
use cliptune_terminal::format::visible;
use cliptune_terminal::{Printer, Progress};
use serde::{Deserialize, Serialize};

use crate::applied::Applied;
use crate::error::ApplyError;
use crate::layout::Origin;
pub use inputs::{Inputs, Request};
use journal::{Entry, Job, Journal, Outcome};

/// What is embedded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Images, by the vision tower.
    Images,
    /// Texts, by the text tower.
    Texts,
}

impl Kind {
    /// Returns the noun for one of them.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Images => "image",
            Self::Texts => "text",
        }
    }
}

/// What became of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The number of rows with a vector.
    pub embedded: u64,
    /// The number of different contents among them, each of which was encoded once.
    pub distinct: u64,
    /// The number of inputs that cannot be embedded, and have the reason in the table.
    pub problems: u64,
    /// The number of inputs that an earlier call had embedded.
    pub resumed: u64,
    /// The length of a vector.
    pub dimension: usize,
    /// Whether the call was interrupted before it had all inputs.
    pub interrupted: bool,
}

/// What is to be embedded, and where to.
#[derive(Debug)]
pub struct Order<'a> {
    /// The inputs.
    pub inputs: &'a Inputs,
    /// The file that is made. Nothing may have its name yet.
    pub to: &'a Path,
    /// Whether to forget what an earlier call for the same file has embedded.
    pub restart: bool,
}

/// A call while it runs.
struct Run<'a> {
    journal: Journal,
    tally: Tally<'a>,
    interrupted: &'a AtomicBool,
}

impl Run<'_> {
    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Keeps entries, with the vectors of those that are new.
    fn keep(&mut self, entries: Vec<Entry>, rows: &Matrix) -> Result<(), ApplyError> {
        self.tally.add(&entries);
        Ok(self.journal.append(entries, rows.columns(), rows.values())?)
    }
}

/// Counts what became of inputs, and tells of those that cannot be embedded.
struct Tally<'a> {
    printer: &'a Printer,
    progress: Progress,
    summary: Summary,
}

/// The number of inputs that cannot be embedded which are told one by one.
const TOLD: u64 = 20;

impl Tally<'_> {
    fn add(&mut self, entries: &[Entry]) {
        for Entry { name, outcome, .. } in entries {
            let summary = &mut self.summary;
            match outcome {
                Outcome::New(_) => {
                    summary.distinct += 1;
                    summary.embedded += 1;
                }
                Outcome::Same(..) => summary.embedded += 1,
                Outcome::Problem(problem) => {
                    summary.problems += 1;
                    self.tell(name, problem);
                }
            }
        }
        self.progress.advance(entries.len() as u64);
    }

    /// Adds the entries of an earlier call.
    fn add_kept(&mut self, entries: &[Entry]) {
        self.summary.resumed += entries.len() as u64;
        self.add(entries);
    }

    fn tell(&self, name: &str, problem: &str) {
        match self.summary.problems {
            ..=TOLD => self.printer.warn(&format!("{} is left out: {problem}", visible(name))),
            more if more == TOLD + 1 => self.printer.warn("more are left out; the table says which, and why"),
            _ => {}
        }
    }
}

/// Embeds inputs into a file, going on where an earlier call for the same file was interrupted. Nothing has the name of the
/// file before it is complete.
///
/// # Errors
/// Returns an error if something has the name of the file, if another call works on it or began it with another model, or if
/// none of the inputs can be embedded.
pub fn embed(
    applied: &Applied,
    (runtime, model): (&Runtime, &mut Model<'_>),
    order: &Order<'_>,
    printer: &Printer,
    interrupted: &AtomicBool,
) -> Result<Summary, ApplyError> {
    let Order { inputs, to, restart } = *order;
    let kind = inputs.kind();
    let journal = Journal::open(to, &job(applied, runtime, kind), restart)?;
    let progress = printer.progress(&format!("{}s", kind.noun()), inputs.count(), kind.noun());
    let mut run =
        Run { journal, tally: Tally { printer, progress, summary: Summary::default() }, interrupted };
    let ended = match inputs {
        Inputs::Images(images) => images::embed(&mut run, model, images),
        Inputs::Texts(texts) => texts::embed(&mut run, model, texts),
    };
    let is_interrupted = run.is_interrupted();
    let Run { journal, tally: Tally { progress, mut summary, .. }, .. } = run;
    progress.finish();
    (summary.dimension, summary.interrupted) = (journal.columns(), is_interrupted);
    let ended = ended.and_then(|()| match summary.embedded {
        0 if !is_interrupted => {
            Err(ApplyError::NothingEmbedded { inputs: summary.problems, noun: kind.noun() })
        }
        _ => Ok(()),
    });
    if ended.is_err() || is_interrupted {
        journal.leave()?;
        return ended.map(|()| summary);
    }
    table::write(to, &journal, origin(applied, kind))?;
    journal.remove()?;
    Ok(summary)
}

/// Makes sure that a file can be made.
///
/// # Errors
/// Returns an error if something has its name, if there is no folder for it, or if nothing can be written there.
pub fn require_free(to: &Path) -> Result<(), ApplyError> {
    let path = to.to_path_buf();
    if to.is_dir() || is_written_as_folder(to) {
        return Err(ApplyError::Folder { path });
    }
    if std::fs::symlink_metadata(to).is_ok() {
        return Err(ApplyError::Occupied { path });
    }
    if !parent(to).is_dir() {
        return Err(ApplyError::NoFolder { path: parent(to).to_path_buf() });
    }
    // Begins a file as it will be begun in the end, and gives it up.
    AtomicFile::create(to).map(drop)?;
    Ok(())
}

/// Checks whether a path can only be that of a folder: it ends with a slash or with dots.
fn is_written_as_folder(path: &Path) -> bool {
    let last = path.as_os_str().as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    matches!(last, b"" | b"." | b"..")
}

fn origin(applied: &Applied, kind: Kind) -> Origin {
    Origin {
        kind,
        model: applied.name.clone(),
        model_hash: applied.hash.clone(),
        precision: applied.precision.to_string(),
    }
}

fn job(applied: &Applied, runtime: &Runtime, kind: Kind) -> Job {
    Job {
        kind,
        model_hash: applied.hash.clone(),
        precision: applied.precision.to_string(),
        version: format!("{} {}", known::version(), runtime.build()),
    }
}

#[cfg(test)]
mod tests {
    use fs_err as fs;

    use super::*;

    #[test]
    fn a_place_where_no_file_can_be_is_known_before_anything_is_made() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir(at("folder")).unwrap();
        fs::write(at("file"), "").unwrap();
        std::os::unix::fs::symlink("nowhere", at("link")).unwrap();
        for folder in ["folder", "folder/", "new/", "new/.", "folder/..", "new//"] {
            assert!(matches!(require_free(&at(folder)), Err(ApplyError::Folder { .. })), "{folder}");
        }
        for occupied in ["file", "link"] {
            assert!(matches!(require_free(&at(occupied)), Err(ApplyError::Occupied { .. })), "{occupied}");
        }
        for below in ["new/e.parquet", "file/e.parquet"] {
            assert!(matches!(require_free(&at(below)), Err(ApplyError::NoFolder { .. })), "{below}");
        }
        // Nobody may write here, not even whoever may write everywhere.
        assert!(matches!(require_free(Path::new("/proc/e.parquet")), Err(ApplyError::Durable(_))));
        require_free(&at("e.parquet")).unwrap();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 3, "nothing of the attempt stays");
    }
}
