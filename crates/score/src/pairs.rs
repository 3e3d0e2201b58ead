//! Scores images with their own captions by retrieval in both directions.
//!
//! The candidates are the split's distinct texts and distinct images. All candidates from the query's groups count as
//! its own, and the best-ranked of them decides (as in the 5-caption evaluation of Flickr30k and MS-COCO). Equal texts
//! are one text, which belongs to the groups of all its items: retrieving an image to which somebody else gave the same
//! caption is a hit.

use std::collections::BTreeSet;

use cliptune_statistics::{Bootstrap, Statistic, TiedRank, cluster_proportion, cluster_statistic};
use cliptune_store::{Answered, ItemRef, ItemSlice, Metrics, NearText, Nearest, Prediction, Retrieved};

use crate::error::ScoreError;
use crate::hits::Hits;
use crate::matrix::Matrix;
use crate::metrics::named;
use crate::softmax::log_sum_exp;
use crate::temperature::Temperature;

/// The depths at which recall is computed.
pub(crate) const DEPTHS: [usize; 3] = [1, 5, 10];

/// The number of items whose nearest texts are kept, and how many of them.
const SHOWN: usize = 96;
const NEAR: usize = 5;

/// The ways that retrieval goes, as the names of metrics have them.
pub(crate) const IMAGE_TO_TEXT: &str = "image_to_text";
pub(crate) const TEXT_TO_IMAGE: &str = "text_to_image";

/// Returns the name of a recall.
pub(crate) fn recall(way: &str, depth: usize) -> String {
    format!("{way}_recall@{depth}")
}

/// The result of retrieval.
#[derive(Clone, Debug)]
pub(crate) struct Retrieval {
    /// The predictions, one per item, in item order.
    pub(crate) predictions: Vec<Prediction>,
    /// The rank of the best own text for each item's image.
    pub(crate) image_to_text: Vec<TiedRank>,
    /// The rank of the best own image for each item's text.
    pub(crate) text_to_image: Vec<TiedRank>,
    /// The texts that are nearest to the images of some items.
    pub(crate) nearest: Vec<Nearest>,
}

/// Ranks all texts for every image and all images for every text; `images` and `texts` are the distinct ones.
pub(crate) fn retrieve(
    items: ItemSlice<'_>,
    hits: &Hits<'_>,
    images: &Matrix,
    texts: &Matrix,
    temperature: Temperature,
) -> Retrieval {
    let (image_of, text_of) = (&hits.image_rows.row_of, &hits.text_rows.row_of);
    let shown = shown(items, image_of);
    let found = images.select(image_of).against(texts, |query, cosines| {
        let own = hits.texts_of(image_of[query]);
        let logits: Vec<f64> = cosines.iter().map(|&cosine| temperature.logit(cosine)).collect();
        let total = log_sum_exp(&logits);
        let near = shown.contains(&query).then(|| near(items, hits, &own, &logits, total));
        let rank = TiedRank::new(cosines, own.into_iter());
        ((prediction(items.at(query), rank, logits[text_of[query]], total), rank), near)
    });
    let (found, near): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let near = near.into_iter().enumerate();
    let nearest = near.filter_map(|(query, texts)| {
        Some(Nearest { item_id: items.at(query).item_id().to_owned(), texts: texts? })
    });
    let nearest = nearest.collect();
    let text_to_image = texts
        .select(text_of)
        .against(images, |query, cosines| TiedRank::new(cosines, hits.images_of(text_of[query]).into_iter()));
    let (mut predictions, image_to_text): (Vec<Prediction>, Vec<TiedRank>) = found.into_iter().unzip();
    for (prediction, rank) in predictions.iter_mut().zip(&text_to_image) {
        if let Answered::Pairs(retrieved) = &mut prediction.answered {
            (retrieved.text_to_image_share, retrieved.text_to_image_rank) = (rank.within(1), rank.rank());
        }
    }
    Retrieval { predictions, image_to_text, text_to_image, nearest }
}

/// Returns the items whose nearest texts are kept: the first ones in the order of their content hashes, each image once. Whoever
/// shows some of them did not pick them either.
fn shown(items: ItemSlice<'_>, image_of: &[usize]) -> BTreeSet<usize> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|&item| (items.at(item).item_id(), items.at(item).id()));
    let mut images = BTreeSet::new();
    order.into_iter().filter(|&item| images.insert(image_of[item])).take(SHOWN).collect()
}

