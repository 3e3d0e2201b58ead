//! Choices between words: each enum of the plan with the words of the language.

use std::mem::discriminant;

use crate::plan::{Activation, Compute, ImageFit, Precision, Select, Split};
use crate::shape::{Shape, Words};
use crate::yaml::{FromNode, Node};

/// An enum that is written as one of a few words. Fields of a variant stand under keys of their own.
pub(crate) trait Vocabulary: Copy + 'static {
    /// Each word, its value (its fields as they are when nothing is said) and what it means.
    const WORDS: &'static [(&'static str, Self, &'static str)];
    /// Words that are known to be wanted and not there yet.
    const PLANNED: &'static [&'static str] = &[];
}

/// The shape of a vocabulary.
pub(super) const fn word<T: Vocabulary>() -> Shape {
    Shape::Word(words::<T>)
}

/// The word of a value; a test makes sure that there is one.
pub(crate) fn word_of<T: Vocabulary>(value: T) -> &'static str {
    let is_it = |known: &T| discriminant(known) == discriminant(&value);
    T::WORDS.iter().find(|(_, known, _)| is_it(known)).map_or("", |(word, ..)| word)
}

fn words<T: Vocabulary>() -> Words {
    Words { known: T::WORDS.iter().map(|(word, _, about)| (*word, *about)).collect(), planned: T::PLANNED }
}

/// A value read from its word.
pub(super) struct Word<T>(pub(super) T);

impl<T: Vocabulary> FromNode for Word<T> {
    fn from_node(node: &Node) -> Option<Self> {
        let written = String::from_node(node)?;
        T::WORDS.iter().find(|(word, ..)| *word == written).map(|(_, value, _)| Self(*value))
    }
}

impl Vocabulary for Activation {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("quick_gelu", Self::QuickGelu, "x·σ(1.702x), as OpenAI's CLIP"),
        ("gelu", Self::Gelu, "the exact Gaussian error linear unit"),
    ];
}

impl Vocabulary for ImageFit {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("crop", Self::Crop, "the shorter side is resized, the middle is kept"),
        ("pad", Self::Pad, "the longer side is resized, the rest is filled"),
        ("squash", Self::Squash, "both sides are resized"),
    ];
}

impl Vocabulary for Compute {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("fp32", Self::Fp32, "32-bit floats"),
        (
            "tf32",
            Self::Tf32,
            "32-bit floats, rounded in matrix products on GPUs that can; the same as fp32 on a CPU",
        ),
        ("bf16", Self::Bf16, "16-bit floats in linear layers and attention; slower than fp32 on many CPUs"),
    ];
}

impl Vocabulary for Select {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        (
            "validation.accuracy",
            Self::ValidationAccuracy,
            "the highest validation accuracy; the earlier at a tie",
        ),
        ("validation.loss", Self::ValidationLoss, "the lowest validation loss"),
        ("last", Self::Last, "the last epoch; there need be no validation split"),
    ];
}

impl Vocabulary for Precision {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("fp32", Self::Fp32, "32-bit floats, the numbers that were trained"),
        ("fp16", Self::Fp16, "16-bit floats: half the size, for GPUs"),
        (
            "int8",
            Self::Int8,
            "8-bit integers: a quarter of the size, for CPUs; kept only within `int8_margin`",
        ),
    ];
    const PLANNED: &'static [&'static str] = &["bf16"];
}

impl Vocabulary for Split {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("train", Self::Train, "weights are fitted to it"),
        ("validation", Self::Validation, "choices are made on it"),
        ("test", Self::Test, "results are reported on it"),
    ];
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::plan::{Decay, LogitScale, LoraTarget, Objective, Reduction, Tune, UpdateRule};

    /// Demands that the words are the names that plans are recorded with, and that no value is without one.
    fn words_are_the_recorded_names<T: Vocabulary + Serialize + DeserializeOwned>() {
        for (word, value, _) in T::WORDS {
            assert_eq!(serde_json::to_value(*value).unwrap(), *word);
        }
        // Serde's complaint about a stranger names every value.
        let complaint = serde_json::from_str::<T>("\"?\"").err().map(|error| error.to_string()).unwrap();
        let names = complaint.split('`').skip(3).step_by(2).count();
        assert_eq!(names, T::WORDS.len(), "{complaint}");
    }

    /// The same for an enum whose variants have fields, which are recorded beside the word.
    fn words_are_recorded_under<T: Vocabulary + Serialize + DeserializeOwned>(key: &str) {
        for (word, value, _) in T::WORDS {
            assert_eq!(serde_json::to_value(*value).unwrap()[key], *word);
        }
        let stranger = serde_json::json!({ key: "?" });
        let complaint = serde_json::from_value::<T>(stranger).err().map(|error| error.to_string()).unwrap();
        let names = complaint.split('`').skip(3).step_by(2).count();
        assert_eq!(names, T::WORDS.len(), "{complaint}");
    }

    #[test]
    fn every_value_of_the_plan_has_its_word() {
        words_are_the_recorded_names::<Activation>();
        words_are_the_recorded_names::<Compute>();
        words_are_the_recorded_names::<ImageFit>();
        words_are_the_recorded_names::<LogitScale>();
        words_are_the_recorded_names::<LoraTarget>();
        words_are_the_recorded_names::<Precision>();
        words_are_the_recorded_names::<Reduction>();
        words_are_the_recorded_names::<Select>();
        words_are_the_recorded_names::<Split>();
        words_are_recorded_under::<Decay>("decay");
        words_are_recorded_under::<Objective>("objective");
        words_are_recorded_under::<Tune>("tune");
        words_are_recorded_under::<UpdateRule>("name");
    }
}
