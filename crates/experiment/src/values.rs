//! Types for bounded values, which can only hold values that are possible.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::yaml::{FromNode, Node};

/// The reason why a value is impossible, as a fragment of a sentence that tells what is expected, such as `"expected a
/// number between 0 and 1"`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Impossible(pub String);

/// The name of an experiment: letters, digits, `-`, `_` and `.`, not starting with a dot. Folders are named after it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExperimentName(String);

impl ExperimentName {
    /// The length of the longest name. It leaves room for suffixes in a file name.
    const MAX_LENGTH: usize = 100;

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ExperimentName {
    type Error = Impossible;

    fn try_from(name: String) -> Result<Self, Impossible> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let fits = (1..=Self::MAX_LENGTH).contains(&name.len());
        if fits
            && !name.starts_with('.')
            && name.chars().all(allowed)
            && !RESERVED_NAMES.contains(&name.as_str())
        {
            return Ok(Self(name));
        }
        Err(Impossible(format!(
            "expected a name of letters, digits, '-', '_' or '.' (at most {} characters, not starting with '.', \
             not one of {})",
            Self::MAX_LENGTH,
            RESERVED_NAMES.join(", ")
        )))
    }
}

/// The folders that the store keeps beside those of experiments. No experiment may have one of these names.
pub const RESERVED_NAMES: [&str; 3] = ["datasets", "cache", "reports"];

impl FromStr for ExperimentName {
    type Err = Impossible;

    fn from_str(name: &str) -> Result<Self, Impossible> {
        Self::try_from(name.to_owned())
    }
}

impl From<ExperimentName> for String {
    fn from(name: ExperimentName) -> Self {
        name.0
    }
}

impl fmt::Display for ExperimentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A seed of a random number generator. It is bounded so that it is exact in JSON and YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u32);

impl From<u32> for Seed {
    fn from(seed: u32) -> Self {
        Self(seed)
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A finite number between 0 and 1, both included.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Fraction(f64);

impl Fraction {
    /// The fraction 0.
    pub const ZERO: Self = Self(0.0);

    /// The fraction 0.1.
    pub(crate) const TENTH: Self = Self(0.1);

    /// Returns the fraction as a number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Fraction {
    type Error = Impossible;

    fn try_from(value: f64) -> Result<Self, Impossible> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(Impossible("expected a number between 0 and 1".to_owned()))
        }
    }
}

impl From<Fraction> for f64 {
    fn from(fraction: Fraction) -> Self {
        fraction.0
    }
}

/// A positive, finite learning rate of at most 10.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct LearningRate(f64);

impl LearningRate {
    /// The largest learning rate.
    pub(crate) const MAX: f64 = 10.0;

    /// Returns the learning rate as a number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for LearningRate {
    type Error = Impossible;

    fn try_from(value: f64) -> Result<Self, Impossible> {
        if value > 0.0 && value <= Self::MAX {
            Ok(Self(value))
        } else {
            Err(Impossible(format!("expected a learning rate above 0 and at most {}", Self::MAX)))
        }
    }
}

impl From<LearningRate> for f64 {
    fn from(rate: LearningRate) -> Self {
        rate.0
    }
}

/// The decay of a moving average, which is above 0 and below 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct EmaDecay(f64);

impl EmaDecay {
    /// Returns the decay as a number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for EmaDecay {
    type Error = Impossible;

    fn try_from(value: f64) -> Result<Self, Impossible> {
        if value > 0.0 && value < 1.0 {
            Ok(Self(value))
        } else {
            Err(Impossible("expected a decay above 0 and below 1".to_owned()))
        }
    }
}

impl From<EmaDecay> for f64 {
    fn from(decay: EmaDecay) -> Self {
        decay.0
    }
}

/// The number of items in a batch, which is between 1 and 65536.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "usize", into = "usize")]
pub struct BatchSize(usize);

impl BatchSize {
    /// The batch size for evaluating a model that is not trained.
    pub const DEFAULT: Self = Self(64);

    /// The largest batch size.
    pub(crate) const MAX: usize = 65_536;

    /// Returns the number of items.
    pub fn get(self) -> usize {
        self.0
    }
}

impl TryFrom<usize> for BatchSize {
    type Error = Impossible;

    fn try_from(value: usize) -> Result<Self, Impossible> {
        if (1..=Self::MAX).contains(&value) {
            Ok(Self(value))
        } else {
            Err(Impossible(format!("expected a batch size between 1 and {}", Self::MAX)))
        }
    }
}

impl From<BatchSize> for usize {
    fn from(size: BatchSize) -> Self {
        size.0
    }
}

/// Implements reading for types with bounds. A value out of bounds reads as `None`, because the shape of its key has
/// already refused it.
macro_rules! read_within_bounds {
    ($($Value:ty as $Number:ty),+) => {
        $(impl FromNode for $Value {
            fn from_node(node: &Node) -> Option<Self> {
                Self::try_from(<$Number>::from_node(node)?).ok()
            }
        })+
    };
}

read_within_bounds!(Fraction as f64, LearningRate as f64, EmaDecay as f64, BatchSize as usize, Seed as u32);
