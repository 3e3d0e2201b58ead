//! One split of one run.

use std::path::PathBuf;

use cliptune_experiment::{Split, TaskKind};
use cliptune_statistics::Bootstrap;
use cliptune_store::{Dataset, Item, Metrics, Parity, Prediction, Run, SCORES_FORMAT, Scores};
use cliptune_terminal::Printer;

use crate::distinct::Distinct;
use crate::error::ScoreError;
use crate::matrix::{Matrix, product};
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
    let encoded = Encoded::new(job, model, printer)?;
    let task = job.dataset.record().task;
    let Outcome { chance, metrics, predictions } = match task {
        TaskKind::Choice => choices(job.items, &encoded, model.temperature())?,
        TaskKind::Pairs => retrieval(job.items, &encoded, model.temperature())?,
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

fn choices(items: &[Item], encoded: &Encoded, temperature: Temperature) -> Result<Outcome, ScoreError> {
    let mut texts = encoded.text_rows.row_of.iter();
    let logits = |(item, &image): (&Item, &usize)| -> Vec<f64> {
        let own = texts.by_ref().take(item.texts.len());
        own.map(|&text| temperature.logit(product(encoded.images.row(image), encoded.texts.row(text))))
            .collect()
    };
    let logits: Vec<Vec<f64>> = items.iter().zip(&encoded.image_rows.row_of).map(logits).collect();
    let predictions: Vec<Prediction> =
        items.iter().zip(logits).map(|(item, logits)| choice::predict(item, logits)).collect();
    let metrics = choice::metrics(&predictions, &Bootstrap::default())?;
    Ok(Outcome { chance: choice::chance(items), metrics, predictions })
}

fn retrieval(items: &[Item], encoded: &Encoded, temperature: Temperature) -> Result<Outcome, ScoreError> {
    let Encoded { images, image_rows, texts, text_rows } = encoded;
    let candidates = pairs::Candidates { images, image_rows, texts, text_rows };
    let retrieval = pairs::retrieve(items, &candidates, temperature);
    let metrics = pairs::metrics(items, &retrieval, &Bootstrap::default())?;
    Ok(Outcome { chance: pairs::chance(items, text_rows), metrics, predictions: retrieval.predictions })
}

/// The distinct images and texts of a split as unit vectors, and which item has which.
struct Encoded {
    images: Matrix,
    /// One entry per item.
    image_rows: Distinct,
    texts: Matrix,
    /// One entry per text of each item, item by item.
    text_rows: Distinct,
}

impl Encoded {
    fn new(job: &Job<'_>, model: &mut Model, printer: &Printer) -> Result<Self, ScoreError> {
        let image_rows = Distinct::new(job.items.iter().map(|item| item.image_hash.as_str()));
        let all: Vec<&str> = job.items.iter().flat_map(|item| &item.texts).map(String::as_str).collect();
        let text_rows = Distinct::new(all.iter().copied());
        let distinct: Vec<&str> = text_rows.firsts.iter().map(|&first| all[first]).collect();
        let paths: Vec<PathBuf> =
            image_rows.firsts.iter().map(|&first| job.dataset.image_path(&job.items[first])).collect();
        let texts = encode_texts(job, model, &distinct, printer)?;
        let progress = printer.progress(&format!("{} images", job.split), paths.len() as u64, "images");
        let images = model.encode_images(&paths, |images| progress.advance(images as u64))?;
        progress.finish();
        Ok(Self { images, image_rows, texts, text_rows })
    }
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
