//! What an experiment about some data could say.

use cliptune_experiment::{Join, Task, TaskKind};
use serde::{Deserialize, Serialize};

/// What was seen of images and a table, and what an experiment about them could say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// The number of images.
    pub images: u64,
    /// What one of them is called.
    pub example: Option<String>,
    /// The number of rows of the table.
    pub rows: u64,
    /// The number of rows whose columns were looked at.
    pub looked_at: u64,
    /// The number of columns of the table.
    pub columns: u64,
    /// Which image belongs to which row. There is nothing to say of a table that lies with the images.
    pub join: Guesses<Join>,
    /// What an item is.
    pub items: Guesses<Task>,
    /// The column or SQL expression that identifies a row.
    pub id: Guesses<String>,
    /// The column or SQL expression whose values must not cross a split.
    pub group: Guesses<String>,
    /// The column that says which rows train, validate and test, or which fold each is in.
    pub split: Guesses<SplitColumn>,
    /// The text of a table that is to lie with the experiment, where there was none and folders are classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

impl Proposal {
    /// Keeps only items of one kind. Returns whether there are any.
    pub fn keep(&mut self, kind: TaskKind) -> bool {
        self.items.all.retain(|items| items.value.kind() == kind);
        self.items.taken = (!self.items.all.is_empty()).then_some(0);
        self.keep_apart();
        self.items.taken.is_some()
    }

    /// Drops an identifier and a group that are what items are about, once that is chosen: where classes were groups, no class would be
    /// in two splits.
    pub fn keep_apart(&mut self) {
        let Self { items, id, group, .. } = self;
        let Some(items) = items.taken() else { return };
        id.retain(|column| !is_about(&items.value, column));
        group.retain(|column| !is_about(&items.value, column));
    }
}

/// Checks whether a column is what items are about.
pub fn is_about(items: &Task, column: &str) -> bool {
    match items {
        Task::Choice { choices, label } => choices == column || label.column == column,
        Task::Pairs { text } => text == column,
        Task::Classes { class, .. } => class == column,
    }
}

/// A column or an SQL expression that divides the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitColumn {
    /// What it names.
    pub names: Parts,
    /// The column, or the SQL expression that translates its values.
    pub column: String,
    /// The name of the column whose values these are.
    pub named: String,
    /// Whether any row validates. Otherwise no epoch can be chosen by validation.
    pub validates: bool,
}

/// The parts that rows are divided into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Parts {
    /// Those that train, validate and test.
    Splits,
    /// The folds of a cross-validation.
    Folds,
}

/// Something that an experiment could say, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guess<T> {
    /// What it could say.
    pub value: T,
    /// The reason, as a sentence without its full stop.
    pub why: String,
}

/// What an experiment could say of one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guesses<T> {
    /// All that is plausible, the likeliest first.
    pub all: Vec<Guess<T>>,
    /// The place of the one that is taken. Where none is, what is plausible is left to whoever reads the file.
    pub taken: Option<usize>,
}

impl<T> Default for Guesses<T> {
    fn default() -> Self {
        Self { all: Vec::new(), taken: None }
    }
}

impl<T> Guesses<T> {
    /// Takes the first of some guesses, if there is any.
    pub fn first_of(all: Vec<Guess<T>>) -> Self {
        let taken = (!all.is_empty()).then_some(0);
        Self { all, taken }
    }

    /// Offers guesses of which none is taken.
    pub fn offered(all: Vec<Guess<T>>) -> Self {
        Self { all, taken: None }
    }

    /// Returns the guess that is taken.
    pub fn taken(&self) -> Option<&Guess<T>> {
        self.all.get(self.taken?)
    }

    /// Returns the guesses that are not taken.
    pub fn others(&self) -> impl Iterator<Item = &Guess<T>> {
        self.all.iter().enumerate().filter(|(at, _)| Some(*at) != self.taken).map(|(_, guess)| guess)
    }

    /// Drops what is not plausible any more. Nothing is taken in place of it.
    fn retain(&mut self, is_kept: impl Fn(&T) -> bool) {
        let is_kept = |guess: &Guess<T>| is_kept(&guess.value);
        let place = self.taken.filter(|_| self.taken().is_some_and(is_kept));
        self.taken = place.map(|place| self.all.iter().take(place).filter(|guess| is_kept(guess)).count());
        self.all.retain(is_kept);
    }

    /// Checks whether anything but what is taken is plausible.
    pub fn is_unsure(&self) -> bool {
        self.others().next().is_some()
    }
}

impl<T> Guess<T> {
    /// Returns a guess with its reason.
    pub fn new(value: T, why: impl Into<String>) -> Self {
        Self { value, why: why.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guesses<'n>(names: &[&'n str]) -> Vec<Guess<&'n str>> {
        names.iter().map(|name| Guess::new(*name, "it looks like it")).collect()
    }

    #[test]
    fn one_guess_is_sure_and_two_are_not() {
        assert!(!Guesses::<&str>::default().is_unsure());
        assert!(!Guesses::first_of(guesses(&["a"])).is_unsure());
        let two = Guesses::first_of(guesses(&["a", "b"]));
        assert!(two.is_unsure());
        assert_eq!(two.taken().map(|guess| guess.value), Some("a"));
        assert_eq!(two.others().map(|guess| guess.value).collect::<Vec<_>>(), ["b"]);
        // What nobody takes is an open question, too.
        assert!(Guesses::offered(guesses(&["a"])).is_unsure());
    }

    #[test]
    fn a_kind_of_item_that_is_asked_for_comes_first_or_not_at_all() {
        let pairs = |text: &str| Guess::new(Task::Pairs { text: text.to_owned() }, "");
        let classes = Task::Classes { class: "kind".to_owned(), templates: Default::default() };
        let mut proposal = Proposal {
            items: Guesses::first_of(vec![pairs("caption"), Guess::new(classes, "")]),
            ..Proposal::default()
        };
        assert!(proposal.keep(TaskKind::Classes));
        assert_eq!(proposal.items.all.len(), 1);
        assert!(!proposal.keep(TaskKind::Choice));
        assert_eq!(proposal.items, Guesses::default());
    }

    #[test]
    fn what_items_are_about_is_no_group_of_them() {
        let named = |names: &[&str]| names.iter().map(|name| Guess::new((*name).to_owned(), "")).collect();
        let of_class = |class: &str| Task::Classes { class: class.to_owned(), templates: Default::default() };
        let of = |class: &str, taken: usize| {
            let mut proposal = Proposal {
                items: Guesses::first_of(vec![Guess::new(of_class(class), "")]),
                group: Guesses { all: named(&["scene", "author"]), taken: Some(taken) },
                ..Proposal::default()
            };
            proposal.keep_apart();
            (proposal.group.all.len(), proposal.group.taken().map(|group| group.value.clone()))
        };
        assert_eq!(of("kind", 0), (2, Some("scene".to_owned())));
        assert_eq!(of("scene", 0), (1, None), "nobody has chosen the other one");
        assert_eq!(of("scene", 1), (1, Some("author".to_owned())));
    }
}
