//! The scores of a run, as `scores/<split>/` holds them.

use cliptune_experiment::{Split, TaskKind};
use cliptune_terminal::format;
use serde::{Deserialize, Serialize};

use crate::class_scores::ClassScores;

/// A number with an interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The point estimate.
    #[serde(with = "crate::number")]
    pub value: f64,
    /// The lower end of the 95 % interval.
    #[serde(with = "crate::number")]
    pub low: f64,
    /// The upper end of the 95 % interval.
    #[serde(with = "crate::number")]
    pub high: f64,
    /// The method by which the interval was made, such as `cluster bootstrap over 210 groups, 10000 resamples, seed
    /// 0`.
    pub method: String,
}

/// `scores.json`: the scores that a run reached on one split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// The version of this record.
    pub format_version: u32,
    /// The split.
    pub split: Split,
    /// The kind of items.
    pub task: TaskKind,
    /// The number of items that were scored.
    pub n_items: usize,
    /// The number of groups that the items come from.
    pub n_groups: usize,
    /// The number of items whose right text (for pairs: right text or image) has the same score as a wrong one. Such
    /// a tie counts with its expected value over a random order.
    #[serde(default)]
    pub n_tied: usize,
    /// The number of items with two choices that have the same tokens, or whose class has the prompts of another class;
    /// 0 for pairs.
    #[serde(default)]
    pub n_equal_choices: usize,
    /// The accuracy (choice, classes) or recall@1 from image to text (pairs) that guessing reaches.
    pub chance: f64,
    /// The score that always giving the most frequent answer reaches. It is higher than `chance` when labels or
    /// classes are uneven.
    #[serde(default)]
    pub majority: f64,
    /// The exp(logit_scale) that the probabilities are computed with.
    pub logit_scale: f64,
    /// Whether that is a constant of the experiment (`score.logit_scale`) in place of the model's own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_scale_constant: bool,
    /// The metrics by name, in the order in which they are shown. For choice they are accuracy, label_prob, nll, ece
    /// and mrr; for classes top5_accuracy (if there are more than five classes) and balanced_accuracy follow the accuracy;
    /// for pairs they are image_to_text_recall@1/5/10, text_to_image_recall@1/5/10 and *_median_rank.
    pub metrics: indexed::Metrics,
    /// The scores of each class; only where items have classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<ClassScores>,
    /// The comparison of ONNX Runtime with libtorch that preceded the scoring.
    pub parity: Parity,
}

impl Scores {
    /// Returns whether the probabilities were computed with the scale that a plan wants: a constant, or the model's own.
    pub fn has_scale(&self, constant: Option<f64>) -> bool {
        self.is_scale_constant.then_some(self.logit_scale) == constant
    }

    /// Returns the score of always giving the most frequent answer, if labels or classes are so uneven that it beats
    /// guessing by a difference that shows in three decimals.
    pub fn uneven_majority(&self) -> Option<f64> {
        (self.majority - self.chance >= 0.0005).then_some(self.majority)
    }

    /// Describes the scores to compare with and the number of ties, for example `chance 0.200, always the most
    /// frequent answer 0.314; 3 items tied`.
    pub fn remarks(&self) -> String {
        let mut remarks = format!("chance {}", format::number(self.chance));
        if let Some(majority) = self.uneven_majority() {
            remarks.push_str(&format!(", always the most frequent answer {}", format::number(majority)));
        }
        if self.n_tied > 0 {
            remarks.push_str(&format!("; {} tied", format::counted(self.n_tied as u64, "item")));
        }
        remarks
    }
}

/// The result of the parity gate, which compares ONNX Runtime with libtorch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parity {
    /// The number of items that were compared.
    pub n_items: usize,
    /// The largest absolute difference between two logits.
    #[serde(with = "crate::number")]
    pub max_logit_difference: f64,
    /// The number of items for which the same text has the highest logit on both sides.
    pub answers_agree: usize,
    /// The largest difference that passes the gate.
    pub tolerance: f64,
}

/// One line of `predictions.parquet`. Logits are on the ×exp(logit_scale) scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The identity of the item.
    pub item_id: String,
    /// The identifier that the table gives the item.
    pub id: String,
    /// The group of the item.
    pub group: String,
    /// The index of the right text or class.
    pub label: usize,
    /// The index of the text or class with the highest logit, or of the first one if there is a tie. For pairs, it is the rank
    /// (from 0) of the best of the item's own texts, rounded down if there is a tie.
    pub predicted: usize,
    /// Whether the right text (for pairs: one of the item's own texts) has the highest logit, and no wrong text has
    /// the same logit.
    pub correct: bool,
    /// The credit for the answer: 1 or 0, or in a tie the probability that a random order puts the right text first.
    /// The mean over all items is the accuracy (for pairs: recall@1).
    pub share: f64,
    /// The rank of the right text (for pairs: of the best of the item's own texts), counted from 1. In a tie it is
    /// the expected rank.
    pub rank: f64,
    /// The softmax probability of the right text (for pairs: among all texts of the split).
    pub label_prob: f64,
    /// The indexes of the texts that `probs` and `logits` are of: all texts of a choice in their order, the item's own
    /// text for pairs, and for classes the five most likely ones, the likeliest first, and then the right one if it is
    /// not among them.
    pub candidates: Vec<usize>,
    /// The softmax probabilities of the candidates among all texts or classes.
    pub probs: Vec<f64>,
    /// The logits of the candidates.
    pub logits: Vec<f64>,
}

impl Prediction {
    /// Returns the probability of a text or a class, if it was kept.
    pub fn prob_of(&self, candidate: usize) -> Option<f64> {
        let place = self.candidates.iter().position(|&one| one == candidate)?;
        self.probs.get(place).copied()
    }
}

/// `onnx/parity.json`: libtorch's own logits for a few items. They are written by train and read by score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParitySample {
    /// The entries, one per image.
    pub items: Vec<ParityItem>,
}

/// One image of the parity sample with its texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParityItem {
    /// The identity of the item that the image belongs to.
    pub item_id: String,
    /// The texts that the image was compared with.
    pub texts: Vec<String>,
    /// libtorch's logits, one per text.
    #[serde(with = "crate::number::list")]
    pub logits: Vec<f64>,
}

/// Metrics in a fixed order.
pub(crate) mod indexed {
    use super::Estimate;
    use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
    use serde::ser::{Serialize, SerializeMap, Serializer};

    /// The names and estimates, in the order in which they are shown. In JSON they are a map.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Metrics(pub Vec<(String, Estimate)>);

    impl Metrics {
        /// Returns the estimate for a metric.
        pub fn get(&self, name: &str) -> Option<&Estimate> {
            self.0.iter().find(|(key, _)| key == name).map(|(_, estimate)| estimate)
        }
    }

    impl Serialize for Metrics {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(self.0.len()))?;
            for (name, estimate) in &self.0 {
                map.serialize_entry(name, estimate)?;
            }
            map.end()
        }
    }

    impl<'de> Deserialize<'de> for Metrics {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct InOrder;
            impl<'de> Visitor<'de> for InOrder {
                type Value = Metrics;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a map of metric names and estimates")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metrics, A::Error> {
                    let mut metrics = Vec::new();
                    while let Some(entry) = map.next_entry()? {
                        metrics.push(entry);
                    }
                    Ok(Metrics(metrics))
                }
            }
            deserializer.deserialize_map(InOrder)
        }
    }
}
