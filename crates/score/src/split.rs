//! Scores one split of one run.

use std::collections::BTreeMap;

use cliptune_compare::guessing;
use cliptune_encode::model::Model;
use cliptune_encode::texts::Texts;
use cliptune_experiment::{Control, Split, TaskKind, Templates};
use cliptune_statistics::Bootstrap;
use cliptune_store::{
    ClassScores, Dataset, ItemSlice, Metrics, Nearest, Parity, Position, Prediction, RiskPoint,
    SCORES_FORMAT, Scores,
};
use cliptune_terminal::Printer;
use cliptune_terminal::format::counted;

use crate::answer::Answer;
use crate::controls::Questions;
use crate::distinct::Distinct;
use crate::encoded::{Distinctions, Encoded};
use crate::error::ScoreError;
use crate::matrix::Matrix;
use crate::temperature::Temperature;
use crate::{choice, classes, pairs};

/// The split that is to be scored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job<'a> {
    /// The dataset that the split belongs to.
    pub(crate) dataset: &'a Dataset,
    /// The split.
    pub(crate) split: Split,
    /// The items of the split, of which there is at least one.
    pub(crate) items: ItemSlice<'a>,
    /// How the model reads each text.
    pub(crate) templates: &'a Templates,
    /// The factor of the cosines, if it is not the model's own.
    pub(crate) scale: Option<f64>,
    /// The controls that are asked for.
    pub(crate) controls: &'a [Control],
}

/// The results that are computed from the encoded split, whatever its task is.
struct Answers {
    majority: f64,
    metrics: Metrics,
    predictions: Vec<Prediction>,
    tied: usize,
    chances: BTreeMap<String, f64>,
    classes: Option<ClassScores>,
    positions: Vec<Position>,
    risk_coverage: Vec<RiskPoint>,
    nearest: Vec<Nearest>,
}

impl Answers {
    /// Returns the results for items that have one right text or class.
    fn of(
        majority: f64,
        chances: BTreeMap<String, f64>,
        metrics: Metrics,
        answers: Vec<Answer>,
    ) -> Result<Self, ScoreError> {
        let (tied, risk_coverage) = (choice::tied(&answers), choice::risks(&answers)?);
        let predictions = answers.into_iter().map(|answer| answer.prediction).collect();
        let (classes, positions, nearest) = (None, Vec::new(), Vec::new());
        Ok(Self { majority, metrics, predictions, tied, chances, classes, positions, risk_coverage, nearest })
    }

    /// Returns what guessing reaches in the first metric, which is the one that a split is known by.
    fn chance(&self) -> f64 {
        self.metrics.0.first().and_then(|(name, _)| self.chances.get(name)).copied().unwrap_or_default()
    }
}

/// Scores a split, encoding each distinct image and each distinct text once.
pub(crate) fn score(
    job: &Job<'_>,
    model: &mut Model<'_>,
    parity: Parity,
    printer: &Printer,
) -> Result<(Scores, Vec<Prediction>), ScoreError> {
    let distinct = Distinctions::of(job.items, &job.dataset.record().classes, job.templates, model)?;
    let task = job.dataset.record().task;
    let equal_choices = match task {
        TaskKind::Choice => choice::with_equal_texts(distinct.own_texts(job.items)),
        TaskKind::Classes => classes::with_equal_classes(&distinct.texts.rows().row_of, job.items),
        TaskKind::Pairs => Vec::new(),
    };
    tell_equal_choices(job, task, &equal_choices, printer);
    let encoded = encode(job, &distinct, model, printer)?;
    let temperature = model.temperature().with_scale(job.scale);
    let found = match task {
        TaskKind::Choice => choices(job.items, &distinct, &encoded, temperature)?,
        TaskKind::Classes => classified(job, &distinct, &encoded, temperature)?,
        TaskKind::Pairs => retrieval(job.items, &distinct, &encoded, temperature)?,
    };
    let questions = Questions { task, items: job.items, distinct: &distinct, encoded: &encoded, temperature };
    let controls = job.controls.iter().map(|&control| questions.under(control, || Ok(model.encode_blank()?)));
    let controls = controls.collect::<Result<Vec<_>, _>>()?;
    let chance = found.chance();
    let Answers { majority, metrics, predictions, tied, chances, classes, positions, risk_coverage, nearest } =
        found;
    let scores = Scores {
        format_version: SCORES_FORMAT,
        split: job.split,
        task,
        n_items: job.items.len(),
        n_groups: Distinct::new(job.items.iter().map(cliptune_store::ItemRef::group_number)).count(),
        n_tied: tied,
        n_equal_choices: equal_choices.len(),
        chance,
        majority,
        logit_scale: temperature.scale,
        is_scale_constant: job.scale.is_some(),
        metrics,
        chances,
        classes,
        positions,
        risk_coverage,
        nearest,
        controls,
        parity: Some(parity),
    };
    Ok((scores, predictions))
}

