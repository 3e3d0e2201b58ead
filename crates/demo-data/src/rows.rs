//! The rows of the table: six for every question, annotated by three describers and two locators.

use crate::plan::{Cartoon, Stream};
use crate::questions::{OPTIONS, Question};
use crate::words::descriptions::{Description, Notes, annotate, describe};
use cliptune_random::Random;

/// The letters of the options.
const LETTERS: [&str; OPTIONS] = ["A", "B", "C", "D", "E"];

/// One row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) contest_number: usize,
    pub(crate) image_location: &'static str,
    pub(crate) image_description: String,
    pub(crate) image_uncanny_description: String,
    pub(crate) entities: Vec<String>,
    pub(crate) questions: Vec<String>,
    pub(crate) caption_choices: [String; OPTIONS],
    pub(crate) from_description: String,
    pub(crate) label: &'static str,
    pub(crate) instance_id: String,
    pub(crate) filename: String,
}

/// Returns the file name of a cartoon.
pub(crate) fn filename(contest_number: usize) -> String {
    format!("{contest_number}.jpeg")
}

/// Returns the rows of one fold.
pub(crate) fn rows(cartoons: &[Cartoon], questions: &[Question], seed: u64) -> Vec<Row> {
    let annotated = cartoons.iter().map(|cartoon| {
        let mut random = Stream::Annotations.random(seed, cartoon.contest_number);
        (describe(cartoon.scene, &mut random), annotate(cartoon.scene, &mut random))
    });
    let annotated = annotated.collect::<Vec<_>>();
    let mut rows = Vec::with_capacity(questions.len() * 6);
    for (index, question) in questions.iter().enumerate() {
        let contest_number = cartoons[question.cartoon].contest_number;
        let (descriptions, notes) = &annotated[question.cartoon];
        let mut random = Random::at(seed, &[Stream::Rows as u64, contest_number as u64, index as u64]);
        let pairs =
            descriptions.iter().flat_map(|description| notes.iter().map(move |notes| (description, notes)));
        rows.extend(
            pairs.map(|(description, notes)| row(contest_number, question, description, notes, &mut random)),
        );
    }
    rows
}

fn row(
    contest_number: usize,
    question: &Question,
    description: &Description,
    notes: &Notes,
    random: &mut Random,
) -> Row {
    Row {
        contest_number,
        image_location: notes.location,
        image_description: description.plain.clone(),
        image_uncanny_description: description.uncanny.clone(),
        entities: notes.entities.clone(),
        questions: notes.questions.clone(),
        caption_choices: question.options.clone(),
        from_description: in_words(question, description, notes),
        label: LETTERS[question.right],
        instance_id: format!("{:016x}{:016x}", random.bits(), random.bits()),
        filename: filename(contest_number),
    }
}

/// Returns the whole question as text, for models that read instead of look.
fn in_words(question: &Question, description: &Description, notes: &Notes) -> String {
    let title = |link: &String| link.rsplit('/').next().unwrap_or_default().replace('_', " ");
    let entities = notes.entities.iter().map(title).collect::<Vec<_>>().join(", ");
    let choices = LETTERS.iter().zip(&question.options).map(|(letter, option)| format!("{letter}: {option}"));
    format!(
        "scene: {} description: {} uncanny: {} entities: {entities}. choices {}",
        notes.location,
        description.plain,
        description.uncanny,
        choices.collect::<Vec<_>>().join(" "),
    )
}
