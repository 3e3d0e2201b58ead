//! A proposal as an experiment file.

use cliptune_experiment::{Columns, DataPlan, ExperimentName, Plan, SplitBy, Task};

use crate::proposal::{Guess, Parts, Proposal, SplitColumn};
use crate::sections;
use crate::template::Template;

/// An experiment file that is about to be written.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// The experiment's name.
    pub(crate) name: &'a ExperimentName,
    /// The images and the table, their paths as they are seen from the folder of the file.
    pub(crate) sources: &'a DataPlan,
    pub(crate) proposal: &'a Proposal,
    /// What an item is, and why.
    pub(crate) items: &'a Guess<Task>,
    pub(crate) template: Option<Template>,
}

impl<'a> Draft<'a> {
    /// Makes a draft of what a proposal has taken; `None` where it has not taken what an item is.
    pub fn of(
        name: &'a ExperimentName,
        sources: &'a DataPlan,
        proposal: &'a Proposal,
        template: Option<Template>,
    ) -> Option<Self> {
        let items = proposal.items.taken()?;
        Some(Self { name, sources, proposal, items, template })
    }

    /// Returns the text of the file.
    pub fn text(&self) -> String {
        [sections::top(self), sections::data(self), sections::model(), sections::training(self)].join("\n")
    }

    /// Checks whether a plan says of the data what the draft does. It does not where a name has lost its meaning on the way through
    /// the file.
    pub fn is_said_by(&self, plan: &Plan) -> bool {
        let join = self.proposal.join.taken().map(|join| &join.value);
        let columns = Columns {
            task: self.items.value.clone(),
            id: self.proposal.id.taken().map(|id| id.value.clone()),
            group: self.proposal.group.taken().map(|group| group.value.clone()),
            vocabulary: Vec::new(),
        };
        let split = match &plan.data.split.by {
            SplitBy::Column(column) => Some((column, plan.data.split.folds.is_some())),
            SplitBy::Component { .. } | SplitBy::Group | SplitBy::Row => None,
        };
        let own_split = self.split().map(|split| (&split.column, split.names == Parts::Folds));
        plan.experiment == *self.name
            && (join.is_none() || plan.data.join.as_ref() == join)
            && plan.data.columns == columns
            && split == own_split
    }

