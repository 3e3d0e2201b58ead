//! Takes a few steps of a run to see how long they last.

use std::ops::ControlFlow;
use std::time::Instant;

use cliptune_experiment::{Plan, TrainPlan, Tune};
use cliptune_statistics::median;
use cliptune_store::ItemSlice;
use tch::Device;

use crate::checkpoint::Position;
use crate::data::{
    Arrangement, Augmenter, Example, Examples, ImageBank, Splits, TextBank, evaluation_batches,
};
use crate::device;
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::evaluate::evaluate;
use crate::fit::{Epoch, Fit, batches};
use crate::group::ALONE;
use crate::optimizer::Optimizer;
use crate::start::Start;
use crate::tuning::Tuned;

/// The number of steps taken. The first one finds cold caches and is not counted when there are others.
const STEPS: usize = 4;

/// The times that the parts of a run take, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Times {
    /// The seconds to decode an image.
    pub(super) image: f64,
    /// The seconds to embed an image that is embedded once, because its tower is locked.
    pub(super) locked_image: f64,
    /// The seconds to embed a text that is embedded once, because its tower is locked.
    pub(super) locked_text: f64,
    /// The seconds of a step.
    pub(super) step: f64,
    /// The seconds to evaluate an item.
    pub(super) validation_item: f64,
}

/// The items of the first steps and of one batch of the validation split, numbered separately from the whole dataset.
pub(super) struct Sample {
    /// The examples of each batch.
    train: Vec<Vec<Example>>,
    validation: Vec<Example>,
    images: ImageBank,
    texts: TextBank,
    /// The seconds to decode an image.
    decoding: f64,
}

/// Takes the first steps of a run, with its weights and the items of a sample, and evaluates a batch. Afterwards the weights are no
/// longer the starting ones.
pub(super) fn measure(
    plan: &Plan,
    train: &TrainPlan,
    splits: &Splits,
    (start, tuned): (&Start, &Tuned<'_>),
    (sample, device): (Sample, Device),
) -> Result<Times, TrainError> {
    device::compute_as(train.precision, train.deterministic)?;
    let mut optimizer = Optimizer::new(&tuned.moving(), train.optimizer)?;
    let mut encoder = Encoder::new(&start.config, tuned.parameters(), &sample.images, &sample.texts, device)
        .with_adapters(tuned.adapters())
        .with_precision(train.precision);
    let (locked, _) = timed(|| encoder.lock(train))?;
    let (mut steps, all) = (Vec::new(), sample.train.concat());
    let fit = Fit {
        plan: train,
        task: splits.task,
        seed: plan.seed,
        tuned,
        encoder: &encoder,
        group: &ALONE,
        train: &all,
        validation: &sample.validation,
        after_step: &|_| ControlFlow::Continue(()),
    };
    let augmented =
        encoder.with_augmenter(train.augment.map(|augment| Augmenter::new(augment, plan.seed, 1)));
    let mut begin = 0;
    for batches in sample.train.chunks(train.accumulate.get()) {
        let numbered = |examples: &Vec<Example>| {
            begin += examples.len();
            (begin - examples.len()..begin).collect()
        };
        let batches: Vec<Vec<usize>> = batches.iter().map(numbered).collect();
        let mut position = Position { steps: steps.len() + 1, ..Position::default() };
        let epoch = Epoch { number: 1, steps: sample.train.len() };
        steps.push(timed(|| fit.step(&mut optimizer, (&augmented, None), &batches, epoch, &mut position))?.0);
    }
    let (evaluating, _) =
        timed(|| evaluate(&encoder, train.objective, splits.task, train.batch_size, &sample.validation))?;
    device::compute_plainly()?;
    let counted = if steps.len() > 1 { &steps[1..] } else { &steps[..] };
    let each = |is_locked: bool, count: usize| if is_locked { locked / count.max(1) as f64 } else { 0.0 };
    Ok(Times {
        image: sample.decoding,
        locked_image: each(
            matches!(train.tune, Tune::LockedImage { unlocked_layers: 0 }),
            sample.images.len(),
        ),
        locked_text: each(matches!(train.tune, Tune::LockedText { unlocked_layers: 0 }), sample.texts.len()),
        step: median(counted).unwrap_or_default(),
        validation_item: evaluating / sample.validation.len().max(1) as f64,
    })
}

impl Sample {
    /// Takes the items of the first steps. Of several processes, it takes the share of one of each batch.
    pub(super) fn take(
        plan: &Plan,
        train: &TrainPlan,
        splits: &Splits,
        start: &Start,
        processes: usize,
    ) -> Result<Self, TrainError> {
        let (arrangement, size) = (Arrangement::of(train.objective), train.batch_size);
        let mut examples = Examples::among(splits.classes.len());
        let mut pick = |items: ItemSlice<'_>, chosen: &[usize]| {
            let share = chosen.len().div_ceil(processes.max(1));
            examples.add(chosen.iter().take(share).filter_map(|&row| items.get(row)))
        };
        let batches = batches(train, plan.seed, &splits.train, 1);
        let taken = STEPS * train.accumulate.get();
        let mut train: Vec<Vec<Example>> =
            batches.iter().take(taken).map(|chosen| pick(splits.train_items(), chosen)).collect();
        let batches = evaluation_batches(&splits.validation, arrangement, size);
        let mut validation =
            batches.first().map(|chosen| pick(splits.validation_items(), chosen)).unwrap_or_default();
        let images = ImageBank::new(start.preprocessor.clone(), examples.images(&splits.items), None);
        let (decoding, decoded) = timed(|| images.keep_first())?;
        let texts = splits.written(examples.text_numbers());
        let texts = TextBank::encode(&start.tokenizer, &texts, &splits.templates)?;
        for split in train.iter_mut().chain([&mut validation]) {
            Examples::unify(split, texts.rows());
        }
        Ok(Self { train, validation, images, texts, decoding: decoding / decoded.max(1) as f64 })
    }
}

/// Returns the seconds that some work takes, and its result.
fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(f64, T), E> {
    let begun = Instant::now();
    let done = work()?;
    Ok((begun.elapsed().as_secs_f64(), done))
}
