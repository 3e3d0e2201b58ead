//! `cliptune show RUN --yaml`: the experiment file that makes a run again.

use std::path::Path;

use cliptune_durable::{DurableError, parent, write_atomic};
use cliptune_experiment::{Location, ModelSource, Plan, TableFormat, Verify, reread};
use cliptune_store::{Base, DatasetRecord, Origin, Reproduction, Run, Store};
use cliptune_terminal::{Exit, Printer, format};
use fs_err as fs;

use crate::error::CliError;
use crate::selection::{short, warn_of};

/// Prints the file, or writes it. Either way its text has been read again, and gives the run's key.
pub(super) fn show(
    run: &Run,
    store: &Store,
    file: Option<&Path>,
    printer: &Printer,
) -> Result<Exit, CliError> {
    let record = run.record();
    let plan = record.plan.alone(store.starting_point(record));
    let Some(file) = file else {
        printer.document(&Recipe::of(run, store, printer).checked(&plan, &plan, Path::new("/"))?);
        return Ok(Exit::Done);
    };
    if fs::symlink_metadata(file).is_ok() {
        return Err(DurableError::Occupied { path: file.to_path_buf() }.into());
    }
    let folder = fs::canonicalize(parent(file))?;
    let seen = plan.seen_from(&folder, &store.surroundings());
    let text = Recipe::of(run, store, printer).checked(&seen, &plan, &folder)?;
    write_atomic(file, text.as_bytes())?;
    printer.status(&format!("wrote {}", short(file)));
    Ok(Exit::Done)
}

/// What is said in the file about the run, beside its plan.
struct Recipe<'a> {
    run: &'a Run,
    dataset: Option<DatasetRecord>,
    /// Whether this version of cliptune gives the run another key.
    is_outdated: bool,
}

impl<'a> Recipe<'a> {
    fn of(run: &'a Run, store: &Store, printer: &Printer) -> Self {
        let record = run.record();
        let dataset = store.dataset(&record.dataset).unwrap_or_else(|error| {
            warn_of(&error, printer);
            None
        });
        let dataset = dataset.map(|dataset| dataset.record().clone());
        let is_outdated = record.reproduced_by(&record.plan) == Reproduction::OtherProcedure;
        if is_outdated {
            printer.warn(&format!(
                "{} was made by cliptune {}, which trained in another way: the file has the same settings, and gives a run \
                 with another key",
                run.id(),
                record.provenance.cliptune,
            ));
        }
        if let Some(earlier) = dataset.as_ref().and_then(|dataset| dataset.history.continues.as_ref()) {
            printer.warn(&format!(
                "the dataset keeps the splits of an earlier one ({}): where neither is in the store, the items are split \
                 anew, and the run gets another key",
                short_hash(earlier),
            ));
        }
        Self { run, dataset, is_outdated }
    }

    /// Returns the file's text once it has been read again and found to say what the run's record says.
    fn checked(&self, seen: &Plan, plan: &Plan, folder: &Path) -> Result<String, CliError> {
        let text = format!("{}\n{}", self.comments(seen), seen.to_yaml()?);
        let unfaithful = || CliError::Unfaithful { run: self.run.id() };
        let again = reread(&text, folder).map_err(|_| unfaithful())?;
        let expected = if self.is_outdated { Reproduction::OtherProcedure } else { Reproduction::Same };
        match again == *plan && self.run.record().reproduced_by(&again) == expected {
            true => Ok(text),
            false => Err(unfaithful()),
        }
    }

    /// Returns what has to be there, as comments.
    fn comments(&self, seen: &Plan) -> String {
        let record = self.run.record();
        let said = match self.is_outdated {
            true => {
                "The settings of the run, which this version of cliptune trains in another way. It needs:"
            }
            false => "Gives the same run, by its key, wherever this is as it was:",
        };
        let mut lines = vec![format!("{}, made again.", self.run.id()), said.to_owned(), String::new()];
        let needs =
            [vec![("key", record.key.clone())], self.data(seen), self.base(seen), self.made()].concat();
        let width = needs.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        lines.extend(needs.iter().map(|(name, text)| format!("  {name:width$}  {text}")));
        lines.iter().map(|line| format!("# {}", format::visible(line)).trim_end().to_owned() + "\n").collect()
    }

    fn data(&self, seen: &Plan) -> Vec<(&'static str, String)> {
        let mut needs = vec![("dataset", self.run.record().dataset.clone())];
        let (images, table) = (places(&seen.data.images), places(&seen.data.metadata.locations));
        let is_beside = seen.data.metadata.format == TableFormat::Beside;
        let table = if is_beside { "with the images".to_owned() } else { table };
        let Some(DatasetRecord { sources, join, history, .. }) = &self.dataset else {
            needs.extend([("images", images), ("table", table)]);
            return needs;
        };
        let size = |bytes| if bytes == 0 { String::new() } else { format!(", {}", format::bytes(bytes)) };
        let about = |count, noun, bytes, hash: &str| {
            format!("{}{}, BLAKE3 {hash}", format::counted(count, noun), size(bytes))
        };
        needs.push(("images", about(join.images, "image", sources.bytes.images, &sources.images_hash)));
        needs.push(("", images));
        if seen.data.verify == Verify::None {
            needs.push(("", "with their times, which stand for their contents (verify: none)".to_owned()));
        }
        needs.push(("table", about(join.rows, "row", sources.bytes.table, &sources.table_hash)));
        needs.push(("", table));
        if let Some(earlier) = &history.continues {
            let earlier = short_hash(earlier);
            needs.push((
                "splits",
                format!("those of the earlier dataset {earlier}: copy the dataset's folder into the store"),
            ));
        }
        needs
    }

    fn base(&self, seen: &Plan) -> Vec<(&'static str, String)> {
        let from = &seen.model.from;
        match &self.run.record().base {
            Base::Scratch => vec![("base", "random weights".to_owned())],
            Base::Hub { commit, hash, .. } => {
                vec![("base", format!("{from}, commit {commit}, BLAKE3 {hash}; `cliptune fetch {from}`"))]
            }
            Base::Folder { hash } => {
                let mut needs = vec![("base", format!("the model folder {from}, BLAKE3 {hash}"))];
                needs.extend(self.averaged().map(|runs| ("", format!("the mean of {runs}"))));
                needs
            }
            Base::Run { run, key } => vec![
                ("base", format!("{from}, which has to be the run {run} with the key {key}")),
                ("", format!("`cliptune show {run} --yaml` beside this file makes it again")),
            ],
        }
    }

    /// Returns the runs whose models were averaged into the model folder, as far as it still says so.
    fn averaged(&self) -> Option<String> {
        let ModelSource::Folder(folder) = &self.run.record().plan.model.from else { return None };
        Some(Origin::read(folder).ok()??.runs.join(", "))
    }

    fn made(&self) -> Vec<(&'static str, String)> {
        let record = self.run.record();
        let made = &record.provenance;
        let threads = format::counted(made.threads as u64, "thread");
        let mut needs = vec![
            ("cliptune", format!("{}, binary {}", made.cliptune, made.binary)),
            ("threads", format!("{threads} on {}; others may change the last bits", made.device)),
        ];
        needs.extend(
            made.processes
                .map(|count| ("processes", format!("{count}; others may change the last bits, too"))),
        );
        if !record.plan.axes.is_empty() {
            needs.push((
                "point",
                format!("{} of the experiment's matrix", crate::wording::axes(&record.plan.axes)),
            ));
        }
        needs
    }
}

fn places(locations: &[Location]) -> String {
    locations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn short_hash(hash: &str) -> &str {
    hash.get(..16).unwrap_or(hash)
}
