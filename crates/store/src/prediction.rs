//! What a run answered to an item, and the only description of the columns of `predictions.parquet`.

use serde::{Deserialize, Serialize};

use crate::parquet::Table;

/// One line of `predictions.parquet`. Logits are on the ×exp(logit_scale) scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The identity of the item.
    pub item_id: String,
    /// The identifier that the table gives the item.
    pub id: String,
    /// The group of the item.
    pub group: String,
    /// Whether the right text (for pairs: one of the texts that belong to the image) has the highest logit, and no wrong text
    /// has the same logit.
    pub correct: bool,
    /// The credit for the answer: 1 or 0, or in a tie the probability that a random order puts the right text first.
    /// The mean over all items is the accuracy (for pairs: recall@1).
    pub share: f64,
    /// The rank of the right text (for pairs: of the best of those that belong to the image), counted from 1. In a tie it is
    /// the expected rank. It is not a number where an imported prediction does not tell it.
    #[serde(deserialize_with = "crate::number::deserialize")]
    pub rank: f64,
    /// The softmax probability of the right text (for pairs: of the own text among all texts of the split). It is not a number
    /// where an imported prediction does not tell it.
    #[serde(deserialize_with = "crate::number::deserialize")]
    pub label_prob: f64,
    /// What only such items have.
    #[serde(flatten)]
    pub answered: Answered,
}

/// What the predictions of one kind of item have, and those of other kinds do not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "lowercase")]
pub enum Answered {
    /// One of the item's own texts.
    Choice(Chosen),
    /// One of the classes of the dataset.
    Classes(Chosen),
    /// All texts of the split, ranked for the image, and all images, ranked for the text.
    Pairs(Retrieved),
}

/// The candidate that was chosen, and what speaks for each of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    /// The index of the right text or class.
    pub label: usize,
    /// The index of the text or class with the highest logit, or of the first one if there is a tie.
    pub predicted: usize,
    /// The indexes of the texts that `probs` and `logits` are of: all texts of a choice in their order, and for classes the
    /// five most likely ones, the likeliest first, and then the right one if it is not among them.
    pub candidates: Vec<usize>,
    /// The softmax probabilities of the candidates among all texts or classes.
    pub probs: Vec<f64>,
    /// The logits of the candidates.
    pub logits: Vec<f64>,
}

/// What the text of a pair retrieves, and how near it is to its image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retrieved {
    /// The credit for what the item's text ranks first among all images, as `share` is for its image.
    pub text_to_image_share: f64,
    /// The rank of the best of the images that belong to the item's text, as `rank` is for its image.
    pub text_to_image_rank: f64,
    /// The logit of the item's image with its own text.
    pub logits: [f64; 1],
}

impl Prediction {
    /// Returns what was chosen, if the item has candidates to choose from.
    pub fn chosen(&self) -> Option<&Chosen> {
        match &self.answered {
            Answered::Choice(chosen) | Answered::Classes(chosen) => Some(chosen),
            Answered::Pairs(_) => None,
        }
    }

    /// Returns what was retrieved, if the item is a pair.
    pub fn retrieved(&self) -> Option<&Retrieved> {
        match &self.answered {
            Answered::Pairs(retrieved) => Some(retrieved),
            Answered::Choice(_) | Answered::Classes(_) => None,
        }
    }

    /// Returns the index of the right text or class. Pairs have none.
    pub fn label(&self) -> Option<usize> {
        Some(self.chosen()?.label)
    }

    /// Returns the index of the text or class that is the answer. Pairs have none.
    pub fn predicted(&self) -> Option<usize> {
        Some(self.chosen()?.predicted)
    }

    /// Returns the probability of a text or a class, if it was kept.
    pub fn prob_of(&self, candidate: usize) -> Option<f64> {
        self.chosen()?.prob_of(candidate)
    }
}

impl Chosen {
    /// Returns the probability of a text or a class, if it was kept.
    pub fn prob_of(&self, candidate: usize) -> Option<f64> {
        let place = self.candidates.iter().position(|&one| one == candidate)?;
        self.probs.get(place).copied()
    }
}

/// A column of `predictions.parquet`.
#[derive(Clone, Copy, Debug)]
pub struct PredictionColumn {
    /// The name.
    pub name: &'static str,
    /// The type in SQL.
    pub kind: &'static str,
    /// What it holds, in sentences.
    pub about: &'static str,
}

const fn column(name: &'static str, kind: &'static str, about: &'static str) -> PredictionColumn {
    PredictionColumn { name, kind, about }
}

/// The columns of `predictions.parquet`, in order. All files have all of them; what a kind of item does not have is missing.
pub const PREDICTION_COLUMNS: [PredictionColumn; 15] = [
    column("item_id", "VARCHAR", "The identity of the item, as in `items`."),
    column("id", "VARCHAR", "The identifier that the table gives the item."),
    column("group", "VARCHAR", "The group of the item. It is a word of SQL: write `\"group\"`."),
    column("task", "VARCHAR", "The kind of the item: `choice`, `classes` or `pairs`."),
    column("label", "INTEGER", "The index of the right text or class; missing of pairs."),
    column(
        "predicted",
        "INTEGER",
        "The index of the text or class with the highest logit, the first one at a tie; missing of pairs.",
    ),
    column("correct", "BOOLEAN", "Whether a right one has the highest logit, and no wrong one has the same."),
    column(
        "share",
        "DOUBLE",
        "The credit for the answer: 1, 0, or at a tie the probability that a random order has a right one first. Its mean is the accuracy; of pairs recall@1 from image to text.",
    ),
    column(
        "rank",
        "DOUBLE",
        "The (expected) rank of the right one, counted from 1; of pairs that of the best text that belongs to the image.",
    ),
    column(
        "label_prob",
        "DOUBLE",
        "The softmax probability of the right one; of pairs that of the own text among all texts of the split.",
    ),
    column(
        "text_to_image_share",
        "DOUBLE",
        "The credit for what the text ranks first among all images; only of pairs.",
    ),
    column(
        "text_to_image_rank",
        "DOUBLE",
        "The (expected) rank of the best image that belongs to the text, counted from 1; only of pairs.",
    ),
    column(
        "candidates",
        "INTEGER[]",
        "The indexes that `probs` and `logits` are of: all texts of a choice; of classes the five likeliest, best first, and then the right one if it is not among them; missing of pairs.",
    ),
    column("probs", "DOUBLE[]", "The softmax probabilities of the candidates; missing of pairs."),
    column(
        "logits",
        "DOUBLE[]",
        "The logits of the candidates; of pairs that of the image with its own text.",
    ),
];

/// The names and types of the columns.
const TYPES: [(&str, &str); PREDICTION_COLUMNS.len()] = {
    let mut types = [("", ""); PREDICTION_COLUMNS.len()];
    let mut at = 0;
    while at < types.len() {
        types[at] = (PREDICTION_COLUMNS[at].name, PREDICTION_COLUMNS[at].kind);
        at += 1;
    }
    types
};

pub(crate) const PREDICTIONS_TABLE: Table = Table { columns: &TYPES, order: &["group", "item_id", "id"] };
