//! `onnx/precisions.json`: what the reduced precisions of a run's graphs cost and gain.

use cliptune_experiment::{Fraction, Precision, TaskKind};
use serde::{Deserialize, Serialize};

use crate::score_record::Estimate;

/// The reduced precisions of a run, all measured side by side with fp32 on the validation split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Precisions {
    /// Version of this record and of how it is made.
    pub format_version: u32,
    /// The kind of items.
    pub task: TaskKind,
    /// Validation items.
    pub n_items: usize,
    /// Groups they come from.
    pub n_groups: usize,
    /// The graphs that the others are compared with.
    pub fp32: Measured,
    /// The others, each precision once.
    pub reduced: Vec<ReducedPrecision>,
}

/// What is measured of the graphs of every precision: the text tower and the vision tower.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Bytes of both graphs with their weights.
    pub bytes: u64,
    /// Accuracy (choice) or recall@1 from image to text (pairs).
    pub score: f64,
    /// Milliseconds of the vision tower for an image, decoding and resizing left out.
    pub image_milliseconds: f64,
    /// Milliseconds of the text tower for a text, tokenising left out.
    pub text_milliseconds: f64,
}

/// A reduced precision beside fp32 on the same items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReducedPrecision {
    /// Which.
    pub precision: Precision,
    /// What it costs and takes.
    #[serde(flatten)]
    pub measured: Measured,
    /// Its score minus fp32's, paired by item.
    pub difference: Estimate,
    /// The largest difference of a logit, over all items and their own texts, on the ×exp(logit_scale) scale.
    #[serde(with = "crate::number")]
    pub max_logit_difference: f64,
    /// Items answered alike: with the same text (choice), or found by both or by neither (pairs).
    pub answers_agree: usize,
    /// How much the score may fall; absent where nothing depends on it.
    pub margin: Option<Fraction>,
    /// Whether its files are there.
    pub kept: bool,
}

impl ReducedPrecision {
    /// Whether a precision that may lose less than `margin` is worth keeping; without a margin it always is.
    pub fn is_within(&self, margin: Option<Fraction>) -> bool {
        margin.is_none_or(|margin| -self.difference.value < margin.get())
    }
}

impl Precisions {
    /// The name of the metric that scores are.
    pub fn metric(&self) -> &'static str {
        match self.task {
            TaskKind::Choice => "accuracy",
            TaskKind::Pairs => "recall@1",
        }
    }

    /// How many times as fast as fp32 something is: images and texts.
    pub fn speed(&self, measured: &Measured) -> [f64; 2] {
        let Measured { image_milliseconds, text_milliseconds, .. } = &self.fp32;
        [image_milliseconds / measured.image_milliseconds, text_milliseconds / measured.text_milliseconds]
    }

    /// The measurement of a reduced precision.
    pub fn of(&self, precision: Precision) -> Option<&ReducedPrecision> {
        self.reduced.iter().find(|reduced| reduced.precision == precision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int8(difference: f64) -> ReducedPrecision {
        let measured = Measured { bytes: 1, score: 0.5, image_milliseconds: 1.0, text_milliseconds: 1.0 };
        let difference =
            Estimate { value: difference, low: difference, high: difference, method: String::new() };
        ReducedPrecision {
            precision: Precision::Int8,
            measured,
            difference,
            max_logit_difference: 0.1,
            answers_agree: 1,
            margin: None,
            kept: true,
        }
    }

    #[test]
    fn a_fall_must_be_smaller_than_the_margin() {
        let margin = |value| Some(Fraction::try_from(value).unwrap());
        assert!(int8(-0.0099).is_within(margin(0.01)));
        assert!(!int8(-0.01).is_within(margin(0.01)));
        assert!(int8(0.02).is_within(margin(0.0)), "what gains falls by less than nothing");
        assert!(!int8(0.0).is_within(margin(0.0)));
        assert!(int8(-0.9).is_within(None));
        assert!(!int8(f64::NAN).is_within(margin(1.0)), "what cannot be compared is not kept");
    }
}
