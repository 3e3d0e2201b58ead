//! Scores one split of one run.

use cliptune_experiment::{Split, TaskKind};
use cliptune_statistics::Bootstrap;
use cliptune_store::{Dataset, ItemSlice, Metrics, Parity, Prediction, SCORES_FORMAT, Scores};
use cliptune_terminal::Printer;
use cliptune_terminal::format::counted;

use crate::baseline::Baselines;
use crate::distinct::Distinct;
use crate::encoded::{Distinctions, Encoded};
use crate::error::ScoreError;
use crate::matrix::Matrix;
use crate::model::Model;
use crate::temperature::Temperature;
use crate::texts::Texts;
use crate::{choice, pairs};

/// The split that is to be scored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job<'a> {
    /// The dataset that the split belongs to.
    pub(crate) dataset: &'a Dataset,
    /// The split.
    pub(crate) split: Split,
    /// The items of the split, of which there is at least one.
    pub(crate) items: ItemSlice<'a>,
}

/// The results that are computed from the encoded split, whatever its task is.
struct Answers {
    baselines: Baselines,
    metrics: Metrics,
    predictions: Vec<Prediction>,
    tied: usize,
}

/// Scores a split, encoding each distinct image and each distinct text once.
pub(crate) fn score(
    job: &Job<'_>,
    model: &mut Model,
    parity: Parity,
    printer: &Printer,
) -> Result<(Scores, Vec<Prediction>), ScoreError> {
    let distinct = Distinctions::of(job.items, model)?;
    let task = job.dataset.record().task;
    let equal_choices = match task {
        TaskKind::Choice => choice::with_equal_texts(distinct.own_texts(job.items)),
        TaskKind::Pairs => Vec::new(),
    };
    tell_equal_choices(job, &equal_choices, printer);
    let encoded = encode(job, &distinct, model, printer)?;
    let Answers { baselines, metrics, predictions, tied } = match task {
        TaskKind::Choice => choices(job.items, &distinct, &encoded, model.temperature())?,
        TaskKind::Pairs => retrieval(job.items, &distinct, &encoded, model.temperature())?,
    };
    let scores = Scores {
        format_version: SCORES_FORMAT,
        split: job.split,
        task,
        n_items: job.items.len(),
        n_groups: Distinct::new(job.items.iter().map(cliptune_store::ItemRef::group_number)).count(),
        n_tied: tied,
        n_equal_choices: equal_choices.len(),
        chance: baselines.chance,
        majority: baselines.majority,
        logit_scale: model.temperature().scale,
        metrics,
        parity,
    };
    Ok((scores, predictions))
}

/// Warns about choices that the model cannot tell apart, and gives an example.
fn tell_equal_choices(job: &Job<'_>, items: &[usize], printer: &Printer) {
    let Some(&first) = items.first() else { return };
    printer.warn(&format!(
        "{} of the {} split {} choices that are the same tokens to the model, {} for one: no model can tell them apart, \
         and their ties are shared",
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
    let predictions = distinct.choices(items, encoded, temperature);
    let metrics = choice::metrics(&predictions, &Bootstrap::default())?;
    let tied = choice::tied(&predictions);
    Ok(Answers { baselines: choice::baselines(items), metrics, predictions, tied })
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
    Ok(Answers { baselines: hits.baselines(), metrics, predictions: retrieval.predictions, tied })
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
    texts: &Texts<'_>,
    printer: &Printer,
) -> Result<Matrix, ScoreError> {
    let (cut, all) = texts.cut();
    if cut > 0 {
        printer.warn(&format!(
            "{cut} of {all} texts of the {} split are longer than the model's context and were cut",
            job.split
        ));
    }
    let rows = texts.rows().count() as u64;
    let progress = printer.progress(&format!("{} texts", job.split), rows, "texts");
    let rows = model.encode_texts(texts, |texts| progress.advance(texts as u64))?;
    progress.finish();
    Ok(rows)
}
