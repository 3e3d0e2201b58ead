//! Warnings before a run begins, for cases where it cannot do what its plan says.

use cliptune_experiment::{Seed, TaskKind, TrainPlan};
use cliptune_terminal::format;

use crate::data::{Arrangement, Example, Splits, TextBank, evaluation_batches};
use crate::fit::batches;
use crate::objective::{self, lacks_negatives};
use crate::schedule::warmup_steps;
use crate::start::Start;

/// Returns the warnings about a starting point and the texts that it reads.
pub(crate) fn of_start(start: &Start, texts: &TextBank, splits: &Splits) -> Vec<String> {
    let extra = (!start.extra.is_empty()).then(|| {
        let count = format::counted(start.extra.len() as u64, "tensor");
        format!("{count} of the checkpoint not used: {}", format::first_few(&start.extra))
    });
    let cut = (texts.truncated() > 0).then(|| {
        let (cut, length) = (texts.truncated() as u64, start.config.text.context_length);
        let are = format::agreed(cut, "is", "are");
        let one = texts.first_truncated().and_then(|row| with_text(row, texts, splits));
        let one = one.map(|name| format!(", the first of them that of {name}")).unwrap_or_default();
        format!("{} {are} longer than {length} tokens and {are} cut{one}", format::counted(cut, "text"))
    });
    [extra, cut, equal_choices(splits), equal_classes(texts, splits)].into_iter().flatten().collect()
}

/// Names the class, or the first item for training or validation, that has a text.
fn with_text(row: usize, texts: &TextBank, splits: &Splits) -> Option<String> {
    let mut classes = splits.classes.iter().zip(texts.rows());
    if !splits.classes.is_empty() {
        return classes.find(|(_, own)| **own == row).map(|(name, _)| format!("the class {name}"));
    }
    let train = splits.train.iter().zip(splits.train_items().iter());
    let mut all = train.chain(splits.validation.iter().zip(splits.validation_items().iter()));
    let (_, item) = all.find(|(example, _)| example.texts.contains(&row))?;
    Some(format!("item {}", item.id()))
}

