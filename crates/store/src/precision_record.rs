//! `onnx/precisions.json`: what the reduced precisions of a run's graphs cost and gain.

use cliptune_experiment::{Fraction, Precision, TaskKind};
use cliptune_terminal::format;
use serde::{Deserialize, Serialize};

use crate::score_record::Estimate;

/// The reduced precisions of a run, all measured side by side with fp32 on the validation split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Precisions {
    /// The version of this record and of how it is made.
    pub format_version: u32,
    /// The kind of items.
    pub task: TaskKind,
    /// The number of validation items.
    pub n_items: usize,
    /// The number of groups that the items come from.
    pub n_groups: usize,
    /// The measurements of the fp32 graphs that the others are compared with.
    pub fp32: Measured,
    /// The reduced precisions, each once.
    pub reduced: Vec<ReducedPrecision>,
}

/// The measurements of one precision, whose graphs are the text tower and the vision tower.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The size of both graphs with their weights, in bytes.
    pub bytes: u64,
    /// The accuracy (choice, classes) or recall@1 from image to text (pairs).
    pub score: f64,
    /// The time for an image in milliseconds while the vision tower keeps all processors busy, without decoding and resizing.
    pub image_milliseconds: f64,
    /// The time for a text in milliseconds while the text tower keeps all processors busy, without tokenising.
    pub text_milliseconds: f64,
}

/// The measurements of a reduced precision, compared with fp32 on the same items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReducedPrecision {
    /// The precision of the graphs.
    pub precision: Precision,
    /// The measurements of these graphs.
    #[serde(flatten)]
    pub measured: Measured,
    /// The score minus that of fp32, paired by item.
    pub difference: Estimate,
    /// The largest difference of a logit from fp32, over all items and their own texts, on the ×exp(logit_scale)
    /// scale.
    #[serde(with = "crate::number")]
    pub max_logit_difference: f64,
    /// The number of items that both precisions answer alike: with the same text (choice), or found by both or by
    /// neither (pairs).
    pub answers_agree: usize,
    /// The amount by which the score may fall; absent when nothing depends on it.
    pub margin: Option<Fraction>,
    /// Whether the files of this precision are kept.
    pub kept: bool,
}

impl ReducedPrecision {
    /// Checks whether the precision loses less than `margin` and is therefore worth keeping. Without a margin it
    /// always is.
    pub fn is_within(&self, margin: Option<Fraction>) -> bool {
        margin.is_none_or(|margin| -self.difference.value < margin.get())
    }
}

impl Precisions {
    /// Returns the name of the metric that the scores are values of.
    pub fn metric(&self) -> &'static str {
        match self.task {
            TaskKind::Choice | TaskKind::Classes => "accuracy",
            TaskKind::Pairs => "recall@1",
        }
    }

    /// Describes in one line what a reduced precision costs and gains, for example:
    ///
    /// `kept; accuracy -0.004 [-0.010, +0.001] against fp32 on 360 validation items; 153 MiB of 577 MiB; images 2.6
    /// times as fast, texts 2.3 times`
    pub fn summary(&self, reduced: &ReducedPrecision) -> String {
        let ReducedPrecision { measured, difference, .. } = reduced;
        let [images, texts] = self.speed(measured);
        format!(
            "{}; {} {} against fp32 on {}; {} of {}; images {images:.1} times as fast, texts {texts:.1} times",
            if reduced.kept { "kept" } else { "not kept" },
            self.metric(),
            format::difference(difference.value, difference.low, difference.high),
            format::counted(self.n_items as u64, "validation item"),
            format::bytes(measured.bytes),
            format::bytes(self.fp32.bytes),
        )
    }

    /// Returns how many times as fast as fp32 the measured graphs are, for images and for texts.
    pub fn speed(&self, measured: &Measured) -> [f64; 2] {
        let Measured { image_milliseconds, text_milliseconds, .. } = &self.fp32;
        [image_milliseconds / measured.image_milliseconds, text_milliseconds / measured.text_milliseconds]
    }

    /// Returns the measurements of a reduced precision.
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
    fn a_precision_in_a_line() {
        let fp32 =
            Measured { bytes: 577 << 20, score: 0.71, image_milliseconds: 30.9, text_milliseconds: 5.4 };
        let measured =
            Measured { bytes: 153 << 20, score: 0.706, image_milliseconds: 11.9, text_milliseconds: 2.3 };
        let precisions = Precisions {
            format_version: 1,
            task: TaskKind::Pairs,
            n_items: 1,
            n_groups: 1,
            fp32,
            reduced: vec![ReducedPrecision { measured, kept: false, ..int8(-0.004) }],
        };
        assert_eq!(
            precisions.summary(&precisions.reduced[0]),
            "not kept; recall@1 -0.004 [-0.004, -0.004] against fp32 on 1 validation item; 153 MiB of 577 MiB; images \
             2.6 times as fast, texts 2.3 times"
        );
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