/// Warns about choices or classes that the model cannot tell apart, and gives an example.
fn tell_equal_choices(job: &Job<'_>, task: TaskKind, items: &[usize], printer: &Printer) {
    let Some(&first) = items.first() else { return };
    let what = match task {
        TaskKind::Classes => "a class whose prompts are those of another class",
        TaskKind::Choice | TaskKind::Pairs => "choices that are the same tokens",
    };
    printer.warn(&format!(
        "{} of the {} split {} {what} to the model, {} for one: no model can tell them apart, and their ties are shared",
        counted(items.len() as u64, "item"),
        job.split,
        if items.len() == 1 { "has" } else { "have" },
        job.items.at(first).id(),
    ));
}

fn choices(
    items: ItemSlice<'_>,
    distinct: &Distinctions<'_>,
    encoded: &Encoded,
    temperature: Temperature,
) -> Result<Answers, ScoreError> {
    let answers = distinct.answers(items, encoded, temperature);
    let metrics = choice::metrics(&answers, &Bootstrap::default())?;
    let positions = choice::positions(&answers);
    let found =
        Answers::of(guessing::majority_of_choice(items), guessing::of_choice(items), metrics, answers)?;
    Ok(Answers { positions, ..found })
}

fn classified(
    job: &Job<'_>,
    distinct: &Distinctions<'_>,
    encoded: &Encoded,
    temperature: Temperature,
) -> Result<Answers, ScoreError> {
    let names = &job.dataset.record().classes;
    let answers = distinct.answers(job.items, encoded, temperature);
    let metrics = classes::metrics(&answers, names.len(), &Bootstrap::default())?;
    let classes = Some(classes::class_scores(names, &answers, &Bootstrap::default())?);
    let (majority, chances) = (guessing::majority_of_classes(job.items), guessing::of_classes(names.len()));
    Ok(Answers { classes, ..Answers::of(majority, chances, metrics, answers)? })
}

fn retrieval(
    items: ItemSlice<'_>,
    distinct: &Distinctions<'_>,
    encoded: &Encoded,
    temperature: Temperature,
) -> Result<Answers, ScoreError> {
    let hits = distinct.hits(items);
    let retrieval = pairs::retrieve(items, &hits, &encoded.images, &encoded.texts, temperature);
    let metrics = pairs::metrics(items, &retrieval, &Bootstrap::default())?;
    let tied = retrieval.tied();
    Ok(Answers {
        majority: hits.majority(),
        chances: hits.chances(),
        metrics,
        predictions: retrieval.predictions,
        tied,
        classes: None,
        positions: Vec::new(),
        risk_coverage: Vec::new(),
        nearest: retrieval.nearest,
    })
}

fn encode(
    job: &Job<'_>,
    distinct: &Distinctions<'_>,
    model: &mut Model<'_>,
    printer: &Printer,
) -> Result<Encoded, ScoreError> {
    let texts = encode_texts(job, model, &distinct.texts, printer)?;
    let paths = &distinct.images;
    let progress = printer.progress(&format!("{} images", job.split), paths.len() as u64, "image");
    let images = model.encode_images(paths, |images| progress.advance(images as u64))?;
    progress.finish();
    Ok(Encoded { images, texts })
}

/// Names the first item that has a text, or the class that is one.
fn with_text(job: &Job<'_>, text: &str) -> Option<String> {
    if job.dataset.record().classes.iter().any(|class| class == text) {
        return Some(format!(", the first of them that of the class {text}"));
    }
    let item = job.items.iter().find(|item| item.texts().any(|own| own == text))?;
    Some(format!(", the first of them that of item {}", item.id()))
}

fn encode_texts(
    job: &Job<'_>,
    model: &mut Model<'_>,
    texts: &Texts<'_>,
    printer: &Printer,
) -> Result<Matrix, ScoreError> {
    let (cut, all) = texts.cut();
    if cut > 0 {
        printer.warn(&format!(
            "{cut} of {all} texts of the {} split are longer than the model's context and were cut{}",
            job.split,
            texts.first_cut().and_then(|text| with_text(job, text)).unwrap_or_default(),
        ));
    }
    let rows = texts.prompts().len() as u64;
    let progress = printer.progress(&format!("{} texts", job.split), rows, "text");
    let rows = model.encode_texts(texts, |texts| progress.advance(texts as u64))?;
    progress.finish();
    Ok(rows)
}
