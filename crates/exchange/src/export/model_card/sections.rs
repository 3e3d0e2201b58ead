//! What a card says in words and tables: the model, its scores, its data, its training and its limits.

use std::borrow::Cow;
use std::time::Duration;

use cliptune_documents::{markdown_line, markdown_text};
use cliptune_experiment::{Location, Split, TaskKind, spelled};
use cliptune_query::{kept, kept_alpha_of};
use cliptune_statistics::few_groups;
use cliptune_store::{Base, DatasetRecord, Estimate, Scores};
use cliptune_terminal::format::{counted, duration, number, percent};

use super::Card;

/// Returns the scores with those of the test split first, because that is what a reader looks for.
pub(super) fn by_weight(scores: &[Scores]) -> impl Iterator<Item = &Scores> {
    let order = [Split::Test, Split::Validation, Split::Train];
    order.into_iter().filter_map(move |split| scores.iter().find(|scores| scores.split == split))
}

/// Returns the names of the files that the data comes from. What lies above them on this machine is nobody's business.
pub(super) fn table_name(card: &Card<'_>) -> String {
    let data = &card.content.run.record().plan.data;
    let locations = match data.metadata.locations.as_slice() {
        [] => &data.images,
        _ => &data.metadata.locations,
    };
    let names: Vec<Cow<'_, str>> = locations.iter().map(place).collect();
    names.join(", ")
}

fn place(location: &Location) -> Cow<'_, str> {
    match location {
        Location::Local(_) => Cow::Borrowed(location.file_name().unwrap_or("a folder")),
        Location::Remote(address) => Cow::Owned(address.to_string()),
    }
}

/// Says which model this is.
pub(super) fn introduction(card: &Card<'_>) -> String {
    let record = card.content.run.record();
    let description = record.plan.description.as_deref().map(|text| format!("{}\n\n", markdown_text(text)));
    let family = card.config.family.title();
    let size = card.config.vision.image_size;
    let tokens = card.config.text.context_length;
    format!(
        "# {}\n\n{}A {family} for images of {size} × {size} pixels and texts of up to {tokens} tokens, {}. Made with cliptune {}.\n\n\
         <!-- To fill in: what the model is for, and who made it. -->\n",
        markdown_text(card.content.name()),
        description.unwrap_or_default(),
        origin(card),
        markdown_text(&record.provenance.cliptune),
    )
}

/// Says where the weights come from, in words that continue a sentence.
fn origin(card: &Card<'_>) -> String {
    let record = card.content.run.record();
    let from = match &record.base {
        Base::Scratch => "random weights".to_owned(),
        Base::Folder { hash } => format!("a model with the BLAKE3 {}", markdown_text(hash)),
        Base::Hub { id, commit, .. } => {
            format!("{} at commit {}", markdown_text(id), markdown_text(commit))
        }
        Base::Run { run, .. } => {
            let began = card.hub_model().map(|id| format!(", which began as {}", markdown_text(id)));
            format!("the model of the run {}{}", markdown_text(run), began.unwrap_or_default())
        }
    };
    let weights = match &record.base {
        Base::Scratch => from.clone(),
        _ => format!("the weights of {from}"),
    };
    match (&record.plan.train, record.kept_start()) {
        (None, _) => format!("with {weights} as they are"),
        (Some(_), true) => format!("with {weights}: no epoch of the training was better"),
        (Some(_), false) => format!("trained from {from}"),
    }
}

/// Returns the scores of each split.
pub(super) fn scores(card: &Card<'_>) -> String {
    let tables: Vec<String> = by_weight(&card.content.scores).map(of_split).collect();
    match tables.is_empty() {
        true => "## Scores\n\nNot scored: nothing is known of how good this model is.\n".to_owned(),
        false => format!("## Scores\n\n{}", tables.join("\n")),
    }
}

fn of_split(scores: &Scores) -> String {
    let mut text = format!(
        "### {}: {} in {}\n\n| metric | value | 95 % interval | guessing |\n|---|---:|---:|---:|\n",
        scores.split.as_str(),
        counted(scores.n_items as u64, "item"),
        counted(scores.n_groups as u64, "group"),
    );
    for (name, estimate) in &scores.metrics.0 {
        let missing = || "–".to_owned();
        let interval = interval(estimate).unwrap_or_else(missing);
        let chance = scores.chances.get(name).map_or_else(missing, |chance| number(*chance));
        let row = [name.as_str(), &number(estimate.value), &interval, &chance];
        text.push_str(&format!("{}\n", markdown_line(row)));
    }
    let method = scores.metrics.0.first().map(|(_, estimate)| estimate.method.as_str()).unwrap_or_default();
    text.push_str(&format!(
        "\nIntervals: {}. Of the first metric: {}.\n",
        markdown_text(method),
        markdown_text(&scores.remarks())
    ));
    text
}

