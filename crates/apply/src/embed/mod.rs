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

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use cliptune_durable::parent;
use cliptune_encode::known;
use cliptune_encode::matrix::Matrix;
use cliptune_encode::model::Model;
use cliptune_encode::runtime::Runtime;
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
            ..=TOLD => self.printer.warn(&format!("{name} is left out: {problem}")),
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
    match inputs {
        Inputs::Images(images) => images::embed(&mut run, model, images)?,
        Inputs::Texts(texts) => texts::embed(&mut run, model, texts)?,
    }
    let is_interrupted = run.is_interrupted();
    let Run { journal, tally: Tally { progress, mut summary, .. }, .. } = run;
    progress.finish();
    (summary.dimension, summary.interrupted) = (journal.columns(), is_interrupted);
    match summary.embedded {
        _ if is_interrupted => {}
        0 => return Err(ApplyError::NothingEmbedded { inputs: summary.problems, noun: kind.noun() }),
        _ => {
            table::write(to, &journal, origin(applied, kind))?;
            journal.remove()?;
        }
    }
    Ok(summary)
}

/// Makes sure that a file can be made.
///
/// # Errors
/// Returns an error if something has its name, or if there is no folder for it.
pub fn require_free(to: &Path) -> Result<(), ApplyError> {
    match std::fs::symlink_metadata(to) {
        Ok(_) => Err(ApplyError::Occupied { path: to.to_path_buf() }),
        Err(_) if parent(to).is_dir() && to.file_name().is_some() => Ok(()),
        Err(_) => Err(ApplyError::NoFolder { path: parent(to).to_path_buf() }),
    }
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
