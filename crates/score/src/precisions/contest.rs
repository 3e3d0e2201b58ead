//! Runs the same items through the towers of every precision, batch by batch in turn, so that whatever else the machine
//! does affects all of them alike.

use std::time::{Duration, Instant};

use cliptune_clip::image::Preprocessor;
use cliptune_experiment::{Precision, Split, TaskKind};
use cliptune_store::{ItemSlice, Prediction};
use cliptune_terminal::Printer;

use crate::encoded::{Distinctions, Encoded};
use crate::error::ScoreError;
use crate::graph::GraphError;
use crate::images::in_batches;
use crate::matrix::{Matrix, NoDirection};
use crate::model::Model;
use crate::texts::TextBatches;
use crate::towers::{Towers, image_input, text_input};

/// The answers of one precision, and how long they took.
pub(super) struct Entrant {
    pub(super) precision: Precision,
    pub(super) predictions: Vec<Prediction>,
    /// The mean time that the vision tower takes for an image.
    pub(super) image_time: Duration,
    /// The mean time that the text tower takes for a text.
    pub(super) text_time: Duration,
}

/// The results of all precisions on the same items.
pub(super) struct Entrants {
    pub(super) fp32: Entrant,
    pub(super) reduced: Vec<Entrant>,
}

/// Runs the items through fp32, whose towers belong to the model, and through the reduced precisions.
pub(super) fn run(
    items: ItemSlice<'_>,
    task: TaskKind,
    distinct: &Distinctions<'_>,
    model: &mut Model,
    mut reduced: Vec<(Precision, Towers)>,
    printer: &Printer,
) -> Result<Entrants, ScoreError> {
    let temperature = model.temperature();
    let (towers, preprocessor) = model.towers();
    let mut fp32 = Lane::new(Precision::Fp32, towers);
    let mut reduced: Vec<Lane<'_>> =
        reduced.iter_mut().map(|(precision, towers)| Lane::new(*precision, towers)).collect();
    let mut lanes: Vec<&mut Lane<'_>> = std::iter::once(&mut fp32).chain(&mut reduced).collect();
    encode_texts(&mut lanes, distinct.texts.batches(), printer)?;
    encode_images(&mut lanes, distinct, preprocessor, printer)?;
    let finish = |lane: Lane<'_>| {
        let (precision, image_time, text_time) = (lane.precision, lane.images.mean(), lane.texts.mean());
        let encoded = lane.encoded(distinct)?;
        let predictions = distinct.predictions(task, items, &encoded, temperature);
        Ok(Entrant { precision, predictions, image_time, text_time })
    };
    let reduced = reduced.into_iter().map(finish).collect::<Result<_, ScoreError>>()?;
    Ok(Entrants { fp32: finish(fp32)?, reduced })
}

/// One precision on its way through the batches.
struct Lane<'a> {
    precision: Precision,
    towers: &'a mut Towers,
    images: Rows,
    texts: Rows,
}

/// Embeddings, and the time that computing them took.
#[derive(Default)]
struct Rows {
    rows: Matrix,
    time: Duration,
    encoded: u32,
}

impl<'a> Lane<'a> {
    fn new(precision: Precision, towers: &'a mut Towers) -> Self {
        Self { precision, towers, images: Rows::default(), texts: Rows::default() }
    }

    /// Returns the unit vectors, with the texts back in their own order.
    fn encoded(self, distinct: &Distinctions<'_>) -> Result<Encoded, ScoreError> {
        let Self { precision, towers, images, texts } = self;
        let mut images = images.rows;
        let too_coarse =
            |input, lost: NoDirection| ScoreError::TooCoarse { precision, input, computed: lost.computed() };
        let texts = distinct.texts.unit_vectors(&texts.rows).map_err(|lost| match precision {
            Precision::Fp32 => towers.text_without_direction(&distinct.texts, lost),
            _ => too_coarse(text_input(&distinct.texts, lost.row), lost),
        })?;
        images.normalise().map_err(|lost| match precision {
            Precision::Fp32 => towers.image_without_direction(&distinct.images, lost),
            _ => too_coarse(image_input(&distinct.images, lost.row), lost),
        })?;
        Ok(Encoded { images, texts })
    }
}

impl Rows {
    /// Runs one batch, of which the first `wanted` rows are kept. The others are filling, whose time is counted too.
    fn add(
        &mut self,
        wanted: usize,
        mut run: impl FnMut() -> Result<Matrix, GraphError>,
    ) -> Result<(), GraphError> {
        if self.encoded == 0 {
            // A session's first run sets up what all later runs use, so it is not timed.
            run()?;
        }
        let begun = Instant::now();
        let rows = run()?;
        self.time += begun.elapsed();
        self.encoded += rows.rows() as u32;
        self.rows.extend(&rows, wanted);
        Ok(())
    }

    fn mean(&self) -> Duration {
        self.time / self.encoded.max(1)
    }
}

fn encode_texts(
    lanes: &mut [&mut Lane<'_>],
    batches: &TextBatches,
    printer: &Printer,
) -> Result<(), ScoreError> {
    let progress = printer.progress("precisions: texts", batches.places().len() as u64, "text");
    for (batch, texts) in batches.iter() {
        for lane in lanes.iter_mut() {
            let Lane { towers, texts: rows, .. } = &mut **lane;
            rows.add(texts, || towers.encode_texts(&batch))?;
        }
        progress.advance(texts as u64);
    }
    progress.finish();
    Ok(())
}

fn encode_images(
    lanes: &mut [&mut Lane<'_>],
    distinct: &Distinctions<'_>,
    preprocessor: &Preprocessor,
    printer: &Printer,
) -> Result<(), ScoreError> {
    let (paths, side) = (&distinct.images, preprocessor.size as usize);
    let progress =
        printer.progress(&format!("precisions: {} images", Split::Validation), paths.len() as u64, "image");
    in_batches(preprocessor, paths, |batch| {
        for lane in lanes.iter_mut() {
            let Lane { towers, images: rows, .. } = &mut **lane;
            rows.add(batch.images, || towers.encode_images(&batch, side))?;
        }
        progress.advance(batch.images as u64);
        Ok(())
    })?;
    progress.finish();
    Ok(())
}
