//! Forecasts what one run takes.

use cliptune_experiment::{Plan, TrainPlan};
use cliptune_machine::memory_limit;
use cliptune_store::Standing;
use cliptune_terminal::Printer;
use serde::Serialize;
use tch::Device;

use super::Asked;
use super::groups::{Group, groups};
use super::probe::{self, Sample, Times};
use crate::data::{Splits, TextBank};
use crate::error::TrainError;
use crate::fit::{check_world, steps_per_epoch};
use crate::memory::{Footprint, Subject};
use crate::start::Start;
use crate::tuning::Tuned;
use crate::{cautions, device};

/// The forecast of what one run takes.
#[derive(Debug, Serialize)]
pub(super) struct Forecast {
    /// The device on which the run would be computed.
    pub(super) device: String,
    /// The number of items in the train split.
    pub(super) train_items: usize,
    /// The number of items in the validation split.
    pub(super) validation_items: usize,
    /// The groups of all weights, trained or not.
    pub(super) groups: Vec<Group>,
    /// The number of passes over the train split.
    pub(super) epochs: usize,
    /// The number of optimiser steps in each epoch.
    pub(super) steps_per_epoch: usize,
    /// The number of items in a step.
    pub(super) batch_size: usize,
    /// The number of processes that would train together, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) processes: Option<usize>,
    /// The memory that each process takes, in bytes.
    pub(super) memory: Footprint,
    /// The memory of the host in bytes, for each of its processes; `None` on a GPU and where it cannot be found out.
    pub(super) memory_there_is: Option<u64>,
    /// The durations in seconds; `None` where a step does not fit into the memory, or nothing was measured.
    pub(super) seconds: Option<Seconds>,
}

/// The durations of a run and its parts, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Seconds {
    /// The time to decode all images.
    pub(super) images: f64,
    /// The time to embed, once, what a locked tower sees.
    pub(super) locked: f64,
    /// The time of one step, the median of a few.
    pub(super) step: f64,
    /// The time of one evaluation of the validation split.
    pub(super) evaluation: f64,
    /// The time of the whole training, without its export and without what processes send each other.
    pub(super) total: f64,
}

impl Forecast {
    /// Forecasts the run that a standing is missing.
    pub(super) fn make(
        standing: &Standing,
        train: &TrainPlan,
        device: Device,
        asked: Asked<'_>,
        printer: &Printer,
    ) -> Result<Self, TrainError> {
        let plan = &standing.plan;
        let dataset = standing.dataset.as_ref().ok_or_else(|| TrainError::no_dataset(plan))?;
        let mut splits = Splits::load(plan, dataset)?;
        let start = Start::open(standing, splits.train_items(), device)?;
        start.suits(train.objective, plan)?;
        let texts = TextBank::encode(&start.tokenizer, &splits.texts(), &splits.templates)?;
        splits.unify(&texts);
        check_world(asked.processes, train, plan.seed, &splits.train)?;
        let parameters = start.parameters.with_token_rows(train.tune, &texts.ids())?;
        let tuned = Tuned::new(&parameters, train, plan.seed)?;
        let subject = subject(plan, train, &splits, &tuned, (&start, &texts));
        let memory = Footprint::of(&Subject { processes: asked.processes, ..subject });
        let of_host = if device == Device::Cpu { memory_limit() } else { None };
        let memory_there_is = of_host.map(|bytes| bytes / asked.on_this_host.max(1) as u64);
        let fits = memory_there_is.is_none_or(|there_is| memory.total <= there_is);
        let steps = steps_per_epoch(train, plan.seed, &splits.train);
        let of_training = cautions::of_training(train, plan.seed, &splits, train.epochs * steps);
        for caution in cautions::of_start(&start, &texts, &splits).iter().chain(&of_training) {
            printer.warn(&format!("{}: {caution}", plan.experiment));
        }
        let seconds = match fits && asked.timed {
            true => {
                printer.status(&format!("{}: measuring some steps", plan.experiment));
                let sample = Sample::take(plan, train, &splits, &start, asked.processes)?;
                let times = probe::measure(plan, train, &splits, (&start, &tuned), (sample, device))?;
                Some(seconds(&times, &splits, (train.epochs, steps), asked.processes))
            }
            false => None,
        };
        Ok(Self {
            device: device::name(device),
            train_items: splits.train.len(),
            validation_items: splits.validation.len(),
            groups: groups(&tuned, train),
            epochs: train.epochs,
            steps_per_epoch: steps,
            batch_size: train.batch_size.get(),
            processes: Some(asked.processes).filter(|processes| *processes > 1),
            memory,
            memory_there_is,
            seconds,
        })
    }
}

fn subject<'a>(
    plan: &Plan,
    train: &'a TrainPlan,
    splits: &'a Splits,
    tuned: &Tuned<'_>,
    (start, texts): (&'a Start, &'a TextBank),
) -> Subject<'a> {
    Subject {
        config: &start.config,
        parameters: &start.parameters,
        moving: tuned.len(),
        plan: train,
        seed: plan.seed,
        train: &splits.train,
        texts,
        images: splits.images.len(),
        processes: 1,
    }
}

/// Extends what was measured to the whole run. Several processes share out images, texts and validation items; a step was measured
/// with the share of one.
fn seconds(times: &Times, splits: &Splits, (epochs, steps): (usize, usize), processes: usize) -> Seconds {
    let share = |count: usize| count.div_ceil(processes.max(1)) as f64;
    let (images, texts) = (share(splits.images.len()), share(splits.texts().len()));
    let locked = times.locked_image * images + times.locked_text * texts;
    let images = times.image * images;
    let evaluation = times.validation_item * share(splits.validation.len());
    // The model is also evaluated before the first epoch.
    let evaluations = (epochs + 1) as f64 * evaluation;
    let total = images + locked + (epochs * steps) as f64 * times.step + evaluations;
    Seconds { images, locked, step: times.step, evaluation, total }
}
