//! Images with their own captions: retrieval both ways.
//!
//! The candidates are the split's distinct texts and distinct images. All of the query's group count as its own, and
//! the best-ranked of them decides (as in the 5-caption evaluation of Flickr30k and MS-COCO). Every foreign
//! candidate that scores the same as the best own one ranks ahead of it, so that a model that gives all the same
//! score finds nothing.

use std::collections::{BTreeMap, BTreeSet};

use cliptune_statistics::{Bootstrap, cluster_median, cluster_proportion};
use cliptune_store::{Item, Metrics, Prediction};

use crate::distinct::Distinct;
use crate::error::ScoreError;
use crate::matrix::Matrix;
use crate::metrics::named;
use crate::softmax::log_sum_exp;
use crate::temperature::Temperature;

/// The depths of recall.
const DEPTHS: [usize; 3] = [1, 5, 10];

/// The encoded candidates of a split, and which of them each item has.
#[derive(Clone, Copy, Debug)]
pub struct Candidates<'a> {
    /// Distinct images.
    pub images: &'a Matrix,
    /// Which of them is whose.
    pub image_rows: &'a Distinct,
    /// Distinct texts.
    pub texts: &'a Matrix,
    /// Which of them is whose; an item has one text.
    pub text_rows: &'a Distinct,
}

/// What retrieval gave.
#[derive(Clone, Debug)]
pub struct Retrieval {
    /// One per item, in item order.
    pub predictions: Vec<Prediction>,
    /// Rank of the best own text for each item's image, from 0.
    pub image_to_text: Vec<usize>,
    /// Rank of the best own image for each item's text, from 0.
    pub text_to_image: Vec<usize>,
}

/// Ranks everything against everything.
pub fn retrieve(items: &[Item], candidates: &Candidates<'_>, temperature: Temperature) -> Retrieval {
    let texts_of = rows_by_group(items, candidates.text_rows);
    let images_of = rows_by_group(items, candidates.image_rows);
    let found = candidates.images.select(&candidates.image_rows.row_of).against(
        candidates.texts,
        |query, cosines| {
            let item = &items[query];
            let logits: Vec<f64> = cosines.iter().map(|&cosine| temperature.logit(cosine)).collect();
            let logit = logits[candidates.text_rows.row_of[query]];
            prediction(item, rank(cosines, &texts_of[item.group.as_str()]), logit, log_sum_exp(&logits))
        },
    );
    let text_to_image = candidates
        .texts
        .select(&candidates.text_rows.row_of)
        .against(candidates.images, |query, cosines| rank(cosines, &images_of[items[query].group.as_str()]));
    let image_to_text = found.iter().map(|prediction| prediction.predicted).collect();
    Retrieval { predictions: found, image_to_text, text_to_image }
}

/// recall@1/5/10 and the median rank (from 1), both ways, each with its interval over groups.
pub fn metrics(items: &[Item], retrieval: &Retrieval, options: &Bootstrap) -> Result<Metrics, ScoreError> {
    let groups: Vec<&str> = items.iter().map(|item| item.group.as_str()).collect();
    let ways = [("image_to_text", &retrieval.image_to_text), ("text_to_image", &retrieval.text_to_image)];
    let mut metrics = Metrics::default();
    for (way, ranks) in ways {
        for depth in DEPTHS {
            let found: Vec<bool> = ranks.iter().map(|&rank| rank < depth).collect();
            let interval = cluster_proportion(&found, &groups, options)?;
            metrics.0.push(named(format!("{way}_recall@{depth}"), interval));
        }
    }
    for (way, ranks) in ways {
        let ranks: Vec<f64> = ranks.iter().map(|&rank| (rank + 1) as f64).collect();
        metrics.0.push(named(format!("{way}_median_rank"), cluster_median(&ranks, &groups, options)?));
    }
    Ok(metrics)
}

/// image_to_text_recall@1 of a random order: the mean share of own texts among all.
pub fn chance(items: &[Item], text_rows: &Distinct) -> f64 {
    let texts_of = rows_by_group(items, text_rows);
    let own: usize = items.iter().map(|item| texts_of[item.group.as_str()].len()).sum();
    own as f64 / (items.len() * text_rows.count()) as f64
}

fn prediction(item: &Item, rank: usize, logit: f64, total: f64) -> Prediction {
    let label_prob = (logit - total).exp();
    Prediction {
        item_id: item.item_id.clone(),
        id: item.id.clone(),
        group: item.group.clone(),
        label: 0,
        predicted: rank,
        correct: rank == 0,
        label_prob,
        probs: vec![label_prob],
        logits: vec![logit],
    }
}

/// The candidates that each group has.
fn rows_by_group<'a>(items: &'a [Item], rows: &Distinct) -> BTreeMap<&'a str, BTreeSet<usize>> {
    let mut groups: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (item, row) in items.iter().zip(&rows.row_of) {
        groups.entry(item.group.as_str()).or_default().insert(*row);
    }
    groups
}

