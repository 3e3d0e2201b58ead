//! What the commands that label runs share: finding all runs before one is changed, and saying what they are called now.

use cliptune_store::{AnyRun, Labels, Listed as _, Note, OwnName, Store, StoreError, Tag};
use cliptune_terminal::{Column, CommonArgs, Exit, Printer, Table};
use serde::Serialize;

use crate::error::CliError;
use crate::selection::any_run;

/// The labels of a run as `show`, `ls` and the commands that change them have them for machines.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Labelled {
    name: Option<OwnName>,
    tags: Vec<Tag>,
    note: Option<Note>,
    pinned: bool,
}

impl From<Labels> for Labelled {
    fn from(labels: Labels) -> Self {
        let Labels { name, tags, note, pinned, .. } = labels;
        Self { name, tags: tags.into_iter().collect(), note, pinned }
    }
}

impl Labelled {
    /// Returns what there is to say, each under its name.
    pub(crate) fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        facts.extend(self.name.as_ref().map(|name| ("name", name.to_string())));
        facts.extend((!self.tags.is_empty()).then(|| ("tags", self.tags())));
        facts.extend(self.note.as_ref().map(|note| ("note", note.as_str().to_owned())));
        facts.extend(self.pinned.then(|| ("pinned", "yes".to_owned())));
        facts
    }

    fn tags(&self) -> String {
        self.tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// A run with its labels, which is one line of the output.
#[derive(Serialize)]
struct Line {
    run: String,
    #[serde(flatten)]
    labels: Labelled,
}

/// Changes the labels of all runs that are named. When a name is wrong, none is changed.
pub(crate) fn label(
    names: &[String],
    common: &CommonArgs,
    change: impl Fn(&Store, &AnyRun) -> Result<Labels, StoreError>,
) -> Result<Exit, CliError> {
    let store = Store::open(&common.store)?;
    let runs = names.iter().map(|name| any_run(&store, name)).collect::<Result<Vec<_>, _>>()?;
    let mut lines = Vec::new();
    for run in &runs {
        lines.push(Line { run: run.id(), labels: change(&store, run)?.into() });
    }
    tell(&lines, &common.printer());
    Ok(Exit::Done)
}

fn tell(lines: &[Line], printer: &Printer) {
    if printer.is_json() {
        return printer.json(&lines);
    }
    let mut table = Table::new(["run", "name", "tags", "note", "pinned"].map(Column::left));
    for Line { run, labels } in lines {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let name = text(labels.name.as_ref().map(OwnName::as_str));
        let note = text(labels.note.as_ref().map(Note::as_str));
        let pinned = if labels.pinned { "yes" } else { "" };
        table.row([run.clone(), name, labels.tags(), note, pinned.to_owned()]);
    }
    printer.table(&table);
}
