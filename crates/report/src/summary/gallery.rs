//! Chooses the items that the gallery shows. Nobody picks them: content hashes do.

use std::collections::{BTreeSet, HashMap};

use cliptune_clip::image::Preprocessor;
use cliptune_compare::Answers;
use cliptune_experiment::{Split, TaskKind};
use cliptune_store::{Dataset, ItemRef, Part, Prediction, Standing};

use super::boards::Scored;
use super::thumbnail::{preprocessor, seen};
use crate::data::{Answer, Gallery, GalleryItem, ReportData, Role, Seen, Stratum, StratumCount, mean};
use crate::error::ReportError;

/// The number of items in a gallery.
const SIZE: usize = 16;
/// The parts of items that the gallery shows.
pub(crate) const SHOWN: &[Part] = &[Part::Identity, Part::Group, Part::Image, Part::Texts];

/// Returns the gallery of the first board of choices or classes, if there is one.
pub(super) fn gallery(
    data: &ReportData,
    scored: &[Scored],
    grouped: &[Vec<&Standing>],
) -> Result<Option<Gallery>, ReportError> {
    let Some(index) = data.boards.iter().position(|board| board.task != TaskKind::Pairs) else {
        return Ok(None);
    };
    let board = &data.boards[index];
    let named = board.rows.iter().filter(|row| data.entries[row.entry].role != Role::Other);
    let of_board: Vec<&Scored> = named.filter_map(|row| find(scored, row.entry)).collect();
    let headline = board.headline.or(board.rows.first().map(|row| row.entry));
    let Some(headline) = headline.and_then(|entry| find(scored, entry)) else { return Ok(None) };
    let datasets = datasets(&grouped[headline.entry]);
    let baseline = board.baseline.and_then(|entry| find(scored, entry));
    let strata = strata(headline, baseline);
    let chosen = choose(&strata, headline.answers.items(), &|_| true);
    let prepared = prepared(&grouped[headline.entry]);
    let image = |item: ItemRef<'_>| seen_as(&prepared, item);
    let items = show(&datasets, &of_board, &strata, &chosen, image)?;
    let strata = Stratum::ALL.map(|stratum| (stratum, count(stratum, &strata, &items)));
    let entries = of_board.iter().map(|one| one.entry).collect();
    Ok(Some(Gallery { board: index, entries, items, strata: strata.to_vec() }))
}

/// Returns how the model of some plans prepares images, or the reason why that is not known.
pub(super) fn prepared(plans: &[&Standing]) -> Result<Preprocessor, String> {
    let run = plans.iter().find_map(|standing| standing.run.as_ref());
    run.map_or_else(
        || Err("there is no model to show it as".to_owned()),
        |run| preprocessor(&run.model_folder()),
    )
}

/// Returns the image of an item as a model sees it, or the reason why it cannot be shown.
pub(super) fn seen_as(prepared: &Result<Preprocessor, String>, item: ItemRef<'_>) -> Result<Seen, String> {
    prepared.as_ref().map_err(Clone::clone).and_then(|preprocessor| seen(&item.image(), preprocessor))
}

/// Returns the datasets of some plans, each once: one for each fold.
pub(super) fn datasets<'a>(plans: &[&'a Standing]) -> Vec<&'a Dataset> {
    let mut datasets: Vec<&Dataset> = Vec::new();
    for dataset in plans.iter().filter_map(|standing| standing.dataset.as_ref()) {
        if datasets.iter().all(|known| known.record().hash != dataset.record().hash) {
            datasets.push(dataset);
        }
    }
    datasets
}

pub(super) fn find(scored: &[Scored], entry: usize) -> Option<&Scored> {
    scored.iter().find(|one| one.entry == entry)
}

/// Returns the stratum of every item of the test split.
pub(super) fn strata(headline: &Scored, baseline: Option<&Scored>) -> Vec<Stratum> {
    let items = 0..headline.answers.items().len();
    items
        .map(|item| match (is_right(headline, item), baseline.map(|baseline| is_right(baseline, item))) {
            (true, Some(false)) => Stratum::Gained,
            (false, Some(true)) => Stratum::Lost,
            (true, _) => Stratum::BothRight,
            (false, _) => Stratum::BothWrong,
        })
        .collect()
}

/// Returns whether more than half of the seeds are right, where a tie counts in part.
fn is_right(scored: &Scored, item: usize) -> bool {
    2.0 * scored.answers.share_of(item) > 1.0
}

/// Takes the next item of each stratum in turn until the gallery is full. Items come in the order of their content
/// hashes, and each group is taken only once. Only those are taken that can be shown.
pub(super) fn choose(
    strata: &[Stratum],
    predictions: &[Prediction],
    can_be_shown: &dyn Fn(&Prediction) -> bool,
) -> Vec<usize> {
    let mut order: Vec<usize> =
        (0..strata.len()).filter(|&index| can_be_shown(&predictions[index])).collect();
    order.sort_by_key(|&index| (&predictions[index].item_id, &predictions[index].id));
    let mut queues = Stratum::ALL.map(|stratum| {
        let items: Vec<usize> = order.iter().copied().filter(|&index| strata[index] == stratum).collect();
        items.into_iter()
    });
    let mut groups = BTreeSet::new();
    let mut chosen = Vec::new();
    loop {
        let before = chosen.len();
        for queue in &mut queues {
            let next = queue.find(|&index| groups.insert(&predictions[index].group));
            chosen.extend(next.filter(|_| chosen.len() < SIZE));
        }
        if chosen.len() == before || chosen.len() == SIZE {
            chosen.sort_by_key(|&index| strata[index]);
            return chosen;
        }
    }
}