/// How many foreign candidates score at least as high as the best own one.
fn rank(cosines: &[f64], own: &BTreeSet<usize>) -> usize {
    let best = own.iter().map(|&row| cosines[row]).fold(f64::NEG_INFINITY, f64::max);
    let as_high = cosines.iter().filter(|cosine| **cosine >= best).count();
    as_high - own.iter().filter(|&&row| cosines[row] >= best).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::product;
    use cliptune_experiment::Split;
    use proptest::prelude::*;

    fn item(number: usize, group: usize, image: usize, text: usize) -> Item {
        Item {
            item_id: format!("{number:016x}"),
            id: format!("id{number}"),
            ids: vec![format!("id{number}")],
            group: format!("g{group}"),
            split: Split::Test,
            image: format!("{image}.png"),
            image_hash: format!("h{image}"),
            width: 1,
            height: 1,
            texts: vec![format!("t{text}")],
            label: 0,
            vocabulary: Vec::new(),
        }
    }

    /// Directions in the plane, in whole degrees.
    fn directions(degrees: &[u16]) -> Matrix {
        let unit = |degrees: &u16| {
            let (sine, cosine) = f32::from(*degrees).to_radians().sin_cos();
            [cosine, sine]
        };
        Matrix::new(degrees.len(), degrees.iter().flat_map(unit).collect())
    }

    /// Retrieval over directions of the distinct images and texts.
    fn retrieval(items: &[Item], image_degrees: &[u16], text_degrees: &[u16]) -> Retrieval {
        let image_rows = Distinct::new(items.iter().map(|item| item.image_hash.as_str()));
        let text_rows = Distinct::new(items.iter().map(|item| item.texts[0].as_str()));
        let (images, texts) = (directions(image_degrees), directions(text_degrees));
        let candidates =
            Candidates { images: &images, image_rows: &image_rows, texts: &texts, text_rows: &text_rows };
        retrieve(items, &candidates, Temperature { scale: 10.0, bias: 0.0 })
    }

    #[test]
    fn the_best_text_of_the_group_counts() {
        // Item 0's own text is far off, but its group's other text is nearest.
        let items = [item(0, 0, 0, 0), item(1, 0, 0, 1), item(2, 1, 1, 2)];
        let found = retrieval(&items, &[0, 90], &[80, 1, 60]);
        assert_eq!(found.image_to_text, [0, 0, 1]);
        assert_eq!(found.text_to_image, [1, 0, 0]);
        assert!(found.predictions[0].correct && !found.predictions[2].correct);
        // numpy: z = 10 * cos(radians([80, 1, 60])); exp(z[0] - logsumexp(z)) -> 2.563_473_7e-4
        assert!((found.predictions[0].label_prob - LABEL_PROB).abs() < 1e-7, "{:?}", found.predictions[0]);
    }

    const LABEL_PROB: f64 = 2.563_473_7e-4;

    #[test]
    fn equal_scores_find_nothing() {
        let items: Vec<Item> = (0..12).map(|i| item(i, i, i, i)).collect();
        let found = retrieval(&items, &[45; 12], &[45; 12]);
        assert_eq!(found.image_to_text, [11; 12]);
        let metrics = metrics(&items, &found, &Bootstrap::default()).unwrap();
        assert_eq!(metrics.get("image_to_text_recall@10").unwrap().value, 0.0);
        assert_eq!(metrics.get("text_to_image_median_rank").unwrap().value, 12.0);
    }

    #[test]
    fn metrics_come_in_their_order() {
        let items = [item(0, 0, 0, 0), item(1, 1, 1, 1)];
        let metrics = metrics(&items, &retrieval(&items, &[0, 90], &[1, 91]), &Bootstrap::default()).unwrap();
        let names: Vec<&str> = metrics.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[..2], ["image_to_text_recall@1", "image_to_text_recall@5"]);
        assert_eq!(names[6..], ["image_to_text_median_rank", "text_to_image_median_rank"]);
        assert_eq!(metrics.get("text_to_image_recall@1").unwrap().value, 1.0);
    }

    #[test]
    fn guessing_is_the_share_of_own_texts() {
        let items = [item(0, 0, 0, 0), item(1, 0, 0, 1), item(2, 1, 1, 2)];
        let texts = Distinct::new(items.iter().map(|item| item.texts[0].as_str()));
        assert!((chance(&items, &texts) - (2.0 + 2.0 + 1.0) / 9.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn ranks_are_those_of_the_full_matrix(
            pairs in proptest::collection::vec((0_usize..5, 0_u16..90, 0_u16..90), 1..41),
        ) {
            let items: Vec<Item> =
                pairs.iter().enumerate().map(|(i, (group, ..))| item(i, *group, i, i)).collect();
            let images: Vec<u16> = pairs.iter().map(|(_, image, _)| *image).collect();
            let texts: Vec<u16> = pairs.iter().map(|(.., text)| *text).collect();
            let found = retrieval(&items, &images, &texts);
            let (images, texts) = (directions(&images), directions(&texts));
            for (query, item) in items.iter().enumerate() {
                let mut row: Vec<(f64, bool)> = (0..items.len())
                    .map(|text| (product(images.row(query), texts.row(text)), items[text].group == item.group))
                    .collect();
                // The highest first; among equals the foreign ones.
                row.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
                let naive = row.iter().position(|(_, own)| *own).unwrap();
                prop_assert_eq!(found.image_to_text[query], naive);
            }
        }
    }
}
