//! Scores as `scores/<split>/` holds them.

use cliptune_experiment::{Split, TaskKind};
use cliptune_terminal::format;
use serde::{Deserialize, Serialize};

/// A number with an interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The point estimate.
    #[serde(with = "crate::number")]
    pub value: f64,
    /// Lower end of the 95 % interval.
    #[serde(with = "crate::number")]
    pub low: f64,
    /// Upper end of the 95 % interval.
    #[serde(with = "crate::number")]
    pub high: f64,
    /// How the interval was made, such as `cluster bootstrap over 210 groups, 10000 resamples, seed 0`.
    pub method: String,
}

/// `scores.json`: what a run reached on one split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Version of this record.
    pub format_version: u32,
    /// The split.
    pub split: Split,
    /// The kind of items.
    pub task: TaskKind,
    /// The number of items that were scored.
    pub n_items: usize,
    /// The number of groups they come from.
    pub n_groups: usize,
    /// The number of items whose right text (pairs: right text or image) scores the same as a wrong one. Such a tie is
    /// shared: it counts as its expected value over a random order.
    #[serde(default)]
    pub n_tied: usize,
    /// The number of items with two choices that are the same tokens to the model; 0 for pairs.
    #[serde(default)]
    pub n_equal_choices: usize,
    /// Accuracy (choice) or recall@1 from image to text (pairs) of guessing.
    pub chance: f64,
    /// What always giving the most frequent answer reaches; it is more than `chance` where labels or classes are
    /// uneven.
    #[serde(default)]
    pub majority: f64,
    /// exp(logit_scale) that the probabilities use.
    pub logit_scale: f64,
    /// Metrics by name, in the order they are shown. Choice: accuracy, label_prob, nll, ece, mrr. Pairs:
    /// image_to_text_recall@1/5/10, text_to_image_recall@1/5/10 and *_median_rank.
    pub metrics: indexed::Metrics,
    /// The comparison of ONNX Runtime with libtorch that preceded the scoring.
    pub parity: Parity,
}

impl Scores {
    /// The score of always giving the most frequent answer, where labels or classes are so uneven that it beats
    /// guessing by a difference that three decimals show.
    pub fn uneven_majority(&self) -> Option<f64> {
        (self.majority - self.chance >= 0.0005).then_some(self.majority)
    }

    /// What the numbers are to be compared with, and how many of them a tie left open, in words: `chance 0.200, always
    /// the most frequent answer 0.314; 3 items tied`.
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

/// What the parity gate saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parity {
    /// The number of items that were compared.
    pub n_items: usize,
    /// The largest absolute difference of a logit.
    #[serde(with = "crate::number")]
    pub max_logit_difference: f64,
    /// The number of items whose highest logit is that of the same text on both sides.
    pub answers_agree: usize,
    /// The largest difference that passes.
    pub tolerance: f64,
}

/// One line of `predictions.parquet`. Logits are on the ×exp(logit_scale) scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The item.
    pub item_id: String,
    /// The identifier that the table gives the item.
    pub id: String,
    /// The group of the item.
    pub group: String,
    /// The right text.
    pub label: usize,
    /// The text with the highest logit; the first at a tie. For pairs: the rank (from 0) of the best own text, rounded
    /// down at a tie.
    pub predicted: usize,
    /// Whether the right text (pairs: an own text) has the highest logit, and no wrong text has the same.
    pub correct: bool,
    /// How right the answer is: 1, 0, or at a tie the probability that a random order has the right text first. Its
    /// mean is the accuracy (pairs: recall@1).
    pub share: f64,
    /// The rank of the right text (pairs: of the best own text), from 1; at a tie the expected rank.
    pub rank: f64,
    /// The softmax probability of the right text (pairs: among all texts of the split).
    pub label_prob: f64,
    /// The softmax probabilities, one per text (pairs: the own text's alone).
    pub probs: Vec<f64>,
    /// The logits, one per text (pairs: the own text's alone).
    pub logits: Vec<f64>,
}

/// `onnx/parity.json`: libtorch's own logits for a few items, written by train, read by score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParitySample {
    /// One entry per image.
    pub items: Vec<ParityItem>,
}

/// One image of the parity sample with its texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParityItem {
    /// The item whose image it is.
    pub item_id: String,
    /// The texts it was compared with.
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

    /// Name and estimate, in the order they are shown; a map in JSON.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Metrics(pub Vec<(String, Estimate)>);

    impl Metrics {
        /// The estimate of that name.
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
