//! What an experiment about the drawn contest says.

use cliptune_experiment::{ImageKey, Join, Label, LabelReading, Task, TaskKind, Templates};

use crate::proposal::{Guess, Guesses, Proposal};

/// Returns what an experiment says of the drawn contest, whose columns are known before it is drawn. How many images and rows there
/// will be is not.
pub fn demo(kind: TaskKind) -> Proposal {
    let join = Join { image: ImageKey::Name, metadata: "filename".to_owned() };
    Proposal {
        join: Guesses::first_of(vec![Guess::new(
            join,
            "the column `filename` has the file name of each row's cartoon",
        )]),
        items: Guesses::first_of(vec![items(kind)]),
        id: one("instance_id", "each row of the contest has one of its own"),
        group: one("contest_number", "a cartoon and all that was written about it is one contest"),
        ..Proposal::default()
    }
}

fn one(column: &str, why: &str) -> Guesses<String> {
    Guesses::first_of(vec![Guess::new(column.to_owned(), why)])
}

fn items(kind: TaskKind) -> Guess<Task> {
    match kind {
        TaskKind::Choice => {
            let label = Label { column: "label".to_owned(), declared: Some(LabelReading::Letter) };
            let task = Task::Choice { choices: "caption_choices".to_owned(), label };
            Guess::new(
                task,
                "`caption_choices` has five captions in every row, and `label` has the letter of the winning one",
            )
        }
        TaskKind::Pairs => {
            let text = "image_description".to_owned();
            Guess::new(Task::Pairs { text }, "`image_description` says what is to be seen in each cartoon")
        }
        TaskKind::Classes => {
            let class = "image_location".to_owned();
            let task = Task::Classes { class, templates: Templates::default() };
            Guess::new(task, "`image_location` has one of a few places in every row")
        }
    }
}