/// Returns the ends of an interval, if there is one.
pub(super) fn interval(estimate: &Estimate) -> Option<String> {
    let Estimate { low, high, .. } = estimate;
    (low.is_finite() && high.is_finite()).then(|| format!("{} to {}", number(*low), number(*high)))
}

/// Says what the model was tuned and scored on.
pub(super) fn data(card: &Card<'_>) -> String {
    let record = card.content.run.record();
    let task = match record.plan.data.columns.task.kind() {
        TaskKind::Choice => "an image with several texts, of which one is right",
        TaskKind::Pairs => "an image with its own text",
        TaskKind::Classes => "an image of one of several classes",
    };
    let known = match &card.dataset {
        Some(dataset) => splits(dataset),
        None => "The dataset is no longer beside the run, so that nothing more is known of it.\n".to_owned(),
    };
    format!(
        "## Data\n\nAn item is {task}. The data is that of {} (dataset {}).\n\n{known}\n\
         <!-- To fill in: where the data comes from, whose it is, who is in it, and what may be done with it. -->\n",
        markdown_text(&table_name(card)),
        markdown_text(&record.dataset),
    )
}

fn splits(dataset: &DatasetRecord) -> String {
    let mut text = "| split | items | groups | images |\n|---|---:|---:|---:|\n".to_owned();
    for split in Split::ALL.map(Split::as_str) {
        let Some(counts) = dataset.splits.get(split) else { continue };
        let numbers = [counts.items, counts.groups, counts.images].map(|number| number.to_string());
        let row = std::iter::once(split).chain(numbers.iter().map(String::as_str));
        text.push_str(&format!("{}\n", markdown_line(row)));
    }
    let leaks: Vec<String> =
        dataset.leaks.by_kind().into_iter().map(|(number, kind)| counted(number, kind)).collect();
    text.push_str(&match leaks.is_empty() {
        true => "\nNothing is in more than one split.\n".to_owned(),
        false => format!("\nIn more than one split: {}.\n", leaks.join(", ")),
    });
    if let [first, .., last] = dataset.classes.as_slice() {
        let count = counted(dataset.classes.len() as u64, "class");
        let (first, last) = (markdown_text(first), markdown_text(last));
        text.push_str(&format!("\n{count}, from {first} to {last}.\n"));
    }
    text
}

/// Says how the model was trained.
pub(super) fn training(card: &Card<'_>) -> String {
    let record = card.content.run.record();
    if record.plan.train.is_none() {
        return "## Training\n\nNothing was trained.\n".to_owned();
    }
    let alpha = kept_alpha_of(&card.content.run).ok().flatten();
    let time = record.end.as_ref().and_then(|end| Duration::try_from_secs_f64(end.seconds).ok());
    let facts = [
        ("kept", kept(record, alpha)),
        ("seed", Some(record.seed.to_string())),
        ("device", Some(record.provenance.device.clone())),
        ("time", time.map(duration)),
        ("code", record.provenance.git_commit.clone()),
        ("run", Some(card.content.run.id())),
    ];
    let mut text = "## Training\n\n| | |\n|---|---|\n".to_owned();
    for (name, value) in facts.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        text.push_str(&format!("{}\n", markdown_line([name, &value])));
    }
    let settings = record.plan.settings().into_iter().filter(|(key, _)| key.starts_with("train."));
    for (key, value) in settings {
        text.push_str(&format!("{}\n", markdown_line([key.as_str(), &spelled(&value)])));
    }
    text
}

/// Says what is not known.
pub(super) fn limits(card: &Card<'_>) -> String {
    let mut text = "## Limits\n\n".to_owned();
    let first = by_weight(&card.content.scores).next();
    if let Some(scores) = first {
        let (items, groups) = (scores.n_items as u64, scores.n_groups);
        let few = few_groups(groups).map(|few| format!(" Each interval is {few}.")).unwrap_or_default();
        let is_trained_on = scores.split == Split::Train && card.content.run.record().plan.train.is_some();
        let hold = match is_trained_on {
            true => "The scores are of items that the model was trained on, and say nothing about others",
            false => "The scores hold for data like the above",
        };
        text.push_str(&format!(
            "- {hold}: they are of {} in {}. Guessing reaches {}.{few}\n",
            counted(items, "item"),
            counted(groups as u64, "group"),
            percent(scores.chance),
        ));
    }
    text.push_str(
        "- Nothing was measured on other images, on other languages, or on who is shown in them. Whatever the starting weights \
         and the data have learned of people is in this model, too.\n\n\
         <!-- To fill in: what the model must not be used for. -->\n",
    );
    text
}
