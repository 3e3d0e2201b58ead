//! Describes how the finding came about, in sentences.

use cliptune_experiment::{Select, Split};
use cliptune_statistics::few_groups;
use cliptune_store::DatasetRecord;
use cliptune_terminal::format::{self, counted, counted_all};

use super::{kind, split_rule};
use crate::data::{BaselineRule, Board, Difference, Entry, ForeignScore, Lineage, ReportData, Test};

/// Returns paragraphs on how the finding came about: what was chosen on which split, how intervals were made, and what
/// leaks.
pub(crate) fn method(data: &ReportData) -> Vec<String> {
    let mut paragraphs: Vec<String> = data.boards.iter().filter_map(|board| named(data, board)).collect();
    paragraphs.extend(data.boards.iter().filter_map(|board| baseline(data, board)));
    if !data.boards.is_empty() {
        paragraphs.push(test_use(data));
    }
    paragraphs.extend(ties(data));
    paragraphs.extend(leaks(data));
    // What is true of the dataset of every fold is said once.
    paragraphs.dedup();
    paragraphs.extend(data.boards.iter().filter_map(|board| board.lineage.map(seen)));
    paragraphs
}

/// Returns a sentence on what the starting weights have seen of the test split.
fn seen(lineage: Lineage) -> String {
    let datasets = counted(lineage.datasets as u64, "dataset");
    match (lineage.seen_images, lineage.unknown) {
        (0, 0) => format!(
            "The weights they start from were trained on {datasets}, with no image of this test split."
        ),
        (0, _) => format!(
            "The weights they start from were trained on {datasets}; whether with images of this test split is not \
             known, because not all of them are part of this report."
        ),
        (images, _) => format!(
            "Caution: the weights they start from were trained with {} of this test split, so the test score is partly \
             memory.",
            counted(images as u64, "image")
        ),
    }
}

/// Returns a sentence on why this entry is the one in the title.
fn named(data: &ReportData, board: &Board) -> Option<String> {
    let row = board.headline_row().filter(|_| board.rows.len() > 2)?;
    let entry = &data.entries[row.entry];
    let why = match entry.validation_score() {
        Some(_) => "it scored best on the validation split, not on the test split",
        None => {
            "it comes first: nothing was scored on a validation split, and the test split must not choose"
        }
    };
    Some(format!("Of {} experiments, {} is named because {why}.", board.rows.len(), entry.name))
}

/// Returns a sentence on what the others are compared with, and why.
fn baseline(data: &ReportData, board: &Board) -> Option<String> {
    let name = &data.entries[board.baseline?].name;
    let why = match board.baseline_rule? {
        BaselineRule::Asked => "as was asked for",
        BaselineRule::Untrained => {
            "the one without training that most others start from or share their start with"
        }
        BaselineRule::First => "which comes first: all were trained",
    };
    Some(format!("Differences are from {name}, {why}."))
}

fn test_use(data: &ReportData) -> String {
    let rules = || data.entries.iter().filter_map(|entry| Some(entry.plan.train.as_ref()?.select));
    let chosen = match (rules().any(|rule| rule != Select::Last), rules().any(|rule| rule == Select::Last)) {
        (true, true) => "Epochs were chosen on the validation split, or the last was taken. ",
        (true, false) => "Epochs were chosen on the validation split. ",
        (false, true) => "The last epoch was taken. ",
        (false, false) => "",
    };
    let mut methods: Vec<String> = data.boards.iter().filter_map(interval_of_score).collect();
    methods.dedup();
    let method = format!(" Intervals are 95 %: {}.", methods.join("; and "));
    let looks: Vec<String> = data.boards.iter().map(|board| looked_at(data, board)).collect();
    format!("{chosen}The test split chose nothing in this report. {}{method}{}", looks.join(" "), tests(data))
}

/// Returns how the interval of a board's score was made, and whether it comes from few groups.
fn interval_of_score(board: &Board) -> Option<String> {
    let method = &board.headline_row().or(board.rows.first())?.score.method;
    let few = few_groups(board.n_groups).filter(|few| !method.contains(few));
    Some(few.map_or_else(|| method.clone(), |few| format!("{method}; {few}")))
}

