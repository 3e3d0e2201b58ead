//! The scores of a run, as `scores/<split>/` holds them.

use std::collections::BTreeMap;

use cliptune_experiment::{Control, ScorePlan, Split, TaskKind};
use cliptune_statistics::few_groups;
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
    /// The exp(logit_scale) that the probabilities are computed with; 1 of an imported run, whose logits are the logarithms of its
    /// probabilities.
    pub logit_scale: f64,
    /// Whether that is a constant of the experiment (`score.logit_scale`) in place of the model's own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_scale_constant: bool,
    /// The metrics by name, in the order in which they are shown. For choice they are accuracy, label_prob, nll, brier, ece,
    /// mrr and aurc; for classes top5_accuracy (if there are more than five classes) and balanced_accuracy follow the accuracy;
    /// for pairs they are image_to_text_recall@1/5/10, text_to_image_recall@1/5/10 and *_median_rank.
    pub metrics: indexed::Metrics,
    /// What guessing reaches in each metric, by its name: a random order of the candidates, and the same probability for all of
    /// them. Metrics that guessing has no number in are not there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub chances: BTreeMap<String, f64>,
    /// The scores of each class; only where items have classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<ClassScores>,
    /// How often the right text stood at each place and the text at another one was the answer; only of choices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub positions: Vec<Position>,
    /// How wrong the answers are that the model is most confident of, from the most confident ones to all; not of pairs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub risk_coverage: Vec<RiskPoint>,
    /// The texts that are nearest to some of the images, for somebody to look at; only of pairs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nearest: Vec<Nearest>,
    /// What the model reaches where it cannot know: the controls that the experiment asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<ControlScores>,
    /// The comparison of ONNX Runtime with libtorch that preceded the scoring. Of an imported run, which has no graphs, there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parity: Option<Parity>,
}

impl Scores {
    /// Returns whether the probabilities were computed with the scale that a plan wants: a constant, or the model's own.
    pub(crate) fn has_scale(&self, constant: Option<f64>) -> bool {
        self.is_scale_constant.then_some(self.logit_scale) == constant
    }

    /// Returns whether the scores are those that a plan asks for: with its scale, and with all of its controls.
    pub fn serve(&self, plan: &ScorePlan) -> bool {
        let has = |control: &Control| self.controls.iter().any(|one| one.control == *control);
        self.has_scale(plan.logit_scale) && plan.controls().iter().all(has)
    }

    /// Returns what can be reached in a metric without knowing anything of an item: by guessing, or in the first metric by always
    /// giving the most frequent answer.
    pub fn unknowing(&self, metric: &str) -> Option<f64> {
        let chance = self.chances.get(metric).copied()?;
        let is_first = self.metrics.0.first().is_some_and(|(name, _)| name == metric);
        Some(if is_first { chance.max(self.majority) } else { chance })
    }

    /// Returns the metrics of controls in which the model is above chance although it cannot know, each with its control and with
    /// what can be reached without knowing.
    pub fn above_chance(&self) -> impl Iterator<Item = (Control, &str, &Estimate, f64)> {
        let above = |one: &ControlScores, (name, estimate): &(String, Estimate)| {
            let chance = self.unknowing(name)?;
            (estimate.low > chance).then_some((one.control, chance))
        };
        self.controls.iter().flat_map(move |one| {
            let metrics = one.metrics.0.iter();
            metrics.filter_map(move |metric| {
                let (control, chance) = above(one, metric)?;
                Some((control, metric.0.as_str(), &metric.1, chance))
            })
        })
    }

    /// Returns the score of always giving the most frequent answer, if labels or classes are so uneven that it beats
    /// guessing by a difference that shows in three decimals.
    pub fn uneven_majority(&self) -> Option<f64> {
        (self.majority - self.chance >= 0.0005).then_some(self.majority)
    }

    /// Describes the scores to compare with, the number of ties, that there are few groups, and the controls that are above chance,
    /// for example `chance 0.200, always the most frequent answer 0.314; 3 items tied; each interval is from fewer than ten groups, so
    /// it is rough; above chance with a blank image, where looking cannot help: accuracy 0.402 [0.357, 0.449]`.
    pub fn remarks(&self) -> String {
        let mut remarks = format!("chance {}", format::number(self.chance));
        if let Some(majority) = self.uneven_majority() {
            remarks.push_str(&format!(", always the most frequent answer {}", format::number(majority)));
        }
        if self.n_tied > 0 {
            remarks.push_str(&format!("; {} tied", format::counted(self.n_tied as u64, "item")));
        }
        if let Some(few) = few_groups(self.n_groups) {
            remarks.push_str(&format!("; each interval is {few}"));
        }
        for (control, metric, Estimate { value, low, high, .. }, _) in self.above_chance() {
            let score = format::estimate(*value, *low, *high);
            let with = control.described();
            remarks.push_str(&format!(
                "; above chance with {with}, where looking cannot help: {metric} {score}"
            ));
        }
        remarks
    }
}

/// A cell of the confusion by position: the items whose right text stands at one place and whose answer stands at another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The place of the right text, from 0.
    pub label: usize,
    /// The place of the text with the highest logit, or of the first one if there is a tie.
    pub predicted: usize,
    /// The number of items, of which there is at least one.
    pub n_items: usize,
}

/// A point of the risk–coverage curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RiskPoint {
    /// The share of the items, those of the highest confidence.
    pub coverage: f64,
    /// The share of the answers to them that are wrong.
    pub risk: f64,
}

/// The texts that are nearest to the image of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nearest {
    /// The identity of the item.
    pub item_id: String,
    /// The texts, the nearest first.
    pub texts: Vec<NearText>,
}

/// A text that is near an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NearText {
    /// The identity of an item that has the text.
    pub item_id: String,
    /// The probability of the text among all texts of the split.
    #[serde(with = "crate::number")]
    pub prob: f64,
    /// Whether the text belongs to the image.
    pub is_hit: bool,
}

/// What a model reaches under a control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlScores {
    /// The control.
    pub control: Control,
    /// The accuracy, or recall@1 both ways.
    pub metrics: indexed::Metrics,
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