/// Returns the texts that are nearest to an image, of which `own` belong to it.
fn near(items: ItemSlice<'_>, hits: &Hits<'_>, own: &[usize], logits: &[f64], total: f64) -> Vec<NearText> {
    let mut order: Vec<usize> = (0..logits.len()).collect();
    // The first ones of equal logits are not better than the others, but always the same.
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
    let text = |&text: &usize| NearText {
        item_id: items.at(hits.text_rows.firsts[text]).item_id().to_owned(),
        prob: (logits[text] - total).exp(),
        is_hit: own.contains(&text),
    };
    order.iter().take(NEAR).map(text).collect()
}

impl Retrieval {
    /// Returns how many items have a rank, in either direction, that a tie leaves open.
    pub(crate) fn tied(&self) -> usize {
        let ways = self.image_to_text.iter().zip(&self.text_to_image);
        ways.filter(|(text, image)| text.is_tied() || image.is_tied()).count()
    }
}

/// Computes recall@1/5/10 and the median rank (from 1) in both directions, each with its interval over groups.
pub(crate) fn metrics(
    items: ItemSlice<'_>,
    retrieval: &Retrieval,
    options: &Bootstrap,
) -> Result<Metrics, ScoreError> {
    let groups: Vec<&str> = items.iter().map(cliptune_store::ItemRef::group).collect();
    let ways = [(IMAGE_TO_TEXT, &retrieval.image_to_text), (TEXT_TO_IMAGE, &retrieval.text_to_image)];
    let mut metrics = Metrics::default();
    for (way, ranks) in ways {
        for depth in DEPTHS {
            let found: Vec<f64> = ranks.iter().map(|rank| rank.within(depth)).collect();
            let interval = cluster_proportion(&found, &groups, options)?;
            metrics.0.push(named(recall(way, depth), interval));
        }
    }
    for (way, ranks) in ways {
        let ranks: Vec<f64> = ranks.iter().map(TiedRank::rank).collect();
        let median = cluster_statistic(&[Statistic::median(&ranks)?], &groups, options)?;
        metrics.0.push(named(format!("{way}_median_rank"), median));
    }
    Ok(metrics)
}

