//! The sections of the file, each with what it means.

use cliptune_experiment::{Join, Label, TableFormat, Task};
use cliptune_terminal::format::{count, counted};

use crate::comment::{comment, setting};
use crate::draft::Draft;
use crate::proposal::{Guesses, Parts, Proposal, SplitColumn};
use crate::scalar::scalar;
use crate::words;

/// The model that people start from. It is small, and results for it are published.
const BASE: &str = "openai/clip-vit-base-patch32";

pub(crate) fn top(draft: &Draft<'_>) -> String {
    let seen = match draft.proposal.rows {
        0 => "the contest that `cliptune demo-data` draws".to_owned(),
        rows => format!("{} and {}", counted(draft.proposal.images, "image"), counted(rows, "row")),
    };
    comment(
        "",
        &format!(
            "An experiment to start from, about {seen}. Each guess says why it was made, and what else is plausible stands beside \
             it as a comment. `cliptune check` says what the file does, with all defaults."
        ),
    ) + &format!("name: {}\n", scalar(draft.name.as_str()))
        + &format!("description: {}\n", words::description(&draft.items.value))
}

pub(crate) fn data(draft: &Draft<'_>) -> String {
    ["data:\n".to_owned(), images(draft), table(draft), join(draft.proposal), columns(draft), rows(draft)]
        .concat()
}

fn images(draft: &Draft<'_>) -> String {
    let proposal = draft.proposal;
    let such = proposal.example.as_ref().map(|path| format!(", such as {path}")).unwrap_or_default();
    let said = match proposal.images {
        0 => "The images: a folder, a glob, an archive or an address.".to_owned(),
        images => format!("{}{such}.", counted(images, "image")),
    };
    let written: Vec<String> = draft.sources.images.iter().map(|place| scalar(&place.to_string())).collect();
    comment("  ", &said) + &one_or_list("images", &written)
}

fn table(draft: &Draft<'_>) -> String {
    let (proposal, table) = (draft.proposal, &draft.sources.metadata);
    let said = match proposal.rows {
        rows if proposal.table.is_some() => format!(
            "The folders of the {}, as a table of their own: `cliptune new` wrote it, and whoever adds images adds their rows.",
            counted(rows, "image")
        ),
        0 => "The table: a row for each image, or several.".to_owned(),
        rows => format!(
            "{} with {}{}.",
            counted(rows, "row"),
            counted(proposal.columns, "column"),
            looked_at(proposal)
        ),
    };
    let written: Vec<String> = table.locations.iter().map(|place| scalar(&place.to_string())).collect();
    match (table.format, &table.table) {
        (TableFormat::Beside, _) => comment("  ", &format!("The table lies with the images: {said}")),
        (_, None) => comment("  ", &said) + &one_or_list("metadata", &written),
        (_, Some(name)) => {
            let files = format!("[{}]", written.join(", "));
            comment("  ", &said) + &format!("  metadata: {{ file: {files}, table: {} }}\n", scalar(name))
        }
    }
}

/// Says how much of a large table was looked at.
fn looked_at(proposal: &Proposal) -> String {
    match proposal.looked_at < proposal.rows {
        true => {
            format!(", of which {} were looked at for what their columns mean", count(proposal.looked_at))
        }
        false => String::new(),
    }
}

fn one_or_list(key: &str, written: &[String]) -> String {
    match written {
        [only] => format!("  {key}: {only}\n"),
        several => {
            let lines: String = several.iter().map(|one| format!("    - {one}\n")).collect();
            format!("  {key}:\n{lines}")
        }
    }
}

fn join(proposal: &Proposal) -> String {
    let line = |join: &Join| {
        format!(
            "join: {{ image: {}, metadata: {} }}",
            scalar(join.image.as_written()),
            scalar(&join.metadata)
        )
    };
    let taken = proposal.join.taken().map(|join| {
        comment("  ", &format!("Which image belongs to which row: {}.", join.why))
            + &format!("  {}\n", line(&join.value))
    });
    taken.unwrap_or_default() + &others("  ", &proposal.join, |join| vec![line(join)])
}

fn columns(draft: &Draft<'_>) -> String {
    let proposal = draft.proposal;
    let own = meaning(&draft.items.value);
    let lines: String = task(&draft.items.value).iter().map(|line| format!("    {line}\n")).collect();
    let id = "What a row is called in predictions and messages";
    let group = "What must not be in two splits";
    "  columns:\n".to_owned()
        + &comment("    ", &format!("{own}: {}.", draft.items.why))
        + &lines
        + &others("    ", &proposal.items, task)
        + &column("id", id, &proposal.id)
        + &column("group", group, &proposal.group)
}

/// Says what an item is.
fn meaning(items: &Task) -> &'static str {
    match items {
        Task::Choice { .. } => "Each row has an image and several texts, one of which is right",
        Task::Pairs { .. } => "Each row has an image and its caption",
        Task::Classes { .. } => {
            "Each row has an image and its class, which is to be told from all classes of the data"
        }
    }
}

