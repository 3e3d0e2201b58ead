//! Decides which examples form which step of an epoch.

use std::collections::BTreeMap;

use cliptune_experiment::{BatchSize, Objective, Seed};
use cliptune_random::Random;

use super::examples::Example;

/// A way to put examples together into batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrangement {
    /// Keeps the examples of one image together, so that a step encodes each image once for all its questions.
    ByImage,
    /// Keeps the examples of one group apart, because they cannot be each other's negatives.
    GroupsApart,
}

impl Arrangement {
    /// Returns the arrangement that suits an objective.
    pub fn of(objective: Objective) -> Self {
        // For a contrastive part, the right texts of other images are negatives enough.
        if objective.is_over_candidates() { Self::ByImage } else { Self::GroupsApart }
    }
}

/// Returns the steps of one epoch as indices into `examples`. This is a pure function of its arguments, so that a seed,
/// an epoch and a step define a position in the data.
pub fn epoch_batches(
    examples: &[Example],
    arrangement: Arrangement,
    batch_size: BatchSize,
    seed: Seed,
    epoch: usize,
) -> Vec<Vec<usize>> {
    let random = Random::new((u64::from(seed.0) << 32) | epoch as u64);
    // Over several epochs, a different example is left out each time.
    without_lone_last(batches(examples, arrangement, batch_size, random))
}

/// Returns the steps of an epoch that keeps the order of the dataset; they are the same in every epoch.
pub fn listed_batches(
    examples: &[Example],
    arrangement: Arrangement,
    batch_size: BatchSize,
) -> Vec<Vec<usize>> {
    let batches = chunks(&(0..examples.len()).collect::<Vec<_>>(), batch_size);
    match arrangement {
        // Leaving one out would drop the same question in every epoch, and a question teaches something even alone.
        Arrangement::ByImage => batches,
        Arrangement::GroupsApart => without_lone_last(batches),
    }
}

/// Returns the batches in which a split is evaluated. They are the same for every run, whatever its seed.
pub fn evaluation_batches(
    examples: &[Example],
    arrangement: Arrangement,
    batch_size: BatchSize,
) -> Vec<Vec<usize>> {
    let batches = batches(examples, arrangement, batch_size, Random::new(0));
    match arrangement {
        // Every question counts, because it brings its own wrong answers.
        Arrangement::ByImage => batches,
        // Without negatives the loss is 0, whatever the model does.
        Arrangement::GroupsApart => without_lone_last(batches),
    }
}

fn batches(
    examples: &[Example],
    arrangement: Arrangement,
    batch_size: BatchSize,
    mut random: Random,
) -> Vec<Vec<usize>> {
    let order = match arrangement {
        Arrangement::ByImage => by_image(examples, &mut random),
        Arrangement::GroupsApart => groups_apart(examples, &mut random),
    };
    chunks(&order, batch_size)
}

fn chunks(order: &[usize], batch_size: BatchSize) -> Vec<Vec<usize>> {
    order.chunks(batch_size.get()).map(<[usize]>::to_vec).collect()
}

/// Drops a last batch of one example, which has no negatives and whose gradient is noise.
fn without_lone_last(mut batches: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    let whole = batches.first().map_or(0, Vec::len);
    if whole > 1 && batches.len() > 1 && batches.last().is_some_and(|batch| batch.len() == 1) {
        batches.pop();
    }
    batches
}

fn by_image(examples: &[Example], random: &mut Random) -> Vec<usize> {
    let mut images = collect(examples, |example| example.image);
    random.shuffle(&mut images);
    images.concat()
}

/// Orders examples in rounds; each round takes one example from every group that has any left.
fn groups_apart(examples: &[Example], random: &mut Random) -> Vec<usize> {
    let mut groups = collect(examples, |example| example.group);
    for group in &mut groups {
        random.shuffle(group);
    }
    let mut order = Vec::with_capacity(examples.len());
    while !groups.is_empty() {
        random.shuffle(&mut groups);
        order.extend(groups.iter_mut().filter_map(Vec::pop));
        groups.retain(|group| !group.is_empty());
    }
    order
}

fn collect(examples: &[Example], key: fn(&Example) -> usize) -> Vec<Vec<usize>> {
    let mut sets: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, example) in examples.iter().enumerate() {
        sets.entry(key(example)).or_default().push(index);
    }
    sets.into_values().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn examples() -> Vec<Example> {
        // Ten images with one to four questions each, and two images to a group.
        let questions = |image| (0..image % 4 + 1).map(move |_| image);
        (0..10).flat_map(questions).map(|image| Example::new(image, vec![0, 1], 0, image / 2)).collect()
    }

    fn batches(arrangement: Arrangement, seed: u32, epoch: usize) -> Vec<Vec<usize>> {
        epoch_batches(&examples(), arrangement, BatchSize::try_from(4).unwrap(), Seed(seed), epoch)
    }

    #[test]
    fn every_example_appears_once_an_epoch() {
        for arrangement in [Arrangement::ByImage, Arrangement::GroupsApart] {
            let mut seen = batches(arrangement, 0, 1).concat();
            seen.sort_unstable();
            assert_eq!(seen, (0..examples().len()).collect::<Vec<_>>(), "{arrangement:?}");
        }
    }

    #[test]
    fn a_lone_last_example_is_not_trained_on_but_its_question_is_evaluated() {
        let examples = &examples()[..9];
        let size = BatchSize::try_from(4).unwrap();
        let lengths = |batches: Vec<Vec<usize>>| batches.iter().map(Vec::len).collect::<Vec<_>>();
        for arrangement in [Arrangement::ByImage, Arrangement::GroupsApart] {
            assert_eq!(lengths(epoch_batches(examples, arrangement, size, Seed(0), 1)), [4, 4]);
        }
        assert_eq!(lengths(evaluation_batches(examples, Arrangement::ByImage, size)), [4, 4, 1]);
        assert_eq!(lengths(evaluation_batches(examples, Arrangement::GroupsApart, size)), [4, 4]);
    }

    #[test]
    fn the_order_depends_on_seed_and_epoch_alone() {
        assert_eq!(batches(Arrangement::ByImage, 3, 2), batches(Arrangement::ByImage, 3, 2));
        assert_ne!(batches(Arrangement::ByImage, 3, 2), batches(Arrangement::ByImage, 3, 3));
        assert_ne!(batches(Arrangement::ByImage, 3, 2), batches(Arrangement::ByImage, 4, 2));
    }

    #[test]
    fn without_shuffling_the_order_is_that_of_the_dataset() {
        let examples = &examples()[..9];
        let size = BatchSize::try_from(4).unwrap();
        let listed = |arrangement| listed_batches(examples, arrangement, size);
        assert_eq!(listed(Arrangement::ByImage), [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8]]);
        assert_eq!(listed(Arrangement::GroupsApart), [[0, 1, 2, 3], [4, 5, 6, 7]]);
    }

    #[test]
    fn questions_of_one_image_follow_each_other() {
        let examples = examples();
        let images: Vec<_> =
            batches(Arrangement::ByImage, 0, 1).concat().iter().map(|&i| examples[i].image).collect();
        let runs = images.chunk_by(|a, b| a == b).count();
        assert_eq!(runs, images.iter().collect::<HashSet<_>>().len());
    }

    #[test]
    fn the_first_contrastive_batches_hold_no_group_twice() {
        let examples = examples();
        let first = &batches(Arrangement::GroupsApart, 0, 1)[0];
        let groups: HashSet<_> = first.iter().map(|&i| examples[i].group).collect();
        assert_eq!(groups.len(), first.len());
    }
}
