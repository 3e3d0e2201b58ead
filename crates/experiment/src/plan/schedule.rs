//! `train.schedule`: the learning rate over time.

use std::fmt;

use crate::language::{Vocabulary, either, options, variants};
use crate::shape::Shape;
use crate::values::Fraction;

options! {
    /// `train.schedule`: a linear warm-up, then the decay.
    #[derive(Copy)]
    pub struct Schedule {
        /// How long the learning rate rises to its peak.
        #[serde(flatten)]
        warmup: Warmup;
        /// What follows the warm-up.
        #[serde(flatten)]
        decay: Decay = "cosine";
    }
}

either! {
    /// The length of the warm-up.
    pub enum Warmup {
        /// The number of updates in which the learning rate rises along a straight line from zero to its peak, instead of
        /// `warmup`.
        Steps(usize) = "warmup_steps", Shape::Whole { min: 0, max: 100_000_000 };
        /// The length of the warm-up as a share of all updates. It is 0.1 when neither key is given.
        Share(Fraction) = "warmup", Shape::between(0.0, 1.0);
    }
    // A tenth suits short trainings and long ones; a number of steps that does is hard to know beforehand.
    absent Self::Share(Fraction::TENTH);
}

impl fmt::Display for Warmup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps(steps) => steps.fmt(f),
            Self::Share(share) => write!(f, "{} %", 100.0 * share.get()),
        }
    }
}

variants! {
    /// The learning rate after the warm-up.
    pub enum Decay under "decay" {
        /// The rate falls along half a cosine to zero.
        Cosine = "cosine",
        /// The rate falls along a straight line to zero.
        Linear = "linear",
        /// The rate stays at its peak.
        Constant = "constant",
        /// The rate stays at its peak, then falls along a straight line to zero at the end.
        ConstantWithCooldown = "constant-with-cooldown" {
            /// The share of all updates that the line to zero takes.
            cooldown: Fraction = "0.2";
        },
    }
}

impl Decay {
    /// Returns the word for this decay in the language.
    pub fn as_str(self) -> &'static str {
        self.word()
    }
}
