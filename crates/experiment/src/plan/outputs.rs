//! `export` and `score`: what is written beside the model, and what is evaluated.

use super::split::Split;
use crate::language::{Vocabulary, options, word, words};
use crate::shape::Shape;
use crate::values::Fraction;

const PRECISION: Shape = word::<Precision>();
const SPLIT: Shape = word::<Split>();
const CONTROL: Shape = word::<Control>();

options! {
    /// `export`: what is written beside the model.
    pub struct ExportPlan {
        /// The precisions of the ONNX graphs.
        onnx: Vec<Precision> = "[fp32]", Shape::set(&PRECISION, 0);
        /// The validation accuracy (for pairs: recall@1) that int8 may lose; if it loses as much, it is not kept. Only with
        /// `int8` in `onnx`; 0.01 when absent.
        int8_margin: Option<Fraction>;
    }
}

impl ExportPlan {
    /// Returns the precisions that are made from the fp32 graphs and compared with them on the validation split.
    pub fn reduced(&self) -> impl Iterator<Item = Precision> + '_ {
        self.onnx.iter().copied().filter(|precision| *precision != Precision::Fp32)
    }

    /// Returns how much validation accuracy a precision may lose. One that loses as much is not kept. Without a margin,
    /// a precision is kept whatever it loses.
    pub fn margin(&self, precision: Precision) -> Option<Fraction> {
        self.int8_margin.filter(|_| precision == Precision::Int8)
    }
}

words! {
    /// The precision of exported weights.
    pub enum Precision {
        /// 32-bit floats, which are the numbers that were trained.
        Fp32 = "fp32",
        /// 16-bit floats, which take half the space and are meant for GPUs.
        Fp16 = "fp16",
        /// 8-bit integers, which take a quarter of the space and are meant for CPUs. They are kept only within `int8_margin`.
        Int8 = "int8",
    }
    planned &["bf16"];
}

impl Precision {
    /// Returns the name used in files, tables and YAML.
    pub fn as_str(self) -> &'static str {
        self.word()
    }
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

options! {
    /// `score`: what is evaluated.
    pub struct ScorePlan {
        /// The splits to score.
        splits: Vec<Split> = "[validation, test]", Shape::set(&SPLIT, 1);
        /// The factor that cosines are multiplied by for the probabilities, in place of the model's own exp(logit_scale).
        /// Answers and ranks do not depend on it; label_prob, nll and ece do.
        logit_scale: Option<f64>, Shape::positive(1000.0);
        /// The controls: what the model reaches where it cannot know the answer from the image. Scores say when it is above
        /// chance there. No image and no text is encoded again for them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        controls: Option<Vec<Control>>, Shape::set(&CONTROL, 0);
    }
}

impl ScorePlan {
    /// Returns the controls that are asked for.
    pub fn controls(&self) -> &[Control] {
        self.controls.as_deref().unwrap_or_default()
    }
}

words! {
    /// A control: the same questions, with something else in place of their images.
    pub enum Control {
        /// Each image is exchanged for that of another group.
        ShuffledImages = "shuffled_images",
        /// Each image is exchanged for a blank one, of the mean colour that the model expects.
        BlankImage = "blank_image",
        /// The texts are compared with the mean direction of all images of the split, which says how likely each text is
        /// whatever the image.
        TextAlone = "text_alone",
    }
}

impl Control {
    /// Returns the name used in files, tables and YAML.
    pub fn as_str(self) -> &'static str {
        self.word()
    }

    /// Returns what the model is shown, in words that continue "with".
    pub fn described(self) -> &'static str {
        match self {
            Self::ShuffledImages => "shuffled images",
            Self::BlankImage => "a blank image",
            Self::TextAlone => "the text alone",
        }
    }
}
