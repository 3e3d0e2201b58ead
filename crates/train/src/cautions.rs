//! What a person is warned of before a run begins: where it cannot do what its plan says.

use cliptune_experiment::{Seed, TaskKind, TrainPlan};
use cliptune_terminal::format;

use crate::data::{Example, Splits, TextBank};
use crate::fit::batches;
use crate::objective::{self, lacks_negatives};
use crate::schedule::warmup_steps;
use crate::start::Start;

/// What is to be known of a starting point and the texts that it reads.
pub(crate) fn of_start(start: &Start, texts: &TextBank, splits: &Splits) -> Vec<String> {
    let extra = (!start.extra.is_empty()).then(|| {
        let count = format::counted(start.extra.len() as u64, "tensor");
        format!("{count} of the checkpoint not used: {}", format::first_few(&start.extra))
    });
    let cut = (texts.truncated() > 0).then(|| {
        let count = format::count(texts.truncated() as u64);
        format!("{count} texts are longer than {} tokens and are cut", start.config.text.context_length)
    });
    [extra, cut, equal_choices(splits)].into_iter().flatten().collect()
}

/// Items with choices that the model cannot tell apart, such as those that differ behind the last token that is read.
fn equal_choices(splits: &Splits) -> Option<String> {
    if splits.task != TaskKind::Choice {
        return None;
    }
    let train = splits.train.iter().zip(&splits.train_items);
    let all = train.chain(splits.validation.iter().zip(&splits.validation_items));
    let ids: Vec<String> =
        all.filter(|(example, _)| example.has_equal_texts()).map(|(_, item)| item.id.clone()).collect();
    let count = ids.len();
    (count > 0).then(|| {
        format!(
            "{} of {} for training and validation {} choices that are the same tokens to the model, which cannot tell \
             them apart: {}",
            format::count(count as u64),
            format::counted((splits.train.len() + splits.validation.len()) as u64, "item"),
            if count == 1 { "has" } else { "have" },
            format::first_few(&ids)
        )
    })
}

/// What a training cannot do that its plan says.
pub(crate) fn of_training(plan: &TrainPlan, seed: Seed, train: &[Example], steps: usize) -> Vec<String> {
    [no_negatives(plan, seed, train), long_warmup(plan, steps)].into_iter().flatten().collect()
}

/// Batches without negatives, by those of the first epoch.
fn no_negatives(plan: &TrainPlan, seed: Seed, train: &[Example]) -> Option<String> {
    if !objective::has_negatives_in_batch(plan.objective) {
        return None;
    }
    let batches = batches(plan, seed, train, 1);
    let lacks = |chosen: &&Vec<usize>| lacks_negatives(chosen.iter().filter_map(|&row| train.get(row)));
    let count = batches.iter().filter(lacks).count();
    let why = match plan.batch_size.get() {
        1 => "`train.batch_size` is 1",
        _ => {
            "all items of such a batch belong to one group or have equal texts; a larger `train.batch_size` may help"
        }
    };
    (count > 0).then(|| {
        format!(
            "{} of an epoch's {} batches {} no negatives, so that `objective: {}` contrasts nothing there: {why}",
            format::count(count as u64),
            format::count(batches.len() as u64),
            if count == 1 { "has" } else { "have" },
            plan.objective.as_str()
        )
    })
}

fn long_warmup(plan: &TrainPlan, steps: usize) -> Option<String> {
    let warmup = warmup_steps(&plan.schedule, steps);
    (warmup > steps).then(|| {
        format!(
            "the warm-up ({warmup} steps) is longer than the training ({steps}): the learning rate never comes to more \
             than {} of `train.optimizer.lr`",
            format::percent(steps as f64 / warmup as f64)
        )
    })
}
