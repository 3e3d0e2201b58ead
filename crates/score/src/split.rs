//! One split of one run.

use cliptune_experiment::{Split, TaskKind};
use cliptune_statistics::Bootstrap;
use cliptune_store::{Dataset, Item, Metrics, Parity, Prediction, Run, SCORES_FORMAT, Scores};
use cliptune_terminal::Printer;

use crate::distinct::Distinct;
use crate::encoded::{Distinctions, Encoded};
use crate::error::ScoreError;
use crate::matrix::Matrix;
use crate::model::Model;
use crate::temperature::Temperature;
use crate::{choice, pairs};

/// A split that is to be scored.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The run whose model answers.
    pub run: &'a Run,
    /// The dataset the split is of.
    pub dataset: &'a Dataset,
    /// The split.
    pub split: Split,
    /// The items of the split; at least one.
    pub items: &'a [Item],
}

/// What a task makes of the encoded split.
struct Outcome {
    chance: f64,
    metrics: Metrics,
    predictions: Vec<Prediction>,
}

/// Scores a split: each distinct image and each distinct text is encoded once.
pub fn score(
    job: &Job<'_>,
    model: &mut Model,
    parity: Parity,
    printer: &Printer,
) -> Result<(Scores, Vec<Prediction>), ScoreError> {
    let distinct = Distinctions::of(job.items, job.dataset);
    let encoded = encode(job, &distinct, model, printer)?;
    let task = job.dataset.record().task;
    let Outcome { chance, metrics, predictions } = match task {
        TaskKind::Choice => choices(job.items, &distinct, &encoded, model.temperature())?,
        TaskKind::Pairs => retrieval(job.items, &distinct, &encoded, model.temperature())?,
    };
    let scores = Scores {
        format_version: SCORES_FORMAT,
        split: job.split,
        task,
        n_items: job.items.len(),
        n_groups: Distinct::new(job.items.iter().map(|item| item.group.as_str())).count(),
        chance,
        logit_scale: model.temperature().scale,
        metrics,
        parity,
    };
    Ok((scores, predictions))
}

fn choices(
    items: &[Item],
    distinct: &Distinctions<'_>,
    encoded: &Encoded,
    temperature: Temperature,
) -> Result<Outcome, ScoreError> {
    let predictions = distinct.choices(items, encoded, temperature);
    let metrics = choice::metrics(&predictions, &Bootstrap::default())?;
    Ok(Outcome { chance: choice::chance(items), metrics, predictions })
}

fn retrieval(
    items: &[Item],
    distinct: &Distinctions<'_>,
    encoded: &Encoded,
    temperature: Temperature,
) -> Result<Outcome, ScoreError> {
    let retrieval = distinct.retrieval(items, encoded, temperature);
    let metrics = pairs::metrics(items, &retrieval, &Bootstrap::default())?;
    let chance = pairs::chance(items, &distinct.text_rows);
    Ok(Outcome { chance, metrics, predictions: retrieval.predictions })
}

fn encode(
    job: &Job<'_>,
    distinct: &Distinctions<'_>,
    model: &mut Model,
    printer: &Printer,
) -> Result<Encoded, ScoreError> {
    let texts = encode_texts(job, model, &distinct.texts, printer)?;
    let paths = &distinct.images;
    let progress = printer.progress(&format!("{} images", job.split), paths.len() as u64, "images");
    let images = model.encode_images(paths, |images| progress.advance(images as u64))?;
    progress.finish();
    Ok(Encoded { images, texts })
}

fn encode_texts(
    job: &Job<'_>,
    model: &mut Model,
    texts: &[&str],
    printer: &Printer,
) -> Result<Matrix, ScoreError> {
    let batches = model.tokenise(texts)?;
    if batches.truncated() > 0 {
        printer.warn(&format!(
            "{} of {} texts of the {} split are longer than the model's context and were cut",
            batches.truncated(),
            texts.len(),
            job.split
        ));
    }
    let progress = printer.progress(&format!("{} texts", job.split), texts.len() as u64, "texts");
    let rows = model.encode_texts(&batches, |texts| progress.advance(texts as u64))?;
    progress.finish();
    Ok(rows)
}
