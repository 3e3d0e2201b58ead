//! Captions and classes, and which kind of item is the likeliest.

use cliptune_experiment::{Task, Templates};
use cliptune_propose::{Guess, Guesses, SplitColumn};
use cliptune_terminal::format::counted;

use super::columns::{Look, Seen};
use super::names::hint;
use crate::table::Kind;

/// Words in the names of columns that hold captions, the most telling ones first.
const CAPTIONS: [&str; 9] =
    ["caption", "text", "txt", "description", "sentence", "prompt", "title", "alt", "summary"];
/// Words in the names of columns that hold classes, the most telling ones first.
const CLASSES: [&str; 12] = [
    "class", "category", "label", "cls", "species", "breed", "kind", "type", "genre", "style", "tag",
    "target",
];
/// Words in the names of columns that divide rows. A model has nothing to learn from their values.
const PARTS: [&str; 3] = ["fold", "split", "partition"];
/// The number of words from which on a text is more likely a caption than the name of a class.
const SENTENCE: f64 = 3.0;
/// The number of characters on average beyond which a text is more than a model reads: 77 tokens.
const LONG: f64 = 400.0;
/// The number of guesses of each kind that a reader can weigh.
const FEW: usize = 2;

/// A column that may be what an item is about.
struct Candidate<'s> {
    column: &'s Seen,
    /// The place of its name among the words, and `usize::MAX` where it has none of them.
    hint: usize,
}

impl Candidate<'_> {
    fn is_hinted(&self) -> bool {
        self.hint < usize::MAX
    }
}

/// Puts all guesses of what an item is into one order. Texts of which one is right are no accident, so that they come first.
pub(super) fn rank(
    choices: Vec<Guess<Task>>,
    look: &Look<'_>,
    seen: &[Seen],
    split: &Guesses<SplitColumn>,
) -> Guesses<Task> {
    let is_free = |column: &&Seen| {
        let name = column.name.as_str();
        let is_split =
            hint(name, &PARTS).is_some() || split.all.iter().any(|split| split.value.named == name);
        // Names like `__url__` are those of tools, for their own use.
        Some(name) != look.joined
            && !name.starts_with("__")
            && !is_split
            && !is_label(&choices, name)
            && 2 * column.is.filled >= look.rows()
    };
    let free: Vec<&Seen> = seen.iter().filter(is_free).collect();
    let (captions, classes) = (captions(&free), classes(&free));
    let is_caption =
        captions.first().is_some_and(|best| best.is_hinted() || best.column.is.words >= SENTENCE);
    let is_class = classes.first().is_some_and(Candidate::is_hinted);
    let is_named = captions.first().is_some_and(Candidate::is_hinted);
    let of_captions: Vec<_> = captions.into_iter().take(FEW).map(|caption| pair(caption.column)).collect();
    let of_classes: Vec<_> = classes.into_iter().take(FEW).map(|class| class_of(class.column)).collect();
    let lists = if of_captions.is_empty() && choices.is_empty() { first_of_lists(look) } else { Vec::new() };
    let captions_first = is_caption && (is_named || !is_class);
    let others = match captions_first {
        true => of_captions.into_iter().chain(of_classes),
        false => of_classes.into_iter().chain(of_captions),
    };
    Guesses::first_of(choices.into_iter().chain(others).chain(lists).collect())
}

/// Checks whether a column says which choice is right.
fn is_label(choices: &[Guess<Task>], name: &str) -> bool {
    choices.iter().any(|guess| matches!(&guess.value, Task::Choice { label, .. } if label.column == name))
}

/// Finds columns of texts that differ from image to image, the likeliest first.
fn captions<'s>(free: &[&'s Seen]) -> Vec<Candidate<'s>> {
    let is_caption = |candidate: &Candidate<'_>| {
        let Seen { is, kind, .. } = candidate.column;
        let differs = 2 * is.distinct >= is.images.max(1) && is.distinct > 1;
        let reads = candidate.is_hinted() || is.words >= 2.0;
        let is_text = matches!(kind, Kind::Text | Kind::Json);
        is_text && differs && reads && !candidate.column.is_numeric() && !candidate.column.is_listed()
    };
    let mut found = candidates(free, &CAPTIONS, is_caption);
    found.sort_by_key(|candidate| (candidate.column.is.letters > LONG, candidate.hint));
    found
}

/// Finds columns of few values, each of which many images have, the likeliest first.
fn classes<'s>(free: &[&'s Seen]) -> Vec<Candidate<'s>> {
    let is_class = |candidate: &Candidate<'_>| {
        let is = &candidate.column.is;
        let images = if is.images == 0 { is.filled } else { is.images };
        let repeats =
            if candidate.is_hinted() { 2 * is.distinct <= images } else { 3 * is.distinct <= images };
        let is_name = is.letters <= 40.0 && is.words <= 4.0;
        let is_number = candidate.column.is_numeric() && !candidate.is_hinted();
        is.distinct > 1 && repeats && is_name && !is_number && !candidate.column.is_listed()
    };
    let mut found = candidates(free, &CLASSES, is_class);
    // A model reads the name of a class, so that words come before numbers, whatever these are called.
    found.sort_by_key(|candidate| {
        let of_image = candidate.column.is_of_image();
        (candidate.column.is_numeric(), !candidate.is_hinted(), !of_image, candidate.hint)
    });
    found
}

fn candidates<'s>(
    free: &[&'s Seen],
    words: &[&str],
    is_meant: impl Fn(&Candidate<'_>) -> bool,
) -> Vec<Candidate<'s>> {
    let named = |column: &Seen| hint(&column.name, words).unwrap_or(usize::MAX);
    let all = free.iter().map(|&column| Candidate { column, hint: named(column) });
    all.filter(|candidate| is_meant(candidate)).collect()
}

fn pair(column: &Seen) -> Guess<Task> {
    let Seen { name, is, .. } = column;
    let words = (is.words.round() as u64).max(1);
    let why = format!(
        "`{name}` has {} in {}, of {} on average",
        counted(is.distinct, "different text"),
        counted(is.filled, "row"),
        counted(words, "word")
    );
    Guess::new(Task::Pairs { text: name.clone() }, why)
}

fn class_of(column: &Seen) -> Guess<Task> {
    let Seen { name, is, .. } = column;
    let read = match column.is_numeric() {
        true => "; a model reads the name of a class, so that a column of words would be better",
        false => "",
    };
    let (values, rows) = (counted(is.distinct, "different value"), counted(is.filled, "row"));
    let task = Task::Classes { class: name.clone(), templates: Templates::default() };
    Guess::new(task, format!("`{name}` has {values} in {rows}{read}"))
}

/// Returns captions of which each image has several, in a list, with nothing to say that one is right. The first of them is taken.
fn first_of_lists(look: &Look<'_>) -> Vec<Guess<Task>> {
    let lists = look.table.columns().iter().filter_map(|column| {
        let kind = Kind::parse(&column.sql_type);
        let Kind::List(of) = &kind else { return None };
        let text = kind.as_text(&crate::table::plain_name(&column.name)).filter(|_| **of == Kind::Text)?;
        let why =
            format!("`{}` has a list of texts, and no column says that one of them is right", column.name);
        Some(Guess::new(Task::Pairs { text }, format!("{why}; this is the first one")))
    });
    lists.take(FEW).collect()
}
