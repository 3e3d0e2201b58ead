//! Runs the same items through the towers of every precision, a few batches in turn, so that whatever else the machine
//! does affects all of them alike.

use std::time::{Duration, Instant};

use cliptune_clip::image::Preprocessor;
use cliptune_encode::EncodeError;
use cliptune_encode::batch::Batch;
use cliptune_encode::images::ImageBatches;
use cliptune_encode::model::Model;
use cliptune_encode::texts::TextBatches;
use cliptune_encode::tower::Tower;
use cliptune_encode::towers::{Towers, image_input, image_without_direction, text_input};
use cliptune_experiment::{Precision, Split, TaskKind};
use cliptune_store::{ItemSlice, Prediction};
use cliptune_terminal::Printer;

use crate::encoded::{Distinctions, Encoded};
use crate::error::ScoreError;
use crate::matrix::{Matrix, NoDirection};

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
pub(super) fn run<'r>(
    items: ItemSlice<'_>,
    task: TaskKind,
    distinct: &Distinctions<'_>,
    model: &mut Model<'r>,
    mut reduced: Vec<(Precision, Towers<'r>)>,
    printer: &Printer,
) -> Result<Entrants, ScoreError> {
    let temperature = model.temperature();
    let (towers, preprocessor) = model.towers();
    let mut fp32 = Lane::new(Precision::Fp32, towers);
    let mut reduced: Vec<Lane<'_, '_>> =
        reduced.iter_mut().map(|(precision, towers)| Lane::new(*precision, towers)).collect();
    let mut lanes: Vec<&mut Lane<'_, '_>> = std::iter::once(&mut fp32).chain(&mut reduced).collect();
    encode_texts(&mut lanes, &distinct.texts.all_batches(), printer)?;
    encode_images(&mut lanes, distinct, preprocessor, printer)?;
    let finish = |lane: Lane<'_, '_>| {
        let (precision, image_time, text_time) = (lane.precision, lane.images.mean(), lane.texts.mean());
        let encoded = lane.encoded(distinct)?;
        let predictions = distinct.predictions(task, items, &encoded, temperature);
        Ok(Entrant { precision, predictions, image_time, text_time })
    };
    let reduced = reduced.into_iter().map(finish).collect::<Result<_, ScoreError>>()?;
    Ok(Entrants { fp32: finish(fp32)?, reduced })
}

/// One precision on its way through the batches.
struct Lane<'a, 'r> {
    precision: Precision,
    towers: &'a mut Towers<'r>,
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

impl<'a, 'r> Lane<'a, 'r> {
    fn new(precision: Precision, towers: &'a mut Towers<'r>) -> Self {
        Self { precision, towers, images: Rows::default(), texts: Rows::default() }
    }

    /// Returns the unit vectors, with the texts back in their own order.
    fn encoded(self, distinct: &Distinctions<'_>) -> Result<Encoded, ScoreError> {
        let Self { precision, towers, images, texts } = self;
        let mut images = images.rows;
        let too_coarse =
            |input, lost: NoDirection| ScoreError::TooCoarse { precision, input, computed: lost.computed() };
        let texts = texts.rows.select(&distinct.texts.all_batches().places());
        let texts = distinct.texts.unit_vectors(texts).map_err(|lost| match precision {
            Precision::Fp32 => towers.text_without_direction(&distinct.texts, lost).into(),
            _ => too_coarse(text_input(&distinct.texts, lost.row), lost),
        })?;
        images.normalise().map_err(|lost| match precision {
            Precision::Fp32 => image_without_direction(&towers.vision, &distinct.images, lost).into(),
            _ => too_coarse(image_input(&distinct.images, lost.row), lost),
        })?;
        Ok(Encoded { images, texts })
    }
}

/// The number of batches that a tower encodes before it is another tower's turn.
const AT_A_TIME: usize = 4;

impl Rows {
    /// Encodes some batches.
    fn add(&mut self, tower: &mut Tower<'_>, batches: &[Batch]) -> Result<(), EncodeError> {
        let mut run = || tower.encode(batches.len(), batches.iter().map(Ok), |_| {});
        if self.encoded == 0 {
            // A session's first run sets up what all later runs use, so it is not timed.
            run()?;
        }
        let begun = Instant::now();
        let rows = run()?;
        self.time += begun.elapsed();
        self.encoded += rows.rows() as u32;
        self.rows.extend(&rows);
        Ok(())
    }

    fn mean(&self) -> Duration {
        self.time / self.encoded.max(1)
    }
}

fn encode_texts(
    lanes: &mut [&mut Lane<'_, '_>],
    batches: &TextBatches<'_>,
    printer: &Printer,
) -> Result<(), ScoreError> {
    let progress = printer.progress("precisions: texts", batches.places().len() as u64, "text");
    for batches in batches.get().chunks(AT_A_TIME) {
        for lane in lanes.iter_mut() {
            lane.texts.add(&mut lane.towers.text, batches)?;
        }
        progress.advance(batches.iter().map(Batch::rows).sum::<usize>() as u64);
    }
    progress.finish();
    Ok(())
}

fn encode_images(
    lanes: &mut [&mut Lane<'_, '_>],
    distinct: &Distinctions<'_>,
    preprocessor: &Preprocessor,
    printer: &Printer,
) -> Result<(), ScoreError> {
    let paths = &distinct.images;
    let progress =
        printer.progress(&format!("precisions: {} images", Split::Validation), paths.len() as u64, "image");
    let mut batches = ImageBatches::new(preprocessor, paths).read().peekable();
    while batches.peek().is_some() {
        let some = batches.by_ref().take(AT_A_TIME).collect::<Result<Vec<Batch>, _>>()?;
        for lane in lanes.iter_mut() {
            lane.images.add(&mut lane.towers.vision, &some)?;
        }
        progress.advance(some.iter().map(Batch::rows).sum::<usize>() as u64);
    }
    progress.finish();
    Ok(())
}