/// Warns of items with choices that the model cannot tell apart, such as choices that differ only after the last token
/// that is read.
fn equal_choices(splits: &Splits) -> Option<String> {
    if splits.task != TaskKind::Choice {
        return None;
    }
    let train = splits.train.iter().zip(splits.train_items().iter());
    let all = train.chain(splits.validation.iter().zip(splits.validation_items().iter()));
    let ids: Vec<String> =
        all.filter(|(example, _)| example.has_equal_texts()).map(|(_, item)| item.id().to_owned()).collect();
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

/// Warns of classes that the model cannot tell apart, such as names that differ only in case.
fn equal_classes(texts: &TextBank, splits: &Splits) -> Option<String> {
    if texts.len() >= splits.classes.len() {
        return None;
    }
    let is_repeated = |row: &usize| texts.rows().iter().filter(|other| *other == row).count() > 1;
    let repeated = splits.classes.iter().zip(texts.rows()).filter(|(_, row)| is_repeated(row));
    let names: Vec<String> = repeated.map(|(name, _)| name.clone()).collect();
    Some(format!(
        "{} of {} classes have the prompts of another class, so that the model cannot tell them apart: {}",
        format::count(names.len() as u64),
        format::count(splits.classes.len() as u64),
        format::first_few(&names)
    ))
}

/// Returns the warnings about parts of the plan that the training cannot carry out.
pub(crate) fn of_training(plan: &TrainPlan, seed: Seed, splits: &Splits, steps: usize) -> Vec<String> {
    let trained = batches(plan, seed, &splits.train, 1);
    let validated = evaluation_batches(&splits.validation, Arrangement::of(plan.objective), plan.batch_size);
    let cautions = [
        no_negatives(plan, "an epoch's", &trained, &splits.train),
        no_negatives(plan, "the validation split's", &validated, &splits.validation),
        long_warmup(plan, steps),
    ];
    cautions.into_iter().flatten().collect()
}

/// Warns of batches without negatives, on which a contrastive loss is 0 whatever the model does.
fn no_negatives(
    plan: &TrainPlan,
    whose: &str,
    batches: &[Vec<usize>],
    examples: &[Example],
) -> Option<String> {
    if !objective::has_negatives_in_batch(plan.objective) {
        return None;
    }
    let lacks = |chosen: &&Vec<usize>| lacks_negatives(chosen.iter().filter_map(|&row| examples.get(row)));
    let count = batches.iter().filter(lacks).count();
    let why = match plan.batch_size.get() {
        1 => "`train.batch_size` is 1",
        _ => {
            "all items of such a batch belong to one group or have equal texts; a larger `train.batch_size` may help"
        }
    };
    (count > 0).then(|| {
        format!(
            "{} of {whose} {} batches {} no negatives, so that `objective: {}` contrasts nothing there: {why}",
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

#[cfg(test)]
mod tests {
    use cliptune_experiment::{Objective, Schedule, Split, Warmup};
    use cliptune_store::{ImageIdentity, Item, Items};

    use super::*;
    use crate::data::Examples;
    use cliptune_experiment::Templates;

    /// Returns the plan of the references with another objective and batch size.
    fn plan(objective: Objective, batch_size: usize) -> TrainPlan {
        let cases: serde_json::Value =
            serde_json::from_str(include_str!("../tests/references/cases.json")).unwrap();
        let plan: TrainPlan = serde_json::from_value(cases["choice"]["plan"].clone()).unwrap();
        TrainPlan { objective, batch_size: batch_size.try_into().unwrap(), ..plan }
    }

    fn item(number: usize, group: &str, texts: &[&str]) -> Item {
        Item {
            item_id: format!("{number:016x}"),
            id: format!("row {number}"),
            ids: Vec::new(),
            group: group.to_owned(),
            split: Split::Train,
            folder: 0,
            image: format!("{number}.png"),
            image_hash: ImageIdentity::of(&[number as u8]),
            width: Some(1),
            height: Some(1),
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
            label: 0,
            vocabulary: Vec::new(),
        }
    }

    fn examples(items: &[Item]) -> Vec<Example> {
        Examples::default().add(Items::of(items).all().iter())
    }

    #[test]
    fn batches_that_contrast_nothing_are_told_with_their_number_and_the_reason() {
        let told = |objective, batch_size, items: &[Item]| {
            let (plan, examples) = (plan(objective, batch_size), examples(items));
            no_negatives(&plan, "an epoch's", &batches(&plan, Seed(0), &examples, 1), &examples)
        };
        let one_group: Vec<Item> = (0..4).map(|n| item(n, "all", &[&n.to_string(), "other"])).collect();
        let one_text: Vec<Item> = (0..4).map(|n| item(n, &n.to_string(), &["same", "other"])).collect();
        let apart: Vec<Item> = (0..4).map(|n| item(n, &n.to_string(), &[&n.to_string(), "other"])).collect();
        let contrastive = Objective::ChoiceContrastive { contrastive_weight: 1.0 };
        for objective in [Objective::Contrastive, contrastive, Objective::Sigmoid] {
            for items in [&one_group, &one_text] {
                let told = told(objective, 2, items).unwrap();
                assert!(told.starts_with("2 of an epoch's 2 batches have no negatives"), "{told}");
                assert!(told.contains("one group or have equal texts"), "{told}");
            }
            assert_eq!(told(objective, 2, &apart), None);
            let alone = told(objective, 1, &apart).unwrap();
            assert!(alone.ends_with("`train.batch_size` is 1"), "{alone}");
        }
        // Each choice item brings its own wrong answers.
        assert_eq!(told(Objective::Choice, 1, &one_text), None);
    }

    #[test]
    fn a_warm_up_that_never_ends_is_told() {
        let plan = |steps| {
            let plan = plan(Objective::Choice, 2);
            TrainPlan { schedule: Schedule { warmup: Warmup::Steps(steps), ..plan.schedule }, ..plan }
        };
        assert_eq!(long_warmup(&plan(30), 30), None);
        assert_eq!(
            long_warmup(&plan(200), 30).unwrap(),
            "the warm-up (200 steps) is longer than the training (30): the learning rate never comes to more than \
             15.0% of `train.optimizer.lr`"
        );
    }

    #[test]
    fn items_with_equal_choices_are_told_with_their_number() {
        let items = [item(0, "0", &["a", "b"]), item(1, "1", &["b", "a", "b"]), item(2, "2", &["c", "c"])];
        let splits = |items: &[Item]| Splits {
            task: TaskKind::Choice,
            templates: Templates::plain(),
            train: examples(items),
            items: Items::of(items),
            validation: Vec::new(),
            test: Vec::new(),
            images: Vec::new().into(),
            texts: Vec::new(),
            classes: Vec::new(),
        };
        assert_eq!(
            equal_choices(&splits(&items)).unwrap(),
            "2 of 3 items for training and validation have choices that are the same tokens to the model, which cannot \
             tell them apart: row 1, row 2"
        );
        assert_eq!(equal_choices(&splits(&items[..1])), None);
    }
}