fn prediction(item: ItemRef<'_>, rank: TiedRank, logit: f64, total: f64) -> Prediction {
    let label_prob = (logit - total).exp();
    Prediction {
        item_id: item.item_id().to_owned(),
        id: item.id().to_owned(),
        group: item.group().to_owned(),
        correct: rank.within(1) == 1.0,
        share: rank.within(1),
        rank: rank.rank(),
        label_prob,
        // The other way is known when all texts have been gone through.
        answered: Answered::Pairs(Retrieved {
            text_to_image_share: f64::NAN,
            text_to_image_rank: f64::NAN,
            logits: [logit],
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distinct::Distinct;
    use crate::matrix::product;
    use cliptune_experiment::Split;
    use cliptune_store::{ImageIdentity, Item, Items};
    use proptest::prelude::*;

    fn item(number: usize, group: usize, image: usize, text: usize) -> Item {
        Item {
            item_id: format!("{number:016x}"),
            id: format!("id{number}"),
            ids: vec![format!("id{number}")],
            group: format!("g{group}"),
            split: Split::Test,
            folder: 0,
            image: format!("{image}.png"),
            image_hash: ImageIdentity::of(&[image as u8]),
            width: Some(1),
            height: Some(1),
            texts: vec![format!("t{text}")],
            label: 0,
            vocabulary: Vec::new(),
        }
    }

    /// Returns directions in the plane, given in whole degrees.
    fn directions(degrees: &[u16]) -> Matrix {
        let unit = |degrees: &u16| {
            let (sine, cosine) = f32::from(*degrees).to_radians().sin_cos();
            [cosine, sine]
        };
        Matrix::new(degrees.len(), degrees.iter().flat_map(unit).collect())
    }

    /// Returns the result of retrieval over directions of the distinct images and texts.
    fn retrieval(items: &[Item], image_degrees: &[u16], text_degrees: &[u16]) -> Retrieval {
        let image_rows = Distinct::new(items.iter().map(|item| item.image_hash));
        let text_rows = Distinct::new(items.iter().map(|item| item.texts[0].as_str()));
        let (images, texts) = (directions(image_degrees), directions(text_degrees));
        let columns = Items::of(items);
        let hits = Hits::new(columns.all(), &image_rows, &text_rows);
        retrieve(columns.all(), &hits, &images, &texts, Temperature { scale: 10.0, bias: 0.0 })
    }

    fn ranks(ranks: &[TiedRank]) -> Vec<f64> {
        ranks.iter().map(TiedRank::rank).collect()
    }

    /// What guessing and always giving the same text reach.
    fn baselines(items: &[Item]) -> (f64, f64) {
        let image_rows = Distinct::new(items.iter().map(|item| item.image_hash));
        let text_rows = Distinct::new(items.iter().map(|item| item.texts[0].as_str()));
        let hits = Hits::new(Items::of(items).all(), &image_rows, &text_rows);
        (hits.chances()[&recall(IMAGE_TO_TEXT, 1)], hits.majority())
    }

    #[test]
    fn the_best_text_of_the_group_counts() {
        // The text of item 0 itself is far off, but the other text of its group is nearest.
        let items = [item(0, 0, 0, 0), item(1, 0, 0, 1), item(2, 1, 1, 2)];
        let found = retrieval(&items, &[0, 90], &[80, 1, 60]);
        assert_eq!(ranks(&found.image_to_text), [1.0, 1.0, 2.0]);
        assert_eq!(ranks(&found.text_to_image), [2.0, 1.0, 1.0]);
        assert!(found.predictions[0].correct && !found.predictions[2].correct);
        // numpy: z = 10 * cos(radians([80, 1, 60])); exp(z[0] - logsumexp(z)) -> 2.563_473_7e-4
        assert!((found.predictions[0].label_prob - LABEL_PROB).abs() < 1e-7, "{:?}", found.predictions[0]);
    }

    const LABEL_PROB: f64 = 2.563_473_7e-4;

    #[test]
    fn an_image_with_an_equal_text_is_a_hit_both_ways() {
        // Four images, two captions: a perfect model cannot know which of two images a caption was written for.
        let items: Vec<Item> = (0..4).map(|i| item(i, i, i, i % 2)).collect();
        let found = retrieval(&items, &[0, 90, 1, 89], &[0, 90]);
        assert_eq!(ranks(&found.image_to_text), [1.0; 4]);
        assert_eq!(ranks(&found.text_to_image), [1.0; 4]);
        assert_eq!(found.tied(), 0);
        assert_eq!(baselines(&items), (0.5, 0.5));
    }

    #[test]
    fn a_text_belongs_to_the_groups_of_all_its_items() {
        // Items 0 and 1 have the same caption; item 2 shares a group with item 1 and is therefore a hit for both.
        let items = [item(0, 0, 0, 0), item(1, 1, 1, 0), item(2, 1, 2, 1), item(3, 2, 3, 2)];
        let found = retrieval(&items, &[0, 10, 40, 80], &[39, 90, 81]);
        assert_eq!(ranks(&found.text_to_image), [1.0, 1.0, 2.0, 1.0]);
    }

    #[test]
    fn a_model_that_gives_all_the_same_score_reaches_what_chance_does() {
        let items: Vec<Item> = (0..12).map(|i| item(i, i, i, i)).collect();
        let found = retrieval(&items, &[45; 12], &[45; 12]);
        assert_eq!(found.tied(), 12);
        let metrics = metrics(Items::of(&items).all(), &found, &Bootstrap::default()).unwrap();
        for (metric, expected) in [
            ("image_to_text_recall@1", baselines(&items).0),
            ("image_to_text_recall@10", 10.0 / 12.0),
            ("text_to_image_median_rank", 6.5),
        ] {
            let value = metrics.get(metric).unwrap().value;
            assert!((value - expected).abs() < 1e-12, "{metric} {value}");
        }
        let first = &found.predictions[0];
        let other_way = first.retrieved().unwrap();
        assert_eq!((first.rank, first.correct, other_way.text_to_image_rank), (6.5, false, 6.5));
        assert!((other_way.text_to_image_share - 1.0 / 12.0).abs() < 1e-12, "{other_way:?}");
    }

    #[test]
    fn metrics_come_in_their_order() {
        let items = [item(0, 0, 0, 0), item(1, 1, 1, 1)];
        let metrics =
            metrics(Items::of(&items).all(), &retrieval(&items, &[0, 90], &[1, 91]), &Bootstrap::default())
                .unwrap();
        let names: Vec<&str> = metrics.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[..2], ["image_to_text_recall@1", "image_to_text_recall@5"]);
        assert_eq!(names[6..], ["image_to_text_median_rank", "text_to_image_median_rank"]);
        assert_eq!(metrics.get("text_to_image_recall@1").unwrap().value, 1.0);
    }

    #[test]
    fn the_nearest_texts_of_an_image_are_kept_and_its_own_are_hits() {
        // Items 0 and 1 are of one image; the text at 80 degrees is that of item 0, the nearest one to the image at 0 that of item 1.
        let items = [item(0, 0, 0, 0), item(1, 0, 0, 1), item(2, 1, 1, 2)];
        let found = retrieval(&items, &[0, 90], &[80, 1, 60]).nearest;
        let told: Vec<(&str, Vec<(&str, bool)>)> = found
            .iter()
            .map(|near| {
                let texts = near.texts.iter().map(|text| (text.item_id.trim_start_matches('0'), text.is_hit));
                (near.item_id.trim_start_matches('0'), texts.collect())
            })
            .collect();
        let expected = vec![
            ("", vec![("1", true), ("2", false), ("", true)]),
            ("2", vec![("", false), ("2", true), ("1", false)]),
        ];
        assert_eq!(told, expected);
        assert!((found[0].texts.iter().map(|text| text.prob).sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn guessing_is_the_share_of_own_texts() {
        let items = [item(0, 0, 0, 0), item(1, 0, 0, 1), item(2, 1, 1, 2)];
        let (chance, majority) = baselines(&items);
        assert!((chance - (2.0 + 2.0 + 1.0) / 9.0).abs() < 1e-12);
        assert!((majority - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn every_depth_and_direction_has_a_chance_of_its_own() {
        // Image 0 has three of five texts; the others have one each. A text has one of three images.
        let items =
            [item(0, 0, 0, 0), item(1, 0, 0, 1), item(2, 0, 0, 2), item(3, 1, 1, 3), item(4, 2, 2, 4)];
        let image_rows = Distinct::new(items.iter().map(|item| item.image_hash));
        let text_rows = Distinct::new(items.iter().map(|item| item.texts[0].as_str()));
        let columns = Items::of(&items);
        let chances = Hits::new(columns.all(), &image_rows, &text_rows).chances();
        // scipy: hypergeom(5, own, 1).sf(0) of own = 3, 3, 3, 1, 1; with five of five drawn, all are found.
        for (metric, expected) in [
            ("image_to_text_recall@1", (3.0 * 0.6 + 2.0 * 0.2) / 5.0),
            ("image_to_text_recall@5", 1.0),
            ("image_to_text_recall@10", 1.0),
            ("text_to_image_recall@1", 1.0 / 3.0),
            ("text_to_image_recall@5", 1.0),
        ] {
            assert!((chances[metric] - expected).abs() < 1e-12, "{metric} {}", chances[metric]);
        }
        let many: Vec<Item> = (0..40).map(|i| item(i, i / 4, i / 4, i)).collect();
        let image_rows = Distinct::new(many.iter().map(|item| item.image_hash));
        let text_rows = Distinct::new(many.iter().map(|item| item.texts[0].as_str()));
        let columns = Items::of(&many);
        let chances = Hits::new(columns.all(), &image_rows, &text_rows).chances();
        // scipy: hypergeom(40, 4, 5).sf(0) -> 0.427_070_795_491_848_2, hypergeom(40, 4, 10).sf(0) -> 0.700_131_305_394_463_3
        assert!((chances["image_to_text_recall@5"] - 0.427_070_795_5).abs() < 1e-9, "{chances:?}");
        assert!((chances["image_to_text_recall@10"] - 0.700_131_305_4).abs() < 1e-9, "{chances:?}");
        assert!((chances["text_to_image_recall@5"] - 0.5).abs() < 1e-12, "{chances:?}");
    }

    #[test]
    fn predictions_have_the_ranks_of_both_ways() {
        let items = [item(0, 0, 0, 0), item(1, 0, 0, 1), item(2, 1, 1, 2)];
        let found = retrieval(&items, &[0, 90], &[80, 1, 60]);
        let of = |one: &Prediction| one.retrieved().unwrap().text_to_image_rank;
        assert_eq!(found.predictions.iter().map(of).collect::<Vec<_>>(), ranks(&found.text_to_image));
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
                // The highest scores come first. Equal scores are sorted with the own ones first or last, and the rank
                // is between the two.
                row.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
                let best = row.iter().position(|(_, own)| *own).unwrap() + 1;
                row.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
                let worst = row.iter().position(|(_, own)| *own).unwrap() + 1;
                let rank = found.image_to_text[query].rank();
                prop_assert!((best as f64..=worst as f64).contains(&rank), "{} {} {}", best, rank, worst);
                prop_assert_eq!(found.image_to_text[query].is_tied(), best != worst);
            }
        }
    }
}
