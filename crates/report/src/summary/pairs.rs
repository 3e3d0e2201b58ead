//! Chooses the images of pairs that the report shows with the texts nearest to them. Scoring keeps those texts for the first items
//! in the order of their content hashes.

use std::collections::HashMap;

use cliptune_experiment::{Split, TaskKind};
use cliptune_store::{ItemRef, Items, Nearest, Standing};

use super::boards::Scored;
use super::gallery::{SHOWN, choose, datasets, find, prepared, seen_as, strata};
use crate::data::{Board, NearItem, PairsGallery, PairsItem, ReportData};
use crate::error::ReportError;

/// Returns the gallery of the first board of pairs, if there is one whose scores kept the nearest texts.
pub(super) fn gallery(
    data: &ReportData,
    scored: &[Scored],
    grouped: &[Vec<&Standing>],
) -> Result<Option<PairsGallery>, ReportError> {
    let Some(index) = data.boards.iter().position(|board| board.task == TaskKind::Pairs) else {
        return Ok(None);
    };
    let board = &data.boards[index];
    let headline = board.headline.or(board.rows.first().map(|row| row.entry));
    let Some(headline) = headline.and_then(|entry| find(scored, entry)) else { return Ok(None) };
    let near = nearest(data, headline.entry);
    if near.is_empty() {
        return Ok(None);
    }
    let plans = &grouped[headline.entry];
    let read = datasets(plans).into_iter().map(|dataset| dataset.columns(&[Split::Test], SHOWN));
    let items = read.collect::<Result<Vec<Items>, _>>()?;
    let by_id: HashMap<&str, ItemRef<'_>> =
        items.iter().flat_map(|items| items.all().iter()).map(|item| (item.item_id(), item)).collect();
    let baseline = board.baseline.and_then(|entry| find(scored, entry));
    let strata = strata(headline, baseline);
    let predictions = headline.answers.items();
    let chosen = choose(&strata, predictions, &|one| near.contains_key(one.item_id.as_str()));
    let prepared = prepared(plans);
    let item = |&at: &usize| {
        let prediction = &predictions[at];
        let item = *by_id.get(prediction.item_id.as_str())?;
        let texts = &near.get(prediction.item_id.as_str())?.texts;
        let text = |item: &ItemRef<'_>| item.texts().next().unwrap_or_default().to_owned();
        Some(PairsItem {
            id: prediction.id.clone(),
            group: item.group().to_owned(),
            stratum: strata[at],
            image: seen_as(&prepared, item),
            near: texts
                .iter()
                .filter_map(|near| {
                    let text = text(by_id.get(near.item_id.as_str())?);
                    Some(NearItem { text, prob: near.prob, is_hit: near.is_hit })
                })
                .collect(),
            own: text(&item),
            ranks: (prediction.rank, rank_of(board, baseline, at)),
        })
    };
    let items = chosen.iter().filter_map(item).collect();
    Ok(Some(PairsGallery { board: index, entry: headline.entry, items }))
}

/// Returns the rank that the baseline gives the best text of an image.
fn rank_of(board: &Board, baseline: Option<&Scored>, at: usize) -> Option<f64> {
    let baseline = baseline.filter(|_| board.rows.len() > 1)?;
    Some(baseline.answers.items().get(at)?.rank)
}

/// Returns the nearest texts of images by item, as the first seed of an entry finds them.
fn nearest(data: &ReportData, entry: usize) -> HashMap<&str, &Nearest> {
    let runs =
        || data.entries[entry].runs.iter().filter_map(|run| Some((run.seed, run.scores_on(Split::Test)?)));
    let Some((first, _)) = runs().next() else { return HashMap::new() };
    let near = runs().filter(|(seed, _)| *seed == first).flat_map(|(_, scores)| &scores.nearest);
    near.map(|near| (near.item_id.as_str(), near)).collect()
}