/// Returns sentences on how often a test split was looked at, which is more than this report can answer for.
fn looked_at(data: &ReportData, board: &Board) -> String {
    let which = if data.boards.len() > 1 { format!("That of {}", kind(board.task)) } else { "It".to_owned() };
    let own: usize = board.rows.iter().map(|row| scored(&data.entries[row.entry])).sum();
    let is_this = |at: usize| data.boards.get(at).is_some_and(|other| std::ptr::eq(other, board));
    let is_on_it = |scored: &ForeignScore| scored.board.is_some_and(is_this);
    let shown = own + data.foreign.iter().filter(|one| one.scored.as_ref().is_some_and(is_on_it)).count();
    let more = match board.test_looks.counts().count > shown {
        true => {
            " That is more than what is shown here: if anything was chosen after one of these looks, it does better on this \
             split than on others."
        }
        false => "",
    };
    format!("{which} was scored {}, up to the last score shown here.{more}", board.test_looks.described())
}

/// Returns the number of runs of an entry that were scored on the test split.
fn scored(entry: &Entry) -> usize {
    entry.runs.iter().filter(|run| run.scores_on(Split::Test).is_some()).count()
}

/// Returns sentences on how p-values were made, and that they are corrected where there are several.
fn tests(data: &ReportData) -> String {
    let rows = data.boards.iter().flat_map(|board| &board.rows);
    let foreign = data.foreign.iter().filter_map(|one| one.scored.as_ref()?.difference.as_ref());
    let differences: Vec<&Difference> =
        rows.filter_map(|row| row.difference.as_ref()).chain(foreign).collect();
    let made = p_values(&differences);
    match differences.len() {
        0 => String::new(),
        1 => format!(" {made}."),
        several => format!(
            " {made}; the {several} differences are corrected for being several by Holm's method, so that the chance of a \
             single wrong finding among them stays below 5 %. Each interval is of its own difference alone."
        ),
    }
}

/// Returns a sentence on where p-values come from.
fn p_values(differences: &[&Difference]) -> String {
    let mut used: Vec<&str> = differences.iter().map(|difference| source(difference.test)).collect();
    used.sort_unstable();
    used.dedup();
    let plural = if differences.len() == 1 { "The p-value comes" } else { "P-values come" };
    format!("{plural} from {}", used.join(", or from "))
}

/// Returns the words for where a p-value comes from.
fn source(test: Test) -> &'static str {
    match test {
        Test::McNemar => "McNemar's test, as a mid-p, where items are independent",
        Test::Permutation(_) => "a permutation of whole groups",
        Test::Resamples => "the resamples of the interval where seeds vary",
    }
}

/// Returns sentences on what became of answers that are neither right nor wrong.
fn ties(data: &ReportData) -> Vec<String> {
    let boards = data
        .boards
        .iter()
        .map(|board| (board, board.rows.iter().map(|row| row.tied).max().unwrap_or_default()));
    let tied = boards.filter(|(board, tied)| *tied > 0 || board.equal_choices > 0);
    tied.map(|(board, tied)| {
        let equal = match board.equal_choices {
            0 => String::new(),
            n => format!(" {} choices that are the same tokens to the model.", have(n)),
        };
        format!(
            "Ties are shared: where a right and a wrong answer score the same, which is so for up to {} of {}, an item \
             counts as its expected value in a random order.{equal}",
            tied,
            counted(board.n_items as u64, &format!("{} item", kind(board.task))),
        )
    })
    .collect()
}

fn have(items: usize) -> String {
    if items == 1 { "1 item has".to_owned() } else { format!("{} items have", format::count(items as u64)) }
}

fn leaks(data: &ReportData) -> Vec<String> {
    data.datasets.iter().filter_map(|dataset| dataset_leaks(dataset, data.datasets.len() > 1)).collect()
}

fn dataset_leaks(dataset: &DatasetRecord, several: bool) -> Option<String> {
    let leaks = dataset.leaks.by_kind();
    if leaks.is_empty() {
        let near = if dataset.knows_near_duplicates() { ", near-duplicate" } else { "" };
        return Some(format!(
            "No group, image{near} or text {}stands in two splits.",
            of_dataset(dataset, several)
        ));
    }
    // An image that was seen in training is worse than one that looks like it, and that is worse than a shared text.
    let consequence = match (dataset.leaks.has_images(), dataset.leaks.near_duplicates) {
        (true, _) => "the test score is partly memory",
        (false, 1..) => "where these are the same picture, the test score is partly memory",
        (false, 0) => "items with these texts may be easier than unseen ones",
    };
    Some(format!(
        "Caution: {} {}{} in more than one split ({}); {consequence}.",
        counted_all(&leaks),
        of_dataset(dataset, several),
        if matches!(leaks[..], [(1, _)]) { "stands" } else { "stand" },
        split_rule(dataset)
    ))
}

fn of_dataset(dataset: &DatasetRecord, several: bool) -> String {
    if several { format!("of the {} dataset ", kind(dataset.task)) } else { String::new() }
}