/// Returns the lines that say what an item is.
fn task(items: &Task) -> Vec<String> {
    match items {
        Task::Choice { choices, label: Label { column, declared } } => {
            let label = match declared {
                None => scalar(column),
                Some(reading) => format!("{{ column: {}, is: {} }}", scalar(column), reading.as_str()),
            };
            vec![format!("choices: {}", scalar(choices)), format!("label: {label}")]
        }
        Task::Pairs { text } => vec![format!("text: {}", scalar(text))],
        Task::Classes { class, .. } => {
            vec![format!("classes: {}", scalar(class)), "templates: [\"a photo of a {}\"]".to_owned()]
        }
    }
}

/// Writes a key of `columns` that an experiment can do without.
fn column(key: &str, meaning: &str, guesses: &Guesses<String>) -> String {
    let line = |column: &String| format!("{key}: {}", scalar(column));
    let taken = guesses.taken().map(|guess| {
        comment("    ", &format!("{meaning}: {}.", guess.why)) + &format!("    {}\n", line(&guess.value))
    });
    taken.unwrap_or_default() + &others("    ", guesses, |column| vec![line(column)])
}

/// Writes what is plausible and not taken, as comments.
fn others<T>(indent: &str, guesses: &Guesses<T>, lines: impl Fn(&T) -> Vec<String>) -> String {
    let other = |why: &str, lines: &[String]| {
        comment(indent, &format!("Perhaps instead: {why}.")) + &setting(indent, lines)
    };
    guesses.others().map(|guess| other(&guess.why, &lines(&guess.value))).collect()
}

/// Writes which rows are taken, and what for.
fn rows(draft: &Draft<'_>) -> String {
    let proposal = draft.proposal;
    if draft.is_tutorial() {
        return comment(
            "  ",
            "Ten rows, all of which train. The scores are of the same ten rows: they say what was learned by heart.",
        ) + "  sample: { rows: 10, seed: 0 }\n  deduplicate: false\n\
               \x20 split: { by: row, train: 1, validation: 0, test: 0 }\n";
    }
    if let Some(split) = proposal.split.taken() {
        return comment("  ", &format!("Which rows train, validate and test: {}.", split.why))
            + &format!("  {}\n", divided(&split.value))
            + &others("  ", &proposal.split, |split| vec![divided(split)]);
    }
    comment(
        "  ",
        "Which rows train, validate and test: what shares a group or a text stays together, so that nothing that is tested was \
         seen in training.",
    ) + "  split: { by: component, train: 0.8, validation: 0.1, test: 0.1, seed: 0 }\n"
        + &others("  ", &proposal.split, |split| vec![divided(split)])
}

/// Returns the line that says which column divides the rows.
fn divided(split: &SplitColumn) -> String {
    let column = scalar(&split.column);
    match split.names {
        Parts::Splits => format!("split: {{ column: {column} }}"),
        Parts::Folds => format!("split: {{ folds: {column}, test_fold: 0 }}"),
    }
}

pub(crate) fn model() -> String {
    "model:\n".to_owned()
        + &comment(
            "  ",
            "Where the weights start from: a model of the Hugging Face hub, which the first run downloads, or a folder. To try \
             everything without a download, start from random weights instead:",
        )
        + &setting("  ", &["from: scratch".to_owned(), "architecture: tiny".to_owned()])
        + &format!("  from: {BASE}\n")
}

/// Writes how the weights are fitted and what is scored.
pub(crate) fn training(draft: &Draft<'_>) -> String {
    let said = comment(
        "",
        "How the weights are fitted. Without `train` the model is scored as it is: what training has to beat.",
    );
    if draft.is_tutorial() {
        return said
            + "train:\n  objective: choice\n  reduction: sum\n  epochs: 5\n  batch_size: 2\n  shuffle: false\n\
               \x20 optimizer: { name: adam, lr: 1e-4 }\n  schedule: { warmup_steps: 0, decay: constant }\n  select: last\n\
               \nscore: { splits: [train] }\n";
    }
    let select = match draft.is_unvalidated() {
        true => comment("  ", "No row validates, so that the last epoch is kept.") + "  select: last\n",
        false => {
            comment("  ", "The epoch that is best on the validation split is kept.")
                + "  select: validation.accuracy\n"
        }
    };
    let score = if draft.is_unvalidated() { "\nscore: { splits: [test] }\n" } else { "" };
    said + "train:\n"
        + &objective(&draft.items.value)
        + "  epochs: 10\n  batch_size: 64\n"
        + &select
        + score
        + "\n"
        + &comment("", "Each seed is a run of its own. Several tell luck from progress: [0, 1, 2].")
        + "seeds: [0]\n"
}

fn objective(items: &Task) -> String {
    let (said, objective) = match items {
        Task::Choice { .. } => {
            ("Each image against its own texts; `contrastive` is against those of the whole batch.", "choice")
        }
        Task::Pairs { .. } => (
            "Each image against the captions of its batch, and each caption against the images.",
            "contrastive",
        ),
        Task::Classes { .. } => ("Each image against all classes.", "choice"),
    };
    comment("  ", said) + &format!("  objective: {objective}\n")
}