    /// Returns the column that says which rows train, validate and test. The tutorial takes all rows for both.
    fn split(&self) -> Option<&'a SplitColumn> {
        let split = self.proposal.split.taken().filter(|_| !self.is_tutorial());
        split.map(|split| &split.value)
    }

    /// Checks whether no row validates.
    pub(crate) fn is_unvalidated(&self) -> bool {
        let split = self.proposal.split.taken();
        self.is_tutorial() || split.is_some_and(|split| !split.value.validates)
    }

    pub(crate) fn is_tutorial(&self) -> bool {
        self.template == Some(Template::Tutorial)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use cliptune_experiment::{ImageKey, Join, Label, LabelReading, Location, TaskKind, Templates, reread};
    use cliptune_terminal::format::visible;
    use proptest::prelude::*;

    use super::*;
    use crate::proposal::Guesses;

    /// The sources that people have most often.
    fn sources() -> DataPlan {
        let text = "name: new\ndata: { images: images, metadata: table.csv, columns: { text: text } }\n\
                    model: { from: openai/clip-vit-base-patch32 }\n";
        reread(text, Path::new("/data")).unwrap().seen_from(Path::new("/data"), Path::new("/data")).data
    }

    /// Reads a draft again and checks that it has kept its meaning.
    fn kept(proposal: &Proposal, template: Option<Template>) -> String {
        let (name, sources) = ("own".parse().unwrap(), sources());
        let draft = Draft::of(&name, &sources, proposal, template).unwrap();
        let text = draft.text();
        let plan = reread(&text, Path::new("/data"));
        let plan = plan.unwrap_or_else(|error| panic!("{}\n{text}", error.rendered()));
        assert!(draft.is_said_by(&plan), "{text}");
        assert_eq!(plan.data.images, [Location::Local("/data/images".into())], "{text}");
        text
    }

    fn guess<T>(value: T, why: &str) -> Guess<T> {
        Guess::new(value, why)
    }

    fn choice(choices: &str, label: &str, declared: LabelReading) -> Task {
        let label = Label { column: label.to_owned(), declared: Some(declared) };
        Task::Choice { choices: choices.to_owned(), label }
    }

    fn classes(class: &str) -> Task {
        Task::Classes { class: class.to_owned(), templates: Templates::default() }
    }

    fn divided(column: &str, names: Parts, validates: bool) -> SplitColumn {
        SplitColumn { column: column.to_owned(), named: column.to_owned(), names, validates }
    }

    /// A proposal with something to say everywhere.
    fn full() -> Proposal {
        let join = |metadata: &str| Join { image: ImageKey::Name, metadata: metadata.to_owned() };
        let split = divided("part", Parts::Splits, true);
        Proposal {
            images: 60,
            example: Some("1.jpeg".to_owned()),
            rows: 1_140,
            looked_at: 1_140,
            columns: 11,
            join: Guesses::first_of(vec![
                guess(
                    join("filename"),
                    "the values of `filename` are file names of images: 1,140 of 1,140 rows name 60 of 60 images",
                ),
                guess(join("cover"), "the values of `cover` are file names of images, too"),
            ]),
            items: Guesses::first_of(vec![
                guess(
                    choice("options", "label", LabelReading::Letter),
                    "`label` has the letter of one of the texts in `options`",
                ),
                guess(
                    Task::Pairs { text: "caption".to_owned() },
                    "`caption` has 900 different texts of 12 words",
                ),
                guess(classes("kind"), "`kind` has 7 different values"),
            ]),
            id: Guesses::first_of(vec![guess("instance_id".to_owned(), "no two rows have the same")]),
            group: Guesses::offered(vec![guess("contest".to_owned(), "each image has one value")]),
            split: Guesses::offered(vec![guess(split, "`part` has the values train, validation and test")]),
            table: None,
        }
    }

    #[test]
    fn a_file_says_what_is_taken_and_why_and_has_the_rest_as_comments() {
        insta::assert_snapshot!(kept(&full(), Some(Template::Choice)));
    }

    #[test]
    fn the_tutorial_trains_on_ten_rows_and_is_measured_on_them() {
        let text = kept(&full(), Some(Template::Tutorial));
        for line in ["sample: { rows: 10, seed: 0 }", "reduction: sum", "score: { splits: [train] }"] {
            assert!(text.contains(line), "{text}");
        }
        insta::assert_snapshot!(kept(&crate::demo(TaskKind::Choice), Some(Template::Tutorial)));
    }

    #[test]
    fn every_template_about_the_drawn_contest_is_a_whole_experiment() {
        for template in [Template::Tutorial, Template::Retrieval, Template::Classification, Template::Choice]
        {
            let text = kept(&crate::demo(template.kind()), Some(template));
            assert!(!text.contains("0 images") && !text.contains("0 rows"), "{text}");
        }
    }

    #[test]
    fn a_table_without_rows_that_validate_keeps_the_last_epoch() {
        let split = divided("part", Parts::Splits, false);
        let split = Guesses::first_of(vec![guess(split, "`part` has the values train and test")]);
        let text = kept(&Proposal { split, ..full() }, None);
        assert!(text.contains("split: { column: part }") && text.contains("select: last"), "{text}");
        assert!(text.contains("score: { splits: [test] }"), "{text}");
    }

    #[test]
    fn folds_of_a_table_divide_its_rows() {
        let folds = divided("fold", Parts::Folds, true);
        let split = Guesses::first_of(vec![guess(folds, "`fold` has the names of 5 folds")]);
        let text = kept(&Proposal { split, ..full() }, None);
        assert!(text.contains("\n  split: { folds: fold, test_fold: 0 }\n"), "{text}");
        assert!(text.contains("select: validation.accuracy"), "{text}");
    }

    #[test]
    fn nothing_is_drafted_where_nothing_says_what_an_item_is() {
        let (name, sources) = ("own".parse().unwrap(), sources());
        assert!(Draft::of(&name, &sources, &Proposal::default(), None).is_none());
    }

    /// Names that YAML or SQL could take for something else.
    const NAMES: [&str; 14] = [
        "select",
        "order",
        "null",
        "true",
        "7",
        "1e5",
        "a: b",
        "- a",
        "a #b",
        "it's \"a\"",
        "[a]",
        "{a}",
        "a\nb: c",
        "*",
    ];

    fn name() -> impl Strategy<Value = String> {
        let named = proptest::sample::select(&NAMES[..]).prop_map(str::to_owned);
        prop_oneof![
            named,
            any::<String>().prop_filter("a blank name is no column", |name| !name.trim().is_empty())
        ]
    }

    proptest! {
        #[test]
        fn any_names_of_columns_keep_their_meaning(
            [choices, label, text, class, id, group] in [name(), name(), name(), name(), name(), name()],
            [key, part, example] in [name(), name(), name()],
            first in 0..3_usize,
        ) {
            let say = |column: &str| format!("the column `{column}` is called so");
            let mut proposal = full();
            proposal.example = Some(example);
            proposal.join = Guesses::first_of(vec![guess(Join { image: ImageKey::Path, metadata: key.clone() }, &say(&key))]);
            proposal.items.all = vec![
                guess(choice(&choices, &label, LabelReading::Text), &say(&label)),
                guess(Task::Pairs { text: text.clone() }, &say(&text)),
                guess(classes(&class), &say(&class)),
            ];
            proposal.items.taken = Some(first);
            proposal.id = Guesses::first_of(vec![guess(id.clone(), &say(&id))]);
            proposal.group = Guesses::first_of(vec![guess(group.clone(), &say(&group))]);
            let split = divided(&part, Parts::Splits, true);
            proposal.split = Guesses::first_of(vec![guess(split, &say(&part))]);
            let text = kept(&proposal, None);
            for line in text.lines() {
                prop_assert_eq!(visible(line), line);
            }
        }
    }
}