fn show(
    datasets: &[&Dataset],
    scored: &[&Scored],
    strata: &[Stratum],
    chosen: &[usize],
    image: impl Fn(ItemRef<'_>) -> Result<Seen, String>,
) -> Result<Vec<GalleryItem>, ReportError> {
    let read = datasets.iter().map(|dataset| dataset.columns(&[Split::Test], SHOWN));
    let items = read.collect::<Result<Vec<_>, _>>()?;
    let (Some(first), Some(dataset)) = (scored.first(), datasets.first()) else { return Ok(Vec::new()) };
    let named: BTreeSet<&str> =
        chosen.iter().map(|&index| first.answers.items()[index].item_id.as_str()).collect();
    let named =
        items.iter().flat_map(|items| items.all().iter()).filter(|item| named.contains(item.item_id()));
    let by_id: HashMap<&str, ItemRef<'_>> = named.map(|item| (item.item_id(), item)).collect();
    let answers: Vec<&Answers> = scored.iter().map(|one| &one.answers).collect();
    let shown = chosen.iter().filter_map(|&index| {
        let prediction = &first.answers.items()[index];
        let item = *by_id.get(prediction.item_id.as_str())?;
        // The folds of one dataset have the same classes in the same order.
        let (candidates, texts) = candidates(&dataset.record().classes, item, &answers, index);
        Some(GalleryItem {
            item_id: item.item_id().to_owned(),
            id: prediction.id.clone(),
            group: item.group().to_owned(),
            stratum: strata[index],
            image: image(item),
            label: candidates.iter().position(|&candidate| candidate == item.label())?,
            answers: answers.iter().map(|one| answer(one, index, &candidates)).collect(),
            texts,
        })
    });
    Ok(shown.collect())
}

/// Returns the candidates of an item that are shown, with their texts: all of its own texts, or of the dataset's classes
/// the right one, those that were given as answers, and the likely ones.
pub(crate) fn candidates(
    classes: &[String],
    item: ItemRef<'_>,
    answers: &[&Answers],
    index: usize,
) -> (Vec<usize>, Vec<String>) {
    if classes.is_empty() {
        return ((0..item.text_numbers().len()).collect(), item.texts().map(str::to_owned).collect());
    }
    let predictions = || answers.iter().flat_map(|one| &one.seeds).map(|seed| &seed[index]);
    let likely = predictions().next().and_then(Prediction::chosen);
    let likely = likely.into_iter().flat_map(|first| &first.candidates).copied();
    let given = predictions().filter_map(Prediction::predicted);
    let shown: BTreeSet<usize> = given.chain(likely).chain([item.label()]).collect();
    shown.into_iter().filter_map(|class| Some((class, classes.get(class)?.clone()))).unzip()
}

/// Returns what the seeds of an entry answered to an item, for each of some candidates.
pub(crate) fn answer(answers: &Answers, item: usize, candidates: &[usize]) -> Answer {
    let votes =
        |&text: &usize| answers.seeds.iter().filter(|seed| seed[item].predicted() == Some(text)).count();
    let prob = |&text: &usize| {
        let probs = answers.seeds.iter().filter_map(|seed| seed[item].prob_of(text));
        mean(probs).unwrap_or(f64::NAN)
    };
    Answer { votes: candidates.iter().map(votes).collect(), probs: candidates.iter().map(prob).collect() }
}

fn count(stratum: Stratum, strata: &[Stratum], shown: &[GalleryItem]) -> StratumCount {
    StratumCount {
        items: strata.iter().filter(|one| **one == stratum).count(),
        shown: shown.iter().filter(|item| item.stratum == stratum).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cliptune_store::{Answered, Chosen};

    fn prediction(item_id: &str, group: &str, correct: bool) -> Prediction {
        Prediction {
            item_id: item_id.to_owned(),
            id: item_id.to_owned(),
            group: group.to_owned(),
            correct,
            share: f64::from(u8::from(correct)),
            rank: 1.0,
            label_prob: 0.5,
            answered: Answered::Choice(Chosen {
                label: 0,
                predicted: usize::from(!correct),
                candidates: vec![0, 1],
                probs: vec![0.5, 0.5],
                logits: vec![0.0, 0.0],
            }),
        }
    }

    fn many(n: usize, right: impl Fn(usize) -> bool) -> Scored {
        let items = (0..n).map(|index| {
            prediction(&format!("{:016x}", index * 7919 % 1009), &index.to_string(), right(index))
        });
        Scored { entry: 0, answers: Answers::alone(vec![items.collect()]) }
    }

    #[test]
    fn every_stratum_has_its_share_and_no_group_comes_twice() {
        let (tuned, zero) = (many(200, |index| index % 4 != 0), many(200, |index| index % 3 == 0));
        let strata = strata(&tuned, Some(&zero));
        let chosen = choose(&strata, tuned.answers.items(), &|_| true);
        assert_eq!(chosen.len(), SIZE);
        for stratum in Stratum::ALL {
            assert_eq!(chosen.iter().filter(|&&index| strata[index] == stratum).count(), SIZE / 4);
        }
    }

    #[test]
    fn a_small_split_is_shown_once() {
        let tuned = many(3, |_| true);
        let strata = strata(&tuned, None);
        assert_eq!(choose(&strata, tuned.answers.items(), &|_| true).len(), 3);
    }
}
